/** The Prometheus files and the page of metrics name what exists: every expression is parsed by Prometheus' own grammar. */
import { readFileSync } from "node:fs";
import { parser } from "@prometheus-io/lezer-promql";
import { renderMetricsPage } from "@plumbline/runtime/metrics-page";
import { METRIC_PREFIX, METRICS } from "@plumbline/runtime/metrics";
import { expect, test } from "vitest";
import { parse } from "yaml";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

const file = parse(read("infra/prometheus/rules.yaml")) as { groups: { name: string; rules: Rule[] }[] };
const rules = file.groups.flatMap((group) => group.rules);

/** Series that Prometheus makes itself. */
const FOREIGN = new Map([["up", ["job", "instance"]]]);
/** Labels that a scrape adds. */
const TARGET_LABELS = ["instance", "job"];

interface Named {
  readonly metrics: readonly string[];
  readonly labels: readonly string[];
}

/** @throws Error where the expression is not PromQL */
function namesIn(expression: string): Named {
  const metrics: string[] = [];
  const labels: string[] = [];
  parser.parse(expression).iterate({
    enter(node) {
      const text = expression.slice(node.from, node.to);
      if (node.type.isError) throw new Error(`not PromQL at ${node.from}: ${expression}`);
      if (node.name === "Identifier" && node.node.parent?.name === "VectorSelector") metrics.push(text);
      if (node.name === "LabelName") labels.push(text);
    },
  });
  return { metrics, labels };
}

/** Labels of a series by its name, or null when nothing emits it. */
function labelsOf(series: string): readonly string[] | null {
  const foreign = FOREIGN.get(series);
  if (foreign !== undefined) return foreign;
  for (const [name, { type, labels }] of Object.entries(METRICS)) {
    const full = `${METRIC_PREFIX}${name}`;
    if (type !== "histogram" && series === full) return labels;
    if (type === "histogram" && series === `${full}_bucket`) return [...labels, "le"];
    if (type === "histogram" && (series === `${full}_sum` || series === `${full}_count`)) return labels;
  }
  return null;
}

test("the grammar tells what is not PromQL, and finds the names in what is", () => {
  expect(() => namesIn("sum(rate(a[5m])")).toThrow("not PromQL");
  expect(namesIn('sum by (le) (rate(a_bucket{x="1"}[5m])) / b')).toEqual({
    metrics: ["a_bucket", "b"],
    labels: ["le", "x"],
  });
  expect(labelsOf("plumbline_no_such_metric")).toBeNull();
  expect(labelsOf("plumbline_event_age_seconds")).toBeNull();
});

test("every rule has the fields of an alert and no other", () => {
  for (const { for: _for, ...rule } of rules) {
    expect(rule).toEqual({
      alert: expect.stringMatching(/^Plumbline[A-Za-z]+$/),
      expr: expect.any(String),
      labels: { severity: expect.stringMatching(/^(?:page|ticket)$/) },
      annotations: { summary: expect.any(String), description: expect.any(String) },
    });
  }
  expect(rules.every((rule) => /^\d+m$/.test(rule.for ?? "1m"))).toBe(true);
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
});

test.each(rules.map((rule) => [rule.alert, rule] as const))(
  "%s asks for metrics and labels that are declared, and shows labels that are left",
  (_alert, rule) => {
    const { metrics, labels } = namesIn(rule.expr);
    expect(metrics.length).toBeGreaterThan(0);
    const known = new Set(TARGET_LABELS);
    for (const metric of metrics) {
      const declared = labelsOf(metric);
      expect(declared, metric).not.toBeNull();
      for (const label of declared!) known.add(label);
    }
    for (const label of labels) expect([...known]).toContain(label);
    // After an aggregation only the labels that it groups by are left.
    const isAggregated = /\b(?:sum|max|min|avg|count)\b/.test(rule.expr);
    const texts = `${rule.annotations.summary} ${rule.annotations.description}`;
    for (const [, label] of texts.matchAll(/\$labels\.(\w+)/g))
      expect(isAggregated ? labels : [...known], label).toContain(label);
  },
);

test("the rules cover what must not go unnoticed", () => {
  const asked = new Set(rules.flatMap((rule) => namesIn(rule.expr).metrics));
  for (const metric of [
    "ready",
    "job_last_success_timestamp_seconds",
    "events_ingested_total",
    "dlq_total",
    "consumer_lag_messages",
    "judge_requests_total",
    "ingest_gap",
    "log_disk_free_bytes",
    "outbox_age_seconds",
  ])
    expect([...asked]).toContain(`${METRIC_PREFIX}${metric}`);
});

test("variables, commands and files that the rules' texts name exist", () => {
  const texts = rules.map(({ annotations }) => Object.values(annotations).join(" ")).join(" ");
  const configs = ["judge", "writer", "monitor"].map((name) => read(`services/${name}/config.ts`)).join();
  for (const [variable] of texts.matchAll(/PLUMBLINE_[A-Z_]+[A-Z]/g)) expect(configs).toContain(variable);
});

test("the scrape example reads these rules and keeps the label job of jobs", () => {
  const example: unknown = parse(read("infra/prometheus/prometheus.yaml"));
  expect(example).toMatchObject({
    rule_files: ["rules.yaml"],
    scrape_configs: [{ job_name: "plumbline", honor_labels: true }],
  });
});

test("docs/operate/metrics.md is what `npm run docs:metrics` writes", () => {
  expect(read("docs/operate/metrics.md")).toBe(renderMetricsPage());
});
