import { encodeIncidentEvent, INCIDENTS } from "@plumbline/alerts";
import type { EventLog } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { IncidentEvent } from "@plumbline/schemas";

/**
 * Appends one event of an incident; resolves when it is durable.
 *
 * @throws when no reader could read it, such as a number that is none: an incident that is lost on the way must not look
 * like one that was never found
 */
export async function appendIncident(
  event: IncidentEvent,
  { log, logger }: { readonly log: Pick<EventLog, "append">; readonly logger: Logger },
): Promise<void> {
  IncidentEvent.parse(event);
  await log.append(INCIDENTS, [encodeIncidentEvent(event)]);
  logger.info({ incident_id: event.incident_id, type: event.type }, "monitor.asserted");
}
