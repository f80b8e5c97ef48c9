/** Texts of the calls that a message shows, read when it is made: they are stored in one place, and erased there. */
import { type ExampleTexts, exampleCalls, type IncidentState, NO_TEXTS } from "@plumbline/alerts";
import type { Store } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";

/** An alert waits no longer for its examples, ms. */
const WAIT_MS = 2_000;
const CALL_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export type ReadExamples = (state: IncidentState) => Promise<ExampleTexts>;

/**
 * The texts of an incident's examples. A store that is slow or away costs the examples and never the alert: they come with
 * the next edit.
 */
export function createReadExamples(store: Pick<Store, "exampleTexts">, logger: Logger): ReadExamples {
  return async ({ incident_id, detection }) => {
    const call_ids = exampleCalls(detection).filter((id) => CALL_ID.test(id));
    if (call_ids.length === 0) return NO_TEXTS;
    const { tenant, use_case } = detection;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(resolve, WAIT_MS, "late" as const);
    });
    try {
      const rows = await Promise.race([store.exampleTexts({ tenant, use_case, call_ids }), late]);
      if (rows !== "late") return new Map(rows.map((row) => [row.call_id, row]));
      logger.warn({ incident_id, waited_ms: WAIT_MS }, "notifier.examples_late");
    } catch (error) {
      logger.warn({ incident_id, err: error }, "notifier.examples_unread");
    } finally {
      clearTimeout(timer);
    }
    return NO_TEXTS;
  };
}
