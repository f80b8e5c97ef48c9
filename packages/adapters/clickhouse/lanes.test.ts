import { describe, expect, test } from "vitest";
import { createLanes } from "./lanes.ts";

const refuse = (): Error => new Error("closed");

describe("lanes", () => {
  test("no lane has two jobs at once, and jobs start in the order of asking", async () => {
    const lanes = createLanes(["a", "b"], refuse);
    const busy = new Set<string>();
    const started: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        lanes.run(async (lane) => {
          expect(busy.has(lane)).toBe(false);
          busy.add(lane);
          started.push(i);
          await Promise.resolve();
          busy.delete(lane);
        }),
      ),
    );
    expect(started).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  test("a failed job gives its lane back", async () => {
    const lanes = createLanes(["a"], refuse);
    await expect(lanes.run(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await lanes.run((lane) => Promise.resolve(lane))).toBe("a");
  });

  test("close waits for jobs that run or wait, and refuses later ones", async () => {
    const lanes = createLanes(["a"], refuse);
    const done: number[] = [];
    const jobs = [0, 1].map((i) =>
      lanes.run(async () => {
        await Promise.resolve();
        done.push(i);
      }),
    );
    await lanes.close();
    expect(done).toEqual([0, 1]);
    await Promise.all(jobs);
    await expect(lanes.run(() => Promise.resolve())).rejects.toThrow("closed");
  });
});
