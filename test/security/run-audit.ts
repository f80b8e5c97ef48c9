/**
 * `npm run audit`: known weaknesses of what production installs, by `npm audit --omit=dev`. Exit code 1 for a finding of high
 * or critical severity, and for every failure but one: a registry that has no such list (405), which a warning tells.
 */
import { spawnSync } from "node:child_process";
import { readAudit } from "./read-audit.ts";

const { stdout } = spawnSync("npm", ["audit", "--omit=dev", "--json"], {
  encoding: "utf8",
  maxBuffer: 64 * 1_048_576,
});
const { isOk, says } = readAudit(stdout);
process.stderr.write(`${says}\n`);
process.exitCode = isOk ? 0 : 1;
