/** The result for a terminal: the comparison first, then what broke, then what the gate says and what to do next. */
import { formatTable } from "../text/table.ts";
import { count } from "../text/spoken.ts";
import type { EvalReport } from "./report.ts";
import {
  detectable,
  dollars,
  milliseconds,
  passRate,
  percent,
  points,
  range,
  score,
  sliceVerdict,
  spent,
} from "./wording.ts";

/** Cases that are listed; all of them stand in `--out` and `--junit`. */
export const MISSES_SHOWN = 10;
const REASON_CHARS = 160;

export function describeEval(report: EvalReport): string {
  const { plan, summary } = report;
  const paragraphs = [
    headline(report),
    comparison(report),
    sliceTable(report),
    plan.incumbent === null ? "" : detectable(summary.decision.smallest_detectable_drop),
    missList(report),
    runLine(report),
    verdict(report),
  ];
  return `${paragraphs.filter((each) => each !== "").join("\n\n")}\n`;
}

function headline({ plan, summary, repeat }: EvalReport): string {
  const { useCase, candidate, incumbent, isIncumbentLive, env } = plan;
  const against =
    incumbent === null
      ? "with nothing to compare with"
      : `against ${incumbent.label}${isIncumbentLive ? `, live in ${env}` : ""}`;
  const cases = count(summary.record.candidate.cases.length, "case");
  return `${useCase}  ${candidate.label} ${against}: ${cases}${repeat === 1 ? "" : `, each asked ${count(repeat, "time")}`}`;
}

/** One row a measure; the columns of the incumbent only when there is one. */
export function comparisonRows({ plan, summary }: EvalReport): readonly (readonly string[])[] {
  const { candidate, incumbent, decision, alpha } = summary;
  const [all] = decision.table;
  const rows: readonly (readonly [string, string, string?, string?, string?])[] = [
    [
      "mean score",
      score(all?.candidate_score ?? null),
      score(all?.incumbent_score ?? null),
      all?.paired ? points(all.paired.difference) : "",
      all?.paired ? range(all.paired) : "",
    ],
    ["pass rate (95%)", passRate(candidate.pass_rate), passRate(incumbent?.pass_rate ?? null)],
    ["cost per case", dollars(candidate.cost_usd_per_case), dollars(incumbent?.cost_usd_per_case ?? null)],
    ["cost of all", dollars(candidate.cost_usd_total), dollars(incumbent?.cost_usd_total ?? null)],
    ["latency p50", milliseconds(candidate.latency_ms_p50), milliseconds(incumbent?.latency_ms_p50 ?? null)],
    ["latency p95", milliseconds(candidate.latency_ms_p95), milliseconds(incumbent?.latency_ms_p95 ?? null)],
  ];
  if (plan.incumbent === null) {
    return [["", plan.candidate.label], ...rows.map(([name, value]) => [name, value])];
  }
  return [
    ["", plan.candidate.label, plan.incumbent.label, "difference", `${intervalLevel(alpha)} interval`],
    ...rows.map((row) => Array.from({ length: 5 }, (_, i) => row[i] ?? "")),
  ];
}

export function sliceRows({ plan, summary }: EvalReport): readonly (readonly string[])[] {
  const slices = summary.decision.table.filter((row) => row.slice !== null);
  if (slices.length === 0) return [];
  const hasIncumbent = plan.incumbent !== null;
  const head = hasIncumbent
    ? [
        "slice",
        "n",
        plan.candidate.label,
        plan.incumbent.label,
        "difference",
        `${intervalLevel(summary.alpha)} interval`,
        "",
      ]
    : ["slice", "n", plan.candidate.label];
  const rows = slices.map((row) => [
    row.slice!,
    String(row.n),
    score(row.candidate_score),
    ...(hasIncumbent
      ? [
          score(row.incumbent_score),
          row.paired === null ? "" : points(row.paired.difference),
          row.paired === null ? "" : range(row.paired),
          sliceVerdict(row, summary),
        ]
      : []),
  ]);
  return [head, ...rows];
}

function comparison(report: EvalReport): string {
  return formatTable(comparisonRows(report));
}

function sliceTable(report: EvalReport): string {
  return formatTable(sliceRows(report));
}

function missList({ summary }: EvalReport): string {
  const { misses } = summary;
  if (misses.length === 0) return "";
  const shown = misses.slice(0, MISSES_SHOWN).map(({ case_id, assert, reason, incumbent_passes: old }) => {
    const note = old === true ? " (the incumbent passes)" : "";
    return `  ${case_id}  ${assert}: ${shorten(reason)}${note}`;
  });
  const rest = misses.length - shown.length;
  return [
    `${count(misses.length, "case")} of the candidate did not pass:`,
    ...shown,
    ...(rest > 0 ? [`  and ${rest} more; --out FILE or --junit FILE has all of them`] : []),
  ].join("\n");
}

export function runLine({ summary, judge, spentUsd, unpriced, maxUsd }: EvalReport): string {
  const { made, planned, cached } = summary.answers;
  const fromCache =
    cached === 0
      ? ""
      : `, ${cached} of them from the cache (free; their cost and latency are the measured ones)`;
  return `${made} of ${count(planned, "answer")}${fromCache}; ${spent(spentUsd, maxUsd, unpriced)}. Judged by: ${judge}.`;
}

function verdict({ plan, gate, isRecorded }: EvalReport): string {
  const { useCase, env } = plan;
  if (gate === null) return "Trial run: not recorded, and the gate was not asked.";
  const where = isRecorded ? `recorded for ${env}` : "not recorded";
  if (gate.passed) {
    const floors = plan.incumbent === null ? ": nothing to compare with, so only floors were checked" : "";
    return `Gate: PASSED (${where})${floors}\nNext: ${isRecorded ? stepAfterPass(plan) : "the same command without --no-record, for the registry's gate"}`;
  }
  return [
    `Gate: REFUSED (${where})`,
    ...gate.failures.map(({ code, message }) => `  ${code}: ${message}`),
    `Next: plumbline diff ${useCase}`,
  ].join("\n");
}

/** The gate asks for two things; a pass is one of them. */
function stepAfterPass({ useCase, candidate, isApproved }: EvalReport["plan"]): string {
  const promote = `plumbline promote ${useCase} ${candidate.label}`;
  if (isApproved) return promote;
  return `a colleague runs plumbline approve ${useCase} ${candidate.label}; then ${promote}`;
}

function intervalLevel(alpha: number): string {
  return percent(1 - 2 * alpha);
}

export function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > REASON_CHARS ? `${line.slice(0, REASON_CHARS - 1)}…` : line;
}
