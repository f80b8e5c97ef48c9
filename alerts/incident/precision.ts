/** How often people said that a rule was wrong. */
import type { RulePrecision } from "@plumbline/schemas";
import type { IncidentState } from "./incident-state.ts";

/** One entry a rule, which is a kind and a metric; the one with the most alerts first. */
export function precisionOf(
  states: Iterable<Pick<IncidentState, "detection" | "episode" | "dismissals">>,
): readonly RulePrecision[] {
  const rules = new Map<string, RulePrecision>();
  for (const { detection, episode, dismissals } of states) {
    const { kind, metric } = detection;
    const key = JSON.stringify([kind, metric.name]);
    const known = rules.get(key) ?? { kind, metric: metric.name, alerts: 0, dismissed: 0, precision: null };
    const alerts = known.alerts + episode;
    const dismissed = known.dismissed + dismissals;
    rules.set(key, { ...known, alerts, dismissed, precision: 1 - dismissed / alerts });
  }
  return [...rules.values()].toSorted((a, b) => b.alerts - a.alerts);
}
