/**
 * A process that appends is killed at random points. What it was told is durable must be there afterwards, in order
 * and without gaps; what it never appended must not.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../clock/system-clock.ts";
import { openLmdbEventLog } from "./event-log.ts";

const KILLS = 12;
/** Longest wait for a child to start and to do its part, ms: seconds, and minutes on a busy machine. */
const ROUND_MS = 60_000;
const TOPIC = "plumbline.calls";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumbline-crash-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** One line per acknowledged append and per commit, written before the next step is taken. */
interface Acknowledged {
  readonly appended?: readonly (readonly [offset: number, name: string])[];
  readonly committed?: number;
}

/** What was acknowledged so far; a line that is being written is left out. */
async function readLines(oracle: string): Promise<readonly Acknowledged[]> {
  const lines = (await readFile(oracle, "utf8")).split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Acknowledged);
}

function count(lines: readonly Acknowledged[]): { appended: number; committed: number } {
  return {
    appended: lines.reduce((sum, line) => sum + (line.appended?.length ?? 0), 0),
    committed: lines.filter((line) => line.committed !== undefined).length,
  };
}

function startChild(round: number): ReturnType<typeof spawn> {
  const child = fileURLToPath(new URL("crash-child.fixture.ts", import.meta.url));
  const args = [
    "--conditions=source",
    "--import",
    "tsx",
    child,
    join(folder, "log"),
    join(folder, "oracle"),
    `${round}`,
  ];
  return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
}

test(
  `nothing acknowledged is lost, and nothing invented, over ${KILLS} kills`,
  { timeout: KILLS * ROUND_MS },
  async () => {
    const oracle = join(folder, "oracle");
    await writeFile(oracle, "");
    for (let round = 0; round < KILLS; round++) {
      const child = startChild(round);
      await once(child.stdout!, "data");
      // Killed after so much work, not after so much time: a slow machine does the same. The first round kills at once.
      const before = count(await readLines(oracle));
      const wanted = { appended: ((round * 37) % 13) * 100, committed: Math.min(round, 2) };
      await expect
        .poll(
          async () => {
            const { appended, committed } = count(await readLines(oracle));
            return (
              appended - before.appended >= wanted.appended &&
              committed - before.committed >= wanted.committed
            );
          },
          { timeout: ROUND_MS, interval: 3 },
        )
        .toBe(true);
      child.kill("SIGKILL");
      await once(child, "close");
    }

    const acknowledged = await readLines(oracle);
    const appended = acknowledged.flatMap((each) => each.appended ?? []);
    const committed = acknowledged.flatMap((each) => each.committed ?? []);
    expect(appended.length).toBeGreaterThan(5_000);
    expect(committed.length).toBeGreaterThan(KILLS);

    const log = await openLmdbEventLog({ path: join(folder, "log"), clock: systemClock, reserveBytes: 0 });
    const [watermark] = await log.watermarks(TOPIC);
    const found = await log.read(TOPIC, 0, 0, { recordsMax: Infinity, bytesMax: Infinity });
    const cursor = await log.committed("crash", TOPIC, 0);
    await log.close();

    expect(found.map((each) => each.offset)).toEqual(Array.from({ length: watermark!.high }, (_, i) => i));
    const lost = appended.filter(([offset, name]) => found[offset]?.key !== name);
    expect(lost).toEqual([]);
    // Each record says what it is: round, writer and sequence as the key, repeated in the value.
    const invented = found.filter((each) => !Buffer.from(each.value).toString().startsWith(`${each.key} `));
    expect(invented).toEqual([]);
    expect(new Set(found.map((each) => each.key)).size).toBe(found.length);
    // At most the commits in flight at each kill are there without having been acknowledged.
    expect(cursor.offset).toBeGreaterThanOrEqual(Math.max(...committed));
    expect(cursor.metadata).toBe(`${cursor.offset}`);
    expect(cursor.offset).toBeLessThanOrEqual(watermark!.high);
  },
);

test("a living process holds the folder against another one, which learns whom to stop", async () => {
  const child = startChild(KILLS);
  await once(child.stdout!, "data");
  try {
    const second = openLmdbEventLog({ path: join(folder, "log"), clock: systemClock, holderWaitMs: 0 });
    await expect(second).rejects.toMatchObject({ code: "config" });
    await expect(second).rejects.toThrow(`in use by process ${child.pid}`);
  } finally {
    child.kill("SIGKILL");
    await once(child, "close");
  }
});
