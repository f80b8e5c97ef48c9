/** `docs/operate/faults.md`, from a result. */
import type { ScenarioResult, SuiteResult } from "./result.ts";

/** Faults of the list that one machine can't show, and where they are shown instead, if anywhere. */
const NOT_HERE: readonly (readonly [fault: string, why: string])[] = [
  [
    "F3, local spool",
    "the emitter has none: what it had not sent when it was killed is lost, at most its queue",
  ],
  ["F6, leader move", "there is one broker, and a partition with one copy has nobody to lead it next"],
  [
    "F15, Kafka's disk",
    "a broker whose only disk is full ends, as in `broker-restarts`; the collector answers 503 meanwhile",
  ],
  [
    "F16, a device that drops writes",
    "needs a virtual machine; stood for by an older copy of ClickHouse's folder, and by files of which a part is gone; LMDB's own writes are not dropped",
  ],
  [
    "F21, clocks and missed ticks",
    "tests of the schedule in `packages/runtime` and of the jobs, on a clock that is set",
  ],
  ["F23, topics of the wrong shape", "`test/kafka/topics.test.ts`"],
  [
    "F24",
    "`test/faults/registry-killed.test.ts` shows that clients serve on; how fast is `npm run bench:rollback`",
  ],
  ["F25, one engine", "`packages/adapters/clickhouse/embedded.test.ts`, in one process"],
  [
    "F26, cut off cursor",
    "cursors, intents and records are one file of LMDB: one that is cut off is a loss of the log, which a copy brings back",
  ],
];

export function faultsPage(result: SuiteResult): string {
  const when = result.started_at.slice(0, 16).replace("T", " ");
  return `# Faults

Written by \`npm run faults\`; the numbers are of one run, but for scenarios that ran again since, with
\`--scenario\`: their rows say when. Repeat it with \`npm run faults -- --seed ${result.seed}${result.form === "short" ? " --short" : ""}\`: the
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
${result.scenarios.map((row) => scenarioRow(row, result.started_at, result.seconds)).join("\n")}

## Not shown here

| fault | why |
| --- | --- |
${NOT_HERE.map(([fault, why]) => `| ${fault} | ${why} |`).join("\n")}
${result.missed.length === 0 ? "" : `\nThis run did not reach what the long form asks for: ${result.missed.join("; ")}.\n`}`;
}

function scenarioRow(row: ScenarioResult, runAt: string, runSeconds: number): string {
  const isAgain = Date.parse(row.started_at) > Date.parse(runAt) + runSeconds * 1_000;
  const when = isAgain ? `, run again at ${row.started_at.slice(0, 16).replace("T", " ")} UTC` : "";
  const counts = Object.entries({ ...(row.kills > 0 ? { kills: row.kills } : {}), ...row.counts })
    .map(([name, value]) => `${name} ${number(value)}`)
    .join(", ");
  const outcome =
    row.skipped === undefined
      ? row.passed
        ? "holds"
        : `**fails**: ${row.problems.join("; ")}`
      : `not run: ${row.skipped}`;
  return `| ${row.faults} | ${row.name} | ${row.log} | ${row.injects} | ${row.holds} | ${counts} | ${row.seconds} | ${outcome}${when} |`;
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}
