/**
 * Carries out what the outbox decided for one channel: the incident is in the log first, then it is sent, then the
 * sending is recorded. A crash before the recording leaves a message that the next process finds and edits.
 */
import {
  bypassReplySince,
  renderBypass,
  renderMessage,
  replySince,
  withoutCustomerWords,
  type MessageLinks,
} from "@plumbline/alerts";
import type { ErasureList } from "@plumbline/erasure";
import { ExternalError, LogError, type Clock, type Message, type Notifier } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { count, observe } from "@plumbline/runtime/metrics";
import type { IncidentEvent } from "@plumbline/schemas";
import { withoutErased } from "./erased-copies.ts";
import {
  AMBIGUOUS_WAIT_MS,
  backoffMs,
  channelAnswered,
  PACE_MS,
  RATE_LIMIT_DEFAULT_MS,
  REFUSED_RETRY_MS,
  rowOf,
  type Channel,
  type Row,
  type Task,
  type Told,
} from "./outbox.ts";

export interface DeliveryDeps {
  readonly notifier: Notifier;
  readonly channel: Channel;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly links: MessageLinks;
  /** Names made of customers' words appear in this channel. */
  readonly showsWords: boolean;
  /** Names in it are shown nowhere. */
  readonly erasures: ErasureList;
  readonly append: (event: IncidentEvent) => Promise<void>;
  /** @throws LogError `not_assigned` when another process delivers by now */
  readonly assertHeld: () => Promise<void>;
}

export interface Delivery {
  perform(task: Task, signal: AbortSignal): Promise<void>;
  /** Asks the channel something without effect, to learn whether it is back. */
  probe(task: Task, signal: AbortSignal): Promise<void>;
}

export function createDelivery(deps: DeliveryDeps): Delivery {
  const { notifier, channel, clock, logger, links, showsWords, erasures, append, assertHeld } = deps;

  /** What this channel may see of it. */
  function visible(told: Told): Told {
    if ("bypass" in told) return told;
    const state = withoutErased(told, erasures);
    return showsWords ? state : withoutCustomerWords(state);
  }

  function render(state: Told): Message {
    return "bypass" in state ? renderBypass(state, links) : renderMessage(state, links);
  }

  async function perform(task: Task, signal: AbortSignal): Promise<void> {
    const row = rowOf(channel, task.state.incident_id);
    if (task.kind !== "record") {
      try {
        await assertHeld();
        row.shown = await send(task, row, signal);
      } catch (error) {
        if (error instanceof ExternalError) return failed(task, row, error);
        throw error;
      }
      succeeded(task, row);
    }
    await record(task, row);
  }

  /** @returns what the channel shows now */
  async function send(
    { kind, state: full, shown }: Task,
    row: Row,
    signal: AbortSignal,
  ): Promise<NonNullable<Row["shown"]>> {
    const state = visible(full);
    const message = render(state);
    let known = shown;
    if (kind === "post" || row.isSuspect) {
      // Another process may have posted and died before it recorded that.
      const found = await find(message, row, signal);
      if (found !== "unknown") known = found;
    }
    if (known === null) {
      const { ref } = await notifier.post(row.isAmbiguous ? resent(message) : message, { signal });
      return { ref, revision: message.revision };
    }
    if (known.revision < message.revision || row.isSuspect || row.isOutdated) {
      const reply =
        "bypass" in state ? bypassReplySince(state, known.revision) : replySince(state, known.revision);
      await notifier.update(known.ref, message, reply, { signal });
    }
    return { ref: known.ref, revision: Math.max(known.revision, message.revision) };
  }

  /** "unknown" when the channel doesn't let us look: then a lost post can't be told from one never made. */
  async function find(
    message: Message,
    row: Row,
    signal: AbortSignal,
  ): Promise<NonNullable<Row["shown"]> | null | "unknown"> {
    try {
      const found = await notifier.find(message.incident_id, { signal });
      if (found !== null || !row.isSuspect) row.isAmbiguous = false;
      return found;
    } catch (error) {
      if (!(error instanceof ExternalError) || error.code !== "external_refused") throw error;
      logger.warn(
        { channel: channel.name, incident_id: message.incident_id, err: error },
        "notifier.find_refused",
      );
      return "unknown";
    }
  }

  function succeeded({ kind, state }: Task, row: Row): void {
    const now = clock.now();
    Object.assign(row, {
      isUnrecorded: true,
      isAmbiguous: false,
      isSuspect: false,
      isOutdated: false,
      attempts: 0,
      notBefore: 0,
      lastSentAt: now,
      refusal: null,
      owedSince: null,
    } satisfies Partial<Row>);
    channelAnswered(channel);
    channel.pausedUntil = now + PACE_MS;
    const sink = channel.name;
    countSend("ok");
    if (kind === "post") count("alerts_total", { severity: state.severity, sink });
    observe("alert_delay_seconds", { sink }, Math.max(0, now - Date.parse(state.updated_at)) / 1_000);
    logger.info(
      {
        channel: channel.name,
        kind,
        incident_id: state.incident_id,
        state: state.state,
        severity: state.severity,
        revision: state.revision,
        delay_ms: now - Date.parse(state.updated_at),
      },
      "notifier.delivered",
    );
  }

  function failed({ kind, state, shown }: Task, row: Row, error: ExternalError): void {
    const now = clock.now();
    countSend(OUTCOMES[error.code] ?? "failed");
    if (
      row.isOutdated &&
      error.code === "external_refused" &&
      shown !== null &&
      shown.revision >= state.revision
    ) {
      // The message is most likely gone, and is not posted anew for what it must not say.
      row.isOutdated = false;
      channel.pausedUntil = now + PACE_MS;
      const where = { channel: channel.name, incident_id: state.incident_id, message_ref: shown.ref };
      return logger.error({ ...where, err: error }, "notifier.erased_name_left");
    }
    row.attempts += 1;
    if (error.code === "external_rate_limited") {
      // Nothing was shown. The limit is the channel's, so everything to it waits; other channels do not.
      row.attempts -= 1;
      channel.pausedUntil = now + (error.retryAfterMs ?? RATE_LIMIT_DEFAULT_MS);
    } else if (error.code === "external_refused") {
      row.refusal = error.message;
      row.notBefore = now + REFUSED_RETRY_MS;
      row.isSuspect = kind === "update";
      channel.pausedUntil = now + PACE_MS;
    } else {
      row.isAmbiguous ||= kind === "post" && !error.retryable;
      row.notBefore = now + Math.max(backoffMs(row.attempts), row.isAmbiguous ? AMBIGUOUS_WAIT_MS : 0);
      channelFailed(now);
    }
    const fields = {
      channel: channel.name,
      kind,
      incident_id: state.incident_id,
      revision: state.revision,
      attempts: row.attempts,
      code: error.code,
      retry_after_ms: error.retryAfterMs,
      err: error,
    };
    if (error.code === "external_refused") logger.error(fields, "notifier.refused");
    else logger.warn(fields, "notifier.send_failed");
  }

  function countSend(outcome: string): void {
    if (channel.name === "slack") count("slack_send_total", { outcome });
  }

  function channelFailed(now: number): void {
    channel.failures += 1;
    channel.pausedUntil = now + backoffMs(channel.failures);
  }

  async function record({ state }: Task, row: Row): Promise<void> {
    const { shown } = row;
    if (shown === null) return;
    try {
      await append({
        type: "delivered",
        incident_id: state.incident_id,
        at: new Date(clock.now()).toISOString(),
        actor: "notifier",
        channel: channel.name,
        revision: shown.revision,
        message_ref: shown.ref,
      });
      row.isUnrecorded = false;
      row.attempts = 0;
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      row.attempts += 1;
      row.notBefore = clock.now() + backoffMs(row.attempts);
      logger.warn(
        { channel: channel.name, incident_id: state.incident_id, err: error },
        "notifier.not_recorded",
      );
    }
  }

  return {
    perform,
    async probe({ state }, signal) {
      try {
        await notifier.find(render(state).incident_id, { signal });
      } catch (error) {
        if (!(error instanceof ExternalError)) throw error;
        const now = clock.now();
        if (error.code === "external_rate_limited") {
          channel.pausedUntil = now + (error.retryAfterMs ?? RATE_LIMIT_DEFAULT_MS);
          return;
        }
        if (error.code !== "external_refused") {
          channelFailed(now);
          logger.warn(
            { channel: channel.name, failures: channel.failures, err: error },
            "notifier.still_down",
          );
          return;
        }
        // A refusal is an answer.
      }
      channelAnswered(channel);
    },
  };
}

/** How a send ended, by the code of its error. */
const OUTCOMES: Readonly<Record<string, string>> = {
  external_rate_limited: "rate_limited",
  external_refused: "refused",
  external_unavailable: "unavailable",
};

/** Says that the reader may have seen it already: better twice and honest than lost. */
function resent(message: Message): Message {
  return { ...message, preview: `(re-sent) ${message.preview}`.slice(0, 250) };
}
