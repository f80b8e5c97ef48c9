/** `npm run fuzz -- --json [--seed N] [--requests N]`: the long form. Exit code 1 when something happened that must not. */
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    seed: { type: "string", default: "1" },
    requests: { type: "string", default: "20000" },
  },
});
const report = await fuzz({ seed: Number(values.seed), requests: Number(values.requests) });
process.stdout.write(`${JSON.stringify(report, null, values.json === true ? 0 : 2)}\n`);
process.exitCode = report.faults.length === 0 ? 0 : 1;
