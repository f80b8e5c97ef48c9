/** The comment of a pull request, and the summary of a CI step. */
import { diffPrompts, formatDiff } from "@plumbline/prompts";
import { markdownTable, markdownText } from "../text/markdown.ts";
import { count } from "../text/spoken.ts";
import { comparisonRows, MISSES_SHOWN, runLine, shorten, sliceRows } from "./describe-eval.ts";
import type { EvalReport } from "./report.ts";
import { detectable } from "./wording.ts";

/** GitHub refuses comments above 65,536 characters. */
const DIFF_CHARS_MAX = 20_000;

export function toMarkdown(reports: readonly EvalReport[]): string {
  return `${reports.map(section).join("\n\n")}\n`;
}

function section(report: EvalReport): string {
  const { plan, summary, gate, isRecorded } = report;
  const parts = [
    `## ${verdictWord(report)}: \`${plan.useCase}\` ${plan.candidate.label}${plan.incumbent === null ? "" : ` against ${plan.incumbent.label}`}`,
    gate === null || gate.passed
      ? ""
      : gate.failures.map(({ code, message }) => `- **${code}**: ${markdownText(message)}`).join("\n"),
    markdownTable(comparisonRows(report)),
    markdownTable(sliceRows(report)),
    plan.incumbent === null ? "" : detectable(summary.decision.smallest_detectable_drop),
    misses(report),
    diff(report),
    `<sub>${markdownText(runLine(report))}${isRecorded ? ` Recorded for ${plan.env}.` : " Not recorded."}</sub>`,
  ];
  return parts.filter((each) => each !== "").join("\n\n");
}

function verdictWord({ gate }: EvalReport): string {
  if (gate === null) return "⚪ Trial run";
  return gate.passed ? "✅ Gate passed" : "❌ Gate refused";
}

function misses({ summary }: EvalReport): string {
  if (summary.misses.length === 0) return "";
  const lines = summary.misses
    .slice(0, MISSES_SHOWN)
    .map(
      ({ case_id, assert, reason, incumbent_passes: old }) =>
        `- \`${case_id}\` ${assert}: ${markdownText(shorten(reason))}${old === true ? " (the incumbent passes)" : ""}`,
    );
  const rest = summary.misses.length - lines.length;
  if (rest > 0) lines.push(`- and ${rest} more`);
  return details(`${count(summary.misses.length, "case")} did not pass`, lines.join("\n"));
}

function diff({ plan }: EvalReport): string {
  if (plan.incumbent === null) return "";
  const text = formatDiff(diffPrompts(plan.incumbent.document, plan.candidate.document)).trimEnd();
  const shown = text.length > DIFF_CHARS_MAX ? `${text.slice(0, DIFF_CHARS_MAX)}\n(shortened)` : text;
  // A fence must be longer than any run of backticks in what it encloses.
  const longest = Math.max(0, ...(shown.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(Math.max(3, longest + 1));
  return details(
    `Prompt diff ${plan.incumbent.label} → ${plan.candidate.label}`,
    `${fence}diff\n${shown}\n${fence}`,
  );
}

function details(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`;
}
