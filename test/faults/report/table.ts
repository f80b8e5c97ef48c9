/** `docs/operate/faults.md`, from a result. */
import type { ScenarioResult, SuiteResult } from "./result.ts";

/** Faults of the list that one machine can't show, and where they are shown instead, if anywhere. */
const NOT_HERE: readonly (readonly [fault: string, why: string])[] = [
  ["F6, leader move", "there is one broker; a move of leadership needs three"],
  [
    "F16, lost unsynced writes",
    "stood for by an older copy of the ClickHouse folder; a device that drops writes needs a virtual machine",
  ],
  [
    "F21, daylight saving time",
    "every schedule is in UTC; steps of the clock are in `packages/runtime`'s tests",
  ],
  [
    "F24, 99th percentile under 10 ms",
    "a measure of speed: `npm run bench:rollback`; that clients serve on is in `test/faults/registry-killed.test.ts`",
  ],
];

export function faultsPage(result: SuiteResult): string {
  const when = result.started_at.slice(0, 16).replace("T", " ");
  return `# Faults

Written by \`npm run faults\`; the numbers are of one run. Repeat it with \`npm run faults -- --seed ${result.seed}${result.form === "short" ? " --short" : ""}\`: the
seed draws what is killed, how and when, but not how fast the machine is.

| | |
| --- | --- |
| run | ${when} UTC, ${result.form} form, seed ${result.seed}, ${result.seconds} s |
| result | ${result.passed ? "passed" : "**failed**"} |
| kills | ${number(result.kills)} |
| calls acknowledged | ${number(result.acknowledged)} |
| lost · stored twice · invented · altered | ${result.lost} · ${result.duplicated} · ${result.invented} · ${result.altered} |
| dead letters (each of a record that was meant to become one) | ${number(result.dead_lettered)} |

An oracle outside the processes under test keeps what was acknowledged, call by call, and compares it with the store after
the faults stop: each acknowledged call is one row with the texts that were sent, and no other row is there.

## Kills

| process | kills | SIGKILL | SIGTERM | before it served | most memory, MB |
| --- | --- | --- | --- | --- | --- |
${Object.entries(result.kills_by_process)
  .map(
    ([name, kills]) =>
      `| ${name} | ${kills.total} | ${kills.sigkill} | ${kills.sigterm} | ${kills.while_starting} | ${kills.memory_mb_max || "–"} |`,
  )
  .join("\n")}

## Scenarios

| faults | scenario | log | injected | must hold | counts | s | result |
| --- | --- | --- | --- | --- | --- | --- | --- |
${result.scenarios.map(scenarioRow).join("\n")}

## Not shown here

| fault | why |
| --- | --- |
${NOT_HERE.map(([fault, why]) => `| ${fault} | ${why} |`).join("\n")}
${result.missed.length === 0 ? "" : `\nThis run did not reach what the long form asks for: ${result.missed.join("; ")}.\n`}`;
}

function scenarioRow(row: ScenarioResult): string {
  const counts = Object.entries({ ...(row.kills > 0 ? { kills: row.kills } : {}), ...row.counts })
    .map(([name, value]) => `${name} ${number(value)}`)
    .join(", ");
  const outcome =
    row.skipped === undefined
      ? row.passed
        ? "holds"
        : `**fails**: ${row.problems.join("; ")}`
      : `not run: ${row.skipped}`;
  return `| ${row.faults} | ${row.name} | ${row.log} | ${row.injects} | ${row.holds} | ${counts} | ${row.seconds} | ${outcome} |`;
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}
