import type { Production } from "../processes/production.ts";
import type { ScenarioRun } from "../scenario.ts";
import { checkLog, countDeadLetters } from "./log-check.ts";

/** After the last stop of the writer: the log is delivered to its end (I5), and nothing more is in the dead letters. */
export async function checkDelivery(
  run: ScenarioRun,
  { log, store }: Production,
  deadLettersBefore: number,
): Promise<void> {
  const check = await checkLog(log, "plumbline.calls");
  const { stored } = await store.numbers<"stored">(
    "SELECT uniqExact(call_id) AS stored FROM plumbline_raw.calls",
  );
  run.count("repeated_in_log", check.records - check.keys);
  run.requireEqual(check.uncommitted, 0, "records behind the committed offset after a clean stop");
  run.requireEqual(check.open_intents, 0, "open intents after a clean stop");
  run.requireEqual(check.keys, stored, "calls in the log against calls in the store");
  run.requireEqual((await countDeadLetters(log)) - deadLettersBefore, 0, "dead letters of valid calls");
}

/** Batches of calls that a restart found open and finished. */
export async function countRecoveries({ store }: Pick<Production, "store">): Promise<number> {
  const { recoveries } = await store.numbers<"recoveries">(
    "SELECT countIf(recovered) AS recoveries FROM plumbline_raw.ingest_audit WHERE topic = 'plumbline.calls'",
  );
  return recoveries;
}
