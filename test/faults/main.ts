/**
 * The fault suite: kills, outages and lies under load, and an oracle that compares what was acknowledged with what is
 * stored. Writes `docs/operate/faults.md`, and beside it the result that the page is made of. `--scenario` replaces the rows
 * of those scenarios.
 *
 *   npm run faults -- [--json] [--short] [--seed N] [--scenario NAME|F7]... [--minutes N]
 *
 * Ends with 0 when everything holds and, in the whole long form, enough was killed and acknowledged to show it.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type SuiteResult, withRepeated } from "./report/result.ts";
import { faultsPage } from "./report/table.ts";
import { runSuite } from "./suite.ts";

const PAGE = fileURLToPath(new URL("../../docs/operate/faults.md", import.meta.url));
const RESULT = fileURLToPath(new URL("../../docs/operate/faults.json", import.meta.url));
const SEED = "20261130";
const MINUTES = "58";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    short: { type: "boolean", default: false },
    seed: { type: "string", default: SEED },
    scenario: { type: "string", multiple: true, default: [] },
    minutes: { type: "string", default: MINUTES },
  },
});
const result = await runSuite({
  seed: Number(values.seed),
  isShort: values.short,
  only: values.scenario,
  minutes: Number(values.minutes),
  say: (line) => process.stderr.write(`${line}\n`),
});
const before = await readFile(RESULT, "utf8").catch(() => null);
const published =
  values.scenario.length === 0
    ? result
    : before === null
      ? null
      : withRepeated(JSON.parse(before) as SuiteResult, result);
// A part of the suite by itself is no result to publish.
if (published !== null) {
  await mkdir(dirname(PAGE), { recursive: true });
  await writeFile(RESULT, `${JSON.stringify(published, null, 2)}\n`);
  await writeFile(PAGE, faultsPage(published));
}
for (const goal of result.missed) process.stderr.write(`not reached: ${goal}\n`);
process.stdout.write(
  values.json ? `${JSON.stringify(result)}\n` : `${result.passed ? "passed" : "failed"}\n`,
);
process.exitCode = result.passed ? 0 : 1;
