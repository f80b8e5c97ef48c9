import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isAlive, thisProcess, whenFree } from "./holder.ts";

const SINCE = "2026-03-01T00:00:00Z";

test("this process lives; with another start it is another one", () => {
  const holder = thisProcess(SINCE);
  expect(isAlive(holder)).toBe(true);
  expect(isAlive({ ...holder, started: "another boot:1" })).toBe(false);
  expect(isAlive({ pid: 2 ** 22 + 1, started: null })).toBe(false);
});

test("a killed process is dead at once, though its parent has not collected it", async () => {
  // The shell becomes a process that collects nobody; its child prints its id and waits to be killed.
  const script = "sh -c 'echo $$; exec sleep 600' & exec sleep 600";
  const parent = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    expect(isAlive({ pid, started: null })).toBe(true);
    process.kill(pid, "SIGKILL");
    await expect
      .poll(() => readFileSync(`/proc/${pid}/stat`, "latin1"), { timeout: 60_000 })
      .toContain(") Z ");
    // What the old check asked, and was told "alive".
    expect(() => process.kill(pid, 0)).not.toThrow();
    expect(isAlive({ pid, started: null })).toBe(false);
  } finally {
    parent.kill("SIGKILL");
  }
});

test("a living holder is waited for with one line, and what else is wrong is not", async () => {
  const lines: unknown[] = [];
  const logger = { info: (fields: object, message: string) => void lines.push([message, fields]) };
  const options = {
    folder: "/data",
    waitMs: 60_000,
    logger,
    holderIn: (error: unknown) => (String(error).includes("held") ? "process 7" : null),
  };
  let left = 3;
  const found = await whenFree(() => {
    if (left-- > 0) throw new Error("held");
    return "free";
  }, options);
  expect(found).toBe("free");
  expect(lines).toEqual([
    ["folder.waiting_for_holder", { folder: "/data", holder: "process 7", wait_ms_max: 60_000 }],
  ]);

  const other = whenFree(() => Promise.reject(new Error("no such disk")), options);
  await expect(other).rejects.toThrow("no such disk");
  const late = whenFree(() => Promise.reject(new Error("held")), { ...options, waitMs: 0 });
  await expect(late).rejects.toThrow("held");
});
