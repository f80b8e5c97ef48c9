/** JUnit XML of the candidate's cases: one suite a use case, one test a case. */
import type { EvalReport } from "./report.ts";

export function toJunit(reports: readonly EvalReport[]): string {
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites>`,
    ...reports.map(suite),
    `</testsuites>`,
    ``,
  ].join("\n");
}

function suite({ plan, summary }: EvalReport): string {
  const { cases } = summary.record.candidate;
  const misses = new Map(summary.misses.map((miss) => [miss.case_id, miss]));
  const name = attribute(`${plan.useCase} ${plan.candidate.label}`);
  const seconds = (ms: number | null): string => ((ms ?? 0) / 1_000).toFixed(3);
  const total = cases.reduce((sum, each) => sum + (each.latency_ms ?? 0), 0);
  const tests = cases.map(({ case_id, latency_ms }) => {
    const open = `    <testcase classname="${attribute(plan.useCase)}" name="${attribute(case_id)}" time="${seconds(latency_ms)}"`;
    const miss = misses.get(case_id);
    if (miss === undefined) return `${open}/>`;
    const message = attribute(`${miss.assert}: ${miss.reason}`);
    return `${open}>\n      <failure type="${attribute(miss.assert)}" message="${message}"/>\n    </testcase>`;
  });
  return [
    `  <testsuite name="${name}" tests="${cases.length}" failures="${misses.size}" errors="0" skipped="0" time="${seconds(total)}">`,
    ...tests,
    `  </testsuite>`,
  ].join("\n");
}

/** Models write anything, and XML 1.0 has no way to say most control characters or half a surrogate pair. */
function attribute(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll(/[\t\n\r]/g, " ");
}
