import { encodeIncidentEvent, INCIDENTS } from "@plumbline/alerts";
import type { EventLog } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import type { IncidentEvent } from "@plumbline/schemas";

/** Appends one event of an incident; resolves when it is durable. */
export async function appendIncident(
  event: IncidentEvent,
  { log, logger }: { readonly log: Pick<EventLog, "append">; readonly logger: Logger },
): Promise<void> {
  await log.append(INCIDENTS, [encodeIncidentEvent(event)]);
  logger.info({ incident_id: event.incident_id, type: event.type }, "monitor.asserted");
}
