/**
 * Carries out what the outbox decided for one channel: the incident is in the log first, then it is sent, then the
 * sending is recorded. A crash before the recording leaves a message that the next process finds and edits.
 */
import {
  bypassReplySince,
  type ExamplesMode,
  type ExampleTexts,
  isOpen,
  NO_TEXTS,
  renderBypass,
  renderMessage,
  replySince,
  withoutCustomerWords,
  type MessageSettings,
} from "@plumbline/alerts";
import type { ErasureList } from "@plumbline/erasure";
import { ExternalError, LogError, type Clock, type Message, type Notifier } from "@plumbline/ports";
import { backoffMs } from "@plumbline/runtime/backoff";
import type { Logger } from "@plumbline/runtime/logger";
import { count, observe } from "@plumbline/runtime/metrics";
import type { IncidentEvent } from "@plumbline/schemas";
import { withoutErased, withoutErasedCalls } from "./erased-copies.ts";
import type { ReadExamples } from "./example-texts.ts";
import {
  AMBIGUOUS_WAIT_MS,
  type Channel,
  channelAnswered,
  PACE_MS,
  RATE_LIMIT_DEFAULT_MS,
  REFUSED_RETRY_MS,
  type Row,
  rowOf,
  SEND_BACKOFF,
  type Task,
  type Told,
} from "./outbox.ts";

interface DeliveryDeps {
  readonly notifier: Notifier;
  readonly channel: Channel;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: MessageSettings;
  /** How much of what customers wrote appears in this channel; names made of their words do with `full` alone. */
  readonly examples: ExamplesMode;
  readonly readExamples: ReadExamples;
  /** Names in it are shown nowhere. */
  readonly erasures: ErasureList;
  readonly append: (event: IncidentEvent) => Promise<void>;
  /** @throws LogError `not_assigned` when another process delivers by now */
  readonly assertHeld: () => Promise<void>;
}

/** Sends to one channel and notes in its rows how that went. */
export class Delivery {
  private readonly deps: DeliveryDeps;
  private readonly notifier: Notifier;
  private readonly channel: Channel;
  private readonly clock: Clock;
  private readonly logger: Logger;

  constructor(deps: DeliveryDeps) {
    this.deps = deps;
    this.notifier = deps.notifier;
    this.channel = deps.channel;
    this.clock = deps.clock;
    this.logger = deps.logger;
  }

  async perform(task: Task, signal: AbortSignal): Promise<void> {
    const row = rowOf(this.channel, task.state.incident_id);
    if (task.kind !== "record") {
      try {
        await this.deps.assertHeld();
        row.shown = await this.send(task, row, signal);
      } catch (error) {
        if (error instanceof ExternalError) return this.failed(task, row, error);
        throw error;
      }
      this.succeeded(task, row);
    }
    await this.record(task, row);
  }

  /** Asks the channel something without effect, to learn whether it is back. */
  async probe({ state }: Task, signal: AbortSignal): Promise<void> {
    try {
      await this.notifier.find(this.render(state, NO_TEXTS).incident_id, { signal });
    } catch (error) {
      if (!(error instanceof ExternalError)) throw error;
      const now = this.clock.now();
      if (error.code === "external_rate_limited") {
        this.channelLimited(now, error);
        return;
      }
      if (!isRefusal(error)) {
        this.channelFailed(now);
        this.logger.warn(
          { channel: this.channel.name, failures: this.channel.failures, err: error },
          "notifier.still_down",
        );
        return;
      }
      // A refusal is an answer.
    }
    channelAnswered(this.channel);
  }

  /** @returns what the channel shows now */
  private async send(
    { kind, state: full, shown }: Task,
    row: Row,
    signal: AbortSignal,
  ): Promise<NonNullable<Row["shown"]>> {
    const state = this.visible(full);
    const message = this.render(state, await this.textsOf(state));
    let known = shown;
    if (kind === "post" || row.isSuspect || row.isGone) {
      // Another process may have posted and died before it recorded that.
      const found = await this.find(message, row, signal);
      if (found !== "unknown") known = found;
      else if (row.isGone) known = null;
    }
    if (known === null) {
      const { ref } = await this.notifier.post(row.isAmbiguous ? resent(message) : message, { signal });
      return { ref, revision: message.revision };
    }
    if (known.revision < message.revision || row.isSuspect || row.isOutdated) {
      const reply =
        "bypass" in state
          ? bypassReplySince(state, known.revision, this.deps.settings.time_zone)
          : replySince(state, known.revision, this.deps.settings.time_zone);
      await this.notifier.update(known.ref, message, reply, { signal });
    }
    return { ref: known.ref, revision: Math.max(known.revision, message.revision) };
  }

  /** "unknown" when the channel doesn't let us look: then a lost post can't be told from one never made. */
  private async find(
    message: Message,
    row: Row,
    signal: AbortSignal,
  ): Promise<NonNullable<Row["shown"]> | null | "unknown"> {
    try {
      const found = await this.notifier.find(message.incident_id, { signal });
      if (found !== null || !row.isSuspect) row.isAmbiguous = false;
      return found;
    } catch (error) {
      if (!(error instanceof ExternalError) || error.code !== "external_refused") throw error;
      this.logger.warn(
        { channel: this.channel.name, incident_id: message.incident_id, err: error },
        "notifier.find_refused",
      );
      return "unknown";
    }
  }

  private succeeded({ kind, state }: Task, row: Row): void {
    const now = this.clock.now();
    Object.assign(row, {
      isUnrecorded: true,
      isAmbiguous: false,
      isSuspect: false,
      isGone: false,
      isOutdated: false,
      attempts: 0,
      notBefore: 0,
      lastSentAt: now,
      refusal: null,
      owedSince: null,
    } satisfies Partial<Row>);
    channelAnswered(this.channel);
    this.channel.pausedUntil = now + PACE_MS;
    const sink = this.channel.name;
    this.countSend("ok");
    if (kind === "post") count("alerts_total", { severity: state.severity, sink });
    observe("alert_delay_seconds", { sink }, Math.max(0, now - Date.parse(state.updated_at)) / 1_000);
    this.logger.info(
      {
        channel: this.channel.name,
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

  private failed(task: Task, row: Row, error: ExternalError): void {
    this.countSend(OUTCOMES[error.code] ?? "failed");
    if (isGoneForGood(task, row, error)) this.leave(task, row, error);
    else this.sendAgainLater(task, row, error);
  }

  /** The message is most likely gone, and is not posted anew for what it must not say. */
  private leave({ state, shown }: Task, row: Row, error: ExternalError): void {
    row.isOutdated = false;
    this.channel.pausedUntil = this.clock.now() + PACE_MS;
    const where = {
      channel: this.channel.name,
      incident_id: state.incident_id,
      message_ref: shown?.ref,
    };
    this.logger.error({ ...where, err: error }, "notifier.erased_name_left");
  }

  private sendAgainLater({ kind, state }: Task, row: Row, error: ExternalError): void {
    const now = this.clock.now();
    if (error.code === "external_rate_limited") {
      // Nothing was shown, so it is no attempt. The limit is the channel's: everything to it waits, other channels do not.
      this.channelLimited(now, error);
    } else if (error.code === "external_gone" && kind === "update") {
      // An answer, and no fault of the channel: it is told anew at once.
      row.isGone = true;
      row.notBefore = now;
      this.channel.pausedUntil = now + PACE_MS;
    } else if (isRefusal(error)) {
      row.attempts += 1;
      row.refusal = { why: error.message, isOwn: error.code === "external_refused_one" };
      row.notBefore = now + REFUSED_RETRY_MS;
      row.isSuspect = kind === "update";
      this.channel.pausedUntil = now + PACE_MS;
    } else {
      row.attempts += 1;
      row.isAmbiguous ||= kind === "post" && !error.retryable;
      row.notBefore =
        now + Math.max(backoffMs(row.attempts, SEND_BACKOFF), row.isAmbiguous ? AMBIGUOUS_WAIT_MS : 0);
      this.channelFailed(now);
    }
    const fields = {
      channel: this.channel.name,
      kind,
      incident_id: state.incident_id,
      revision: state.revision,
      attempts: row.attempts,
      code: error.code,
      retry_after_ms: error.retryAfterMs,
      err: error,
    };
    if (isRefusal(error)) this.logger.error(fields, "notifier.refused");
    else this.logger.warn(fields, "notifier.send_failed");
  }

  private countSend(outcome: string): void {
    if (this.channel.name === "slack") count("slack_send_total", { outcome });
  }

  private channelFailed(now: number): void {
    this.channel.failures += 1;
    this.channel.pausedUntil = now + backoffMs(this.channel.failures, SEND_BACKOFF);
  }

  private channelLimited(now: number, error: ExternalError): void {
    this.channel.pausedUntil = now + (error.retryAfterMs ?? RATE_LIMIT_DEFAULT_MS);
  }

  /** Notes in the log what the channel shows. */
  private async record({ state }: Task, row: Row): Promise<void> {
    const { shown } = row;
    if (shown === null) return;
    try {
      await this.deps.append({
        type: "delivered",
        incident_id: state.incident_id,
        at: new Date(this.clock.now()).toISOString(),
        actor: "notifier",
        channel: this.channel.name,
        revision: shown.revision,
        message_ref: shown.ref,
      });
      row.isUnrecorded = false;
      row.attempts = 0;
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      row.attempts += 1;
      row.notBefore = this.clock.now() + backoffMs(row.attempts, SEND_BACKOFF);
      this.logger.warn(
        { channel: this.channel.name, incident_id: state.incident_id, err: error },
        "notifier.not_recorded",
      );
    }
  }

  /** visible returns what this channel may show of an incident. */
  private visible(told: Told): Told {
    if ("bypass" in told) return told;
    const state = withoutErased(told, this.deps.erasures);
    return this.deps.examples === "full" ? state : withoutCustomerWords(state);
  }

  private async textsOf(state: Told): Promise<ExampleTexts> {
    if ("bypass" in state || !isOpen(state) || this.deps.examples === "off") return NO_TEXTS;
    return withoutErasedCalls(
      await this.deps.readExamples(state),
      state.detection.tenant,
      this.deps.erasures,
    );
  }

  private render(state: Told, texts: ExampleTexts): Message {
    const { settings, examples } = this.deps;
    return "bypass" in state
      ? renderBypass(state, settings)
      : renderMessage(state, settings, texts, examples);
  }
}

/** A message with an erased name that the channel refuses to edit: most likely a person has deleted it. */
function isGoneForGood({ state, shown }: Task, row: Row, error: ExternalError): boolean {
  return row.isOutdated && isRefusal(error) && shown !== null && shown.revision >= state.revision;
}

/** isRefusal returns true for an answer that the same request would get again. */
function isRefusal({ code }: ExternalError): boolean {
  return code === "external_refused" || code === "external_refused_one" || code === "external_gone";
}

/** How a send ended, by the code of its error. */
const OUTCOMES: Readonly<Record<string, string>> = {
  external_rate_limited: "rate_limited",
  external_refused: "refused",
  external_refused_one: "refused",
  external_gone: "gone",
  external_unavailable: "unavailable",
};

/** Says that the reader may have seen it already: better twice and honest than lost. */
function resent(message: Message): Message {
  return { ...message, preview: `(re-sent) ${message.preview}`.slice(0, 250) };
}
