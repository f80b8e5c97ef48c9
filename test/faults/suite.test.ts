/** The short form of `npm run faults`: every kind of kill on both logs, and hostile input, in minutes. */
import { expect, test } from "vitest";
import { runSuite } from "./suite.ts";

const SEED = 20_261_130;
const KILLS_MIN = 60;

test(
  "nothing acknowledged is lost, stored twice or invented, whatever is killed and when",
  { timeout: 900_000 },
  async () => {
    const { scenarios, ...result } = await runSuite({
      seed: SEED,
      isShort: true,
      only: [],
      minutes: 10,
      say: (line) => process.stderr.write(`${line}\n`),
    });
    const failed = scenarios.flatMap(({ name, problems }) =>
      problems.map((problem) => `${name}: ${problem}`),
    );
    expect(failed).toEqual([]);
    expect(result).toMatchObject({ lost: 0, duplicated: 0, invented: 0, altered: 0 });
    // Without Kafka half of it is skipped, loudly.
    const ran = scenarios.filter(({ skipped }) => skipped === undefined);
    expect(ran.length).toBeGreaterThan(0);
    if (ran.length === scenarios.length) expect(result.kills).toBeGreaterThanOrEqual(KILLS_MIN);
    expect(result.acknowledged).toBeGreaterThan(1_000);
  },
);
