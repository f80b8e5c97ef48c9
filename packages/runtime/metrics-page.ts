/** The reference of metrics as a page. `npm run docs:metrics` writes it to `docs/operate/metrics.md`. */
import { METRIC_PREFIX, METRICS } from "./metrics.ts";

export function renderMetricsPage(): string {
  const rows = Object.entries(METRICS)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { type, labels, from, help }]) => {
      const shown = labels.length === 0 ? "" : labels.map((label) => `\`${label}\``).join(", ");
      return `| \`${METRIC_PREFIX}${name}\` | ${type} | ${shown} | ${from.join(", ")} | ${help} |`;
    });
  return `# Metrics

Written by \`npm run docs:metrics\` from \`packages/runtime/metrics.ts\`; a test compares. Every process answers \`GET /metrics\`
in Prometheus' text format on its metrics port (\`PLUMBLINE_METRICS_PORT\`, 9464; local mode: the collector's port + 3),
with Node's own metrics (\`process_*\`, \`nodejs_*\`) beside these. Rules that alert on them are in \`infra/prometheus/rules.yaml\`,
a scrape configuration beside it.

No label holds a hash, a user or free text. A metric has at most 1,000 label sets; the rest is counted under \`_overflow\`.
A process shows the metrics of the services that it runs, and a value that can't be read is left out.

| Metric | Type | Labels | From | Meaning |
| --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}
