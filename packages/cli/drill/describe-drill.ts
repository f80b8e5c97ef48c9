/** A drill as people, pull requests and CI read it. Its Markdown is the documentation of how the use case degrades. */
import type { DrillFinding, PolicyFile } from "@plumbline/schemas";
import { markdownTable, markdownText } from "../text/markdown.ts";
import { printableLine } from "../text/printable.ts";
import { formatTable } from "../text/table.ts";
import { xmlAttribute } from "../text/xml-attribute.ts";
import type { Drill } from "./run-drill.ts";

const HEAD = ["FORCED", "ON", "EXPECTED", "ANSWERED", "REQUESTS", "LATENCY", "RESULT"];

export function isPassed({ findings }: Pick<Drill, "findings">): boolean {
  return findings.every(({ passed }) => passed);
}

export function describeDrill(drill: Drill): string {
  const failed = drill.findings.filter(({ passed }) => !passed);
  return [
    `${drill.use_case}: ${policyWords(drill.policy)}`,
    formatTable([HEAD, ...drill.findings.map(rowOf)]),
    ...failed.map(({ branch, scope, why }) => printableLine(`${branch} on ${scopeWords(scope)}: ${why}`)),
  ].join("\n");
}

export function drillToMarkdown(drill: Drill, isRecorded: boolean): string {
  const failed = drill.findings.filter(({ passed }) => !passed);
  const parts = [
    `## ${isPassed(drill) ? "✅ Drill passed" : "❌ Drill failed"}: \`${drill.use_case}\``,
    markdownText(policyWords(drill.policy)),
    markdownTable([
      HEAD.map((each) => each.charAt(0) + each.slice(1).toLowerCase()),
      ...drill.findings.map(rowOf),
    ]),
    failed
      .map(({ branch, scope, why }) => `- **${branch}** on ${scopeWords(scope)}: ${markdownText(why)}`)
      .join("\n"),
    `<sub>${drill.started_at}, prompt ${drill.prompt_version}, policy ${drill.policy_hash ?? "none: the defaults"}.${isRecorded ? " Recorded." : " Not recorded."}</sub>`,
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/** One suite a use case, one test a branch and scope. */
export function drillToJunit({ use_case, findings }: Drill): string {
  const failures = findings.filter(({ passed }) => !passed).length;
  const tests = findings.map(({ branch, scope, passed, latency_ms, why }) => {
    const seconds = ((latency_ms ?? 0) / 1_000).toFixed(3);
    const name = xmlAttribute(`${branch} on ${scopeWords(scope)}`);
    const open = `    <testcase classname="${xmlAttribute(use_case)}" name="${name}" time="${seconds}"`;
    return passed
      ? `${open}/>`
      : `${open}>\n      <failure type="drill" message="${xmlAttribute(why)}"/>\n    </testcase>`;
  });
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites>`,
    `  <testsuite name="${xmlAttribute(`${use_case} drill`)}" tests="${findings.length}" failures="${failures}" errors="0" skipped="0">`,
    ...tests,
    `  </testsuite>`,
    `</testsuites>`,
    ``,
  ].join("\n");
}

function rowOf(finding: DrillFinding): readonly string[] {
  const { branch, scope, expected_path, path, attempts, latency_ms, passed } = finding;
  return [
    branch,
    scopeWords(scope),
    expected_path ?? "an answer",
    path ?? "no call",
    String(attempts),
    latency_ms === null ? "" : `${Math.round(latency_ms)} ms`,
    passed ? "passed" : "failed",
  ];
}

function scopeWords(scope: DrillFinding["scope"]): string {
  return scope === "primary" ? "its model" : "every model";
}

/** The ladder in a sentence. */
function policyWords({
  deadline_ms,
  attempt_timeout_ms,
  retry,
  fallback_models,
  template,
}: PolicyFile): string {
  return [
    `answers within ${deadline_ms} ms, each request within ${attempt_timeout_ms} ms`,
    retry.max === 0 ? "no retry" : `up to ${retry.max} retries on ${retry.on.join(", ")}`,
    fallback_models.length === 0
      ? "no fallback model"
      : `then ${fallback_models.map(({ model }) => model).join(", then ")}`,
    template === null ? "no template" : "then the template",
  ].join("; ");
}
