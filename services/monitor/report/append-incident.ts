import { encodeIncidentEvent, INCIDENTS } from "@plumbline/alerts";
import type { EventLog } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { type Detection, IncidentEvent } from "@plumbline/schemas";
import type { RegistryView } from "../deploys/registry-view.ts";

export interface AppendDeps {
  readonly log: Pick<EventLog, "append">;
  readonly logger: Logger;
  /** Numbers of versions and owners; without it versions are called by their hash. */
  readonly registry?: RegistryView;
}

/**
 * Appends one event of an incident; resolves when it is durable.
 *
 * @param about the use case of an event that does not say it itself; left out where no version is named
 * @throws when no reader could read it, such as a number that is none: an incident that is lost on the way must not look
 * like one that was never found
 */
export async function appendIncident(
  event: IncidentEvent,
  { log, logger, registry }: AppendDeps,
  about: Pick<Detection, "tenant" | "use_case"> | null = event.type === "detected" ? event.detection : null,
): Promise<void> {
  try {
    await registry?.refresh();
  } catch (error) {
    // A message with a hash in place of a number is better than none.
    logger.warn({ err: error, incident_id: event.incident_id }, "monitor.version_names_unread");
  }
  const named = about === null ? event : (registry?.name(event, about) ?? event);
  IncidentEvent.parse(named);
  await log.append(INCIDENTS, [encodeIncidentEvent(named)]);
  logger.info({ incident_id: event.incident_id, type: event.type }, "monitor.asserted");
}
