/** JUnit XML of the candidate's cases: one suite a use case, one test a case. */
import { xmlAttribute } from "../text/xml-attribute.ts";
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
  const name = xmlAttribute(`${plan.useCase} ${plan.candidate.label}`);
  const seconds = (ms: number | null): string => ((ms ?? 0) / 1_000).toFixed(3);
  const total = cases.reduce((sum, each) => sum + (each.latency_ms ?? 0), 0);
  const tests = cases.map(({ case_id, latency_ms }) => {
    const open = `    <testcase classname="${xmlAttribute(plan.useCase)}" name="${xmlAttribute(case_id)}" time="${seconds(latency_ms)}"`;
    const miss = misses.get(case_id);
    if (miss === undefined) return `${open}/>`;
    const message = xmlAttribute(`${miss.assert}: ${miss.reason}`);
    return `${open}>\n      <failure type="${xmlAttribute(miss.assert)}" message="${message}"/>\n    </testcase>`;
  });
  return [
    `  <testsuite name="${name}" tests="${cases.length}" failures="${misses.size}" errors="0" skipped="0" time="${seconds(total)}">`,
    ...tests,
    `  </testsuite>`,
  ].join("\n");
}
