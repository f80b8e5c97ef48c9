/**
 * Tells the incidents topic of every promotion that overrode the gate, so that people hear of it.
 *
 * Only the fold knows whether a command was accepted and what it overrode. What is announced already is read from the
 * topic itself, so that a crash between fold and announcement, a restart, or another replica loses none; two replicas
 * that announce at once write the same id, and the second one changes nothing.
 */
import { bypassId, encodeIncidentEvent, INCIDENTS, INCIDENTS_PARTITION } from "@plumbline/alerts";
import { LogError, type Clock, type EventLog } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { IncidentEvent } from "@plumbline/schemas";
import type { RegistryState } from "./state.ts";

/** Between two looks at the folded state, ms. */
const LOOK_MS = 500;
const READ_MAX = 1_000;
/** A record holds one announcement; a refusal of the gate is a few sentences. */
const OVERRIDDEN_MAX = 50;

export interface AnnouncerDeps {
  readonly log: Pick<EventLog, "append" | "read" | "watermarks">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly state: RegistryState;
  /** False while `state` is behind the log: it is no word on what is new. */
  readonly isLoaded: () => boolean;
}

/** Announces until `signal` aborts. Outages of the log are waited out. */
export async function announceBypasses(deps: AnnouncerDeps, signal: AbortSignal): Promise<void> {
  const { log, clock, logger, state, isLoaded } = deps;
  const announced = new Set<string>();
  let next = 0;
  /** `state.next_offset` up to which nothing is owed. */
  let settledOffset = 0;

  /** Bypasses that are not known to be announced, oldest first. */
  function owed(): Extract<IncidentEvent, { type: "gate_bypassed" }>[] {
    const events = [];
    for (const { use_case, envs, versions } of state.use_cases.values()) {
      for (const { env, bypasses } of envs.values()) {
        for (const { offset, at, actor, reason, prompt_version, overridden } of bypasses) {
          const incident_id = bypassId(state.log_id, offset);
          if (announced.has(incident_id)) continue;
          events.push({
            type: "gate_bypassed" as const,
            incident_id,
            at: new Date(at).toISOString(),
            actor,
            env,
            use_case,
            prompt_version,
            number: versions.get(prompt_version)!.number,
            overridden: overridden.slice(0, OVERRIDDEN_MAX).map((each) => ({ ...each })),
            reason,
          });
        }
      }
    }
    return events.toSorted((a, b) => a.at.localeCompare(b.at));
  }

  async function readAnnounced(): Promise<void> {
    const [watermark] = await log.watermarks(INCIDENTS);
    next = Math.max(next, watermark?.low ?? 0);
    while (next < (watermark?.high ?? 0)) {
      const records = await log.read(INCIDENTS, INCIDENTS_PARTITION, next, READ_MAX);
      // Offsets may have gaps, also at the end.
      if (records.length === 0) return;
      for (const { value } of records) {
        const id = idOfBypass(value);
        if (id !== null) announced.add(id);
      }
      next = records.at(-1)!.offset + 1;
    }
  }

  async function announce(): Promise<void> {
    const offset = state.next_offset;
    if (owed().length > 0) {
      await readAnnounced();
      const events = owed();
      if (events.length > 0) await log.append(INCIDENTS, events.map(encodeIncidentEvent));
      for (const { incident_id } of events) announced.add(incident_id);
    }
    settledOffset = offset;
  }

  let failures = 0;
  while (!signal.aborted) {
    try {
      if (isLoaded() && state.next_offset !== settledOffset) await announce();
      failures = 0;
    } catch (error) {
      if (!(error instanceof LogError) || !error.retryable) throw error;
      failures += 1;
      if (failures === 1) logger.warn({ err: error }, "registry.bypass_not_announced");
    }
    await clock.sleep(LOOK_MS, signal);
  }
}

/** The id of an announcement; null for any other record. */
function idOfBypass(value: Uint8Array): string | null {
  try {
    const { success, data } = IncidentEvent.safeParse(JSON.parse(new TextDecoder().decode(value)));
    return success && data.type === "gate_bypassed" ? data.incident_id : null;
  } catch {
    return null;
  }
}
