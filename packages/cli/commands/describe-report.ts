import { count } from "../text/spoken.ts";
import type { BacktestReport } from "@plumbline/services/local/backtest/report";

type Incident = BacktestReport["incidents"][number];

/** The result in sentences, one finding a paragraph. Ends with a line break. */
export function describeReport({
  calls,
  judged,
  incidents,
  cleared,
  inconclusive,
  coverage,
}: BacktestReport): string {
  const lines = [`${count(calls, "call")} replayed, ${whole(judged)} judged (rate ${coverage.rate}).`, ""];
  if (incidents.length === 0) lines.push("Nothing fired.");
  for (const incident of incidents) lines.push(...describeIncident(incident));
  for (const { version, metric, at, units } of cleared) {
    lines.push(`CLEARED       ${version}, ${metric}: ${minute(at)}, after ${whole(units)} judged.`);
  }
  for (const { version, metric, units, units_needed, effect, interval } of inconclusive) {
    const seen =
      effect === null || interval === null ? "" : ` Seen so far: ${effect} [${interval.join(", ")}].`;
    lines.push(
      `INCONCLUSIVE  ${version}, ${metric}: ${whole(units)} judged, about ${whole(units_needed)} more needed.${seen}`,
    );
  }
  const { sampled, scored, cannot_judge, failed, expired, over_budget, unjudged, dead_letters } = coverage;
  lines.push(
    "",
    `Coverage: ${whole(sampled)} selected = ${whole(scored)} scored + ${cannot_judge} cannot_judge + ${failed} failed + ` +
      `${expired} expired + ${over_budget} over_budget + ${unjudged} without a verdict.`,
  );
  if (dead_letters > 0) lines.push(`${count(dead_letters, "call")} could not become a row.`);
  return `${lines.join("\n")}\n`;
}

function describeIncident(incident: Incident): readonly string[] {
  const { kind, severity, use_case, candidate, incumbent, detected_at, hours_since_version, judged_units } =
    incident;
  const versions =
    candidate === null ? "" : ` ${candidate}${incumbent === null ? "" : ` against ${incumbent}`}`;
  const after = [
    ...(hours_since_version === null ? [] : [`${hours_since_version} h after the version started`]),
    ...(judged_units > 0 ? [`${whole(judged_units)} judged`] : []),
  ].join(", ");
  const [low, high] = incident.interval;
  const needed =
    incident.units_needed === null ? "" : `, about ${whole(incident.units_needed)} more judged to say where`;
  const slices = incident.slices.map(
    ({ name, share_of_traffic, share_of_drop }) =>
      `${name} (${percent(share_of_traffic)} of traffic, ${percent(share_of_drop)} of the drop)`,
  );
  return [
    `${kind.toUpperCase()} ${severity}${incident.level === null ? "" : ` ${incident.level}`}  ${use_case}${versions}: ${incident.metric ?? incident.feature ?? ""}`,
    `  ${minute(detected_at)}${after === "" ? "" : `, ${after}`}${pageText(incident)}`,
    `  change ${incident.effect} [${low}, ${high}]${incident.verdict === null ? "" : `, ${incident.verdict}${needed}`}`,
    ...(slices.length === 0 ? [] : [`  in ${slices.join("; ")}`]),
    `  ${incident.recovered_at === null ? "not recovered" : `recovered ${minute(incident.recovered_at)}`}`,
    "",
  ];
}

/** When a ticket became a page; nothing for what was one at once, or never. */
function pageText({ detected_at, paged_at, paged_units, detector }: Incident): string {
  const by = detector === "same_input_pairs" ? "; inputs that both versions answered" : "";
  if (paged_at === null || paged_at === detected_at) return by;
  return `; a page ${minute(paged_at)}, ${whole(paged_units ?? 0)} judged`;
}

function whole(value: number): string {
  return value.toLocaleString("en");
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

function minute(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
}
