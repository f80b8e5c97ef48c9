/**
 * The fault suite: kills, outages and lies under load, and an oracle that compares what was acknowledged with what is
 * stored. Writes `docs/operate/faults.md`.
 *
 *   npm run faults -- [--json] [--short] [--seed N] [--scenario NAME|F7]... [--minutes N]
 *
 * Ends with 0 when everything holds and, in the whole long form, enough was killed and acknowledged to show it.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { faultsPage } from "./report/table.ts";
import { runSuite } from "./suite.ts";

const PAGE = fileURLToPath(new URL("../../docs/operate/faults.md", import.meta.url));
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
// A part of the suite is no result to publish.
if (values.scenario.length === 0) {
  await mkdir(dirname(PAGE), { recursive: true });
  await writeFile(PAGE, faultsPage(result));
}
for (const goal of result.missed) process.stderr.write(`not reached: ${goal}\n`);
process.stdout.write(
  values.json ? `${JSON.stringify(result)}\n` : `${result.passed ? "passed" : "failed"}\n`,
);
process.exitCode = result.passed ? 0 : 1;
