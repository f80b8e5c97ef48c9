import type { ResponseModel } from "@plumbline/ports";
import { type Cause, DAY_MS, HOUR_MS } from "@plumbline/schemas";
import type { Alarm } from "@plumbline/stats";

/** An estimate of the hour of a change is good to about this much. */
const TOLERANCE_MS = DAY_MS;

/** Whose change it probably was: ours when the deploy carries the alarm, the provider's when the model moved. */
export function findCause(
  alarm: Pick<Alarm, "origin" | "changeHour">,
  promptVersion: string,
  models: readonly ResponseModel[],
): Cause {
  const changedMs = alarm.changeHour * HOUR_MS;
  const own = models.filter((row) => row.prompt_version === promptVersion);
  const since = own.filter((row) => Math.abs(Date.parse(row.first_started_at) - changedMs) <= TOLERANCE_MS);
  const before = models.filter(
    (row) =>
      Date.parse(row.first_started_at) < changedMs - TOLERANCE_MS &&
      !since.some((each) => each.response_model === row.response_model),
  );
  // The first model of a new version began with the deploy; it is news only when another one answered before.
  const isNew = since.length > 0 && before.some((row) => row.prompt_version === promptVersion);
  return {
    kind: alarm.origin === "deploy" ? "own_change" : isNew ? "provider_change" : "unknown",
    changed_at: new Date(changedMs).toISOString(),
    models_before: [...new Set(before.map((row) => row.response_model))],
    models_since: [...new Set(since.map((row) => row.response_model))],
  };
}
