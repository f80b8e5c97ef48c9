import { counted } from "@plumbline/schemas";
import {
  dueEvent,
  encodeIncidentEvent,
  type ExamplesMode,
  IncidentFold,
  INCIDENTS,
  INCIDENTS_PARTITION,
  type MessageSettings,
  NO_TEXTS,
} from "@plumbline/alerts";
import { createErasureFollower, type ErasureFollower } from "@plumbline/erasure";
import {
  ExternalError,
  LogError,
  type Batch,
  type Clock,
  type EventLog,
  type Gap,
  type Notifier,
} from "@plumbline/ports";
import { Heartbeat, notOk, ok, type Checks, type Health } from "@plumbline/runtime/health";
import type { Logger } from "@plumbline/runtime/logger";
import { onScrape, setGauge } from "@plumbline/runtime/metrics";
import type { Service } from "@plumbline/runtime/run";
import type { IncidentEvent } from "@plumbline/schemas";
import { Delivery } from "./delivery.ts";
import { markErased, rewriteCopies, type MessageCopies } from "./erased-copies.ts";
import type { ReadExamples } from "./example-texts.ts";
import { createChannel, nextStep, noteOwed, oldestWaitMs, tasks, type Channel, type Told } from "./outbox.ts";

const GROUP = "notifier";
/** An incident that a channel has not shown for this long: nobody is told, ms. Longer than an outage that passes by itself. */
const OUTBOX_WAIT_MS_MAX = 10 * 60_000;
/** How often acknowledgements and snoozes are checked for having run out. */
const DUE_CHECK_MS = 15_000;

interface NotifierDeps {
  readonly log: Pick<EventLog, "append" | "subscribe" | "commit" | "read" | "watermarks">;
  /** One per channel, with different names. */
  readonly notifiers: readonly Notifier[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: MessageSettings;
  /**
   * How much of what customers wrote each channel shows, by its name: examples, and names of topics and of attribute values.
   * A channel that is not named shows nothing of it. Default: all of it in the inbox, which is ours.
   */
  readonly examples?: Readonly<Record<string, ExamplesMode>>;
  /** Reads the texts of examples; without it there are none. */
  readonly readExamples?: ReadExamples;
  /** Where copies of messages lie that erasure has to reach. Default: none. */
  readonly copies?: readonly MessageCopies[];
}

const OWN_CHANNELS: Readonly<Record<string, ExamplesMode>> = { inbox: "full" };
/** How often copies are looked through for texts that are no longer kept. */
const EXPIRY_CHECK_MS = 3_600_000;

interface ChannelStatus {
  readonly channel: string;
  /** refused: nothing goes out until a person acts; unavailable: it is tried again by itself. */
  readonly state: "ok" | "unavailable" | "refused";
  /** Incidents whose newest revision is not shown yet. */
  readonly pending: number;
  readonly detail: string | null;
}

export interface NotifierService extends Service {
  status(): readonly ChannelStatus[];
  /** One check a channel, by its name: it takes messages, and nothing has waited for long. */
  readonly health: Required<Health>;
}

/**
 * Shows every incident in every channel: one living message each, edited as the incident changes. An override of the
 * promotion gate is told in the same way, once.
 *
 * The outbox is not stored: it is the difference between an incident's revision and the revision that the log
 * recorded as delivered, so it survives whatever the log survives. One process delivers at a time, the one that
 * holds the partition; a channel that is down delays nothing but itself.
 */
export function createNotifierService(deps: NotifierDeps): NotifierService {
  return new IncidentNotifier(deps);
}

class IncidentNotifier implements NotifierService {
  readonly name = "notifier";
  readonly health: Required<Health>;
  private readonly log: NotifierDeps["log"];
  private readonly notifiers: readonly Notifier[];
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly settings: MessageSettings;
  private readonly examples: Readonly<Record<string, ExamplesMode>>;
  private readonly readExamples: ReadExamples;
  private readonly copies: readonly MessageCopies[];
  private readonly erasures: ErasureFollower;
  /** Erased names and calls of which no message shows anything any more. */
  private erasedGone = 0;
  private expiredAt = Number.NEGATIVE_INFINITY;
  private readonly fold: IncidentFold;
  private hasFolded = false;
  private readonly channels: readonly Channel[];
  /** One a channel, in their order. */
  private readonly loops: readonly Heartbeat[];
  /** The assignment under which this process delivers, and where its group stands; null while another one does. */
  private held: { readonly assignment: number; readonly offset: number } | null = null;
  /** Aborts at the next news, and is replaced then. */
  private changed = new AbortController();

  constructor({
    log,
    notifiers,
    clock,
    logger,
    settings,
    examples = OWN_CHANNELS,
    readExamples = () => Promise.resolve(NO_TEXTS),
    copies = [],
  }: NotifierDeps) {
    this.log = log;
    this.notifiers = notifiers;
    this.clock = clock;
    this.logger = logger;
    this.settings = settings;
    this.examples = examples;
    this.readExamples = readExamples;
    this.copies = copies;
    this.erasures = createErasureFollower(log, clock);
    this.fold = new IncidentFold(log, ({ partition, offset }) =>
      logger.warn({ log_partition: partition, log_offset: offset }, "notifier.bad_record"),
    );
    this.channels = notifiers.map((notifier) => createChannel(notifier.name));
    if (new Set(this.channels.map((each) => each.name)).size < this.channels.length) {
      throw new RangeError("notifiers need different names: deliveries are recorded by name");
    }
    this.loops = this.channels.map(() => new Heartbeat());
    this.health = {
      liveness: Object.fromEntries(this.channels.map(({ name }, i) => [name, this.loops[i]!.check])),
      readiness: Object.fromEntries(
        this.channels.map((channel, i) => [channel.name, this.checkChannel(channel, i)]),
      ),
    };
  }

  async run(stop: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const signal = AbortSignal.any([stop, failed.signal]);
    signal.addEventListener("abort", () => this.wake(), { once: true });
    const faults: unknown[] = [];
    const guard = async (work: Promise<void>): Promise<void> => {
      try {
        await work;
      } catch (error) {
        faults.push(error);
        failed.abort();
      }
    };
    const [{ high } = { high: 0 }] = await this.log.watermarks(INCIDENTS);
    await this.fold.catchUp(high);
    await this.followErasures();
    this.hasFolded = true;
    this.logger.info({ incidents: this.fold.states.size, log_offset: high }, "notifier.folded");
    const shown = this.showOutboxes();
    await Promise.all([
      guard(
        this.log.subscribe(INCIDENTS, { group: GROUP, signal, onGap: (gap) => this.onGap(gap) }, (batch) =>
          this.handle(batch),
        ),
      ),
      guard(this.watchTime(signal)),
      ...this.channels.map((_channel, i) => guard(this.deliver(i, signal))),
    ]);
    for (const end of shown) end();
    if (faults.length > 0) throw faults[0];
  }

  private wake(): void {
    const before = this.changed;
    this.changed = new AbortController();
    before.abort();
  }

  private told(): readonly Told[] {
    return [...this.fold.states.values(), ...this.fold.bypasses.values()];
  }

  private async append(event: IncidentEvent): Promise<void> {
    await this.log.append(INCIDENTS, [encodeIncidentEvent(event)]);
  }

  private async handle({ records, assignment, signal }: Batch): Promise<void> {
    await this.fold.catchUp(records[0]!.offset);
    this.fold.apply(records);
    if (signal.aborted) return;
    if (this.held?.assignment !== assignment) {
      signal.addEventListener(
        "abort",
        () => {
          if (this.held?.assignment === assignment) this.held = null;
        },
        { once: true },
      );
    }
    this.held = { assignment, offset: records.at(-1)!.offset };
    // One record behind on purpose: whoever gets the partition next is handed at least that record, and so learns
    // that it is the one to deliver what is still owed.
    await this.commit(this.held.offset);
    this.wake();
  }

  /** Incidents that expired or can't be read are not announced; those that are still open are asserted anew. */
  private async onGap({ from, to, reason, detail }: Gap): Promise<void> {
    this.logger.error({ topic: INCIDENTS, from, to, reason, detail }, "notifier.records_missing");
  }

  private async commit(offset: number): Promise<void> {
    try {
      await this.log.commit(GROUP, INCIDENTS, INCIDENTS_PARTITION, { offset, metadata: "" });
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      if (error.code === "not_assigned") this.held = null;
      // Anything else costs a redelivery at most, and an alert does not wait for that.
      this.logger.warn({ err: error }, "notifier.not_committed");
    }
  }

  /** Asks the log, not memory, whether the partition is still ours: the answer decides who posts. */
  private async assertHeld(): Promise<void> {
    if (this.held !== null) await this.commit(this.held.offset);
    if (this.held === null)
      throw new LogError("not_assigned", "another notifier delivers", { retryable: false });
  }

  private async deliver(i: number, signal: AbortSignal): Promise<void> {
    const channel = this.channels[i]!;
    const notifier = this.notifiers[i]!;
    const delivery = new Delivery({
      notifier,
      channel,
      clock: this.clock,
      logger: this.logger,
      settings: this.settings,
      erasures: this.erasures.list,
      examples: this.examplesIn(channel),
      readExamples: this.readExamples,
      append: (event) => this.append(event),
      assertHeld: () => this.assertHeld(),
    });
    while (!signal.aborted) {
      this.loops[i]!.beat();
      const news = this.changed.signal;
      const now = this.clock.now();
      const owed = this.held === null ? [] : tasks(channel, this.told(), now);
      noteOwed(channel, owed, now);
      const step = nextStep(channel, owed, now);
      try {
        switch (step.kind) {
          case "do":
            await delivery.perform(step.task, signal);
            break;
          case "probe":
            await delivery.probe(step.task, signal);
            break;
          case "wait":
            await this.clock.sleep(step.until === null ? DUE_CHECK_MS : step.until - now, news);
        }
      } catch (error) {
        // Lost to another process in the middle: it finds what was sent.
        if (!(error instanceof LogError) || error.code !== "not_assigned") throw error;
        this.logger.info({ channel: channel.name }, "notifier.lost_partition");
      }
    }
  }

  /** Takes what was erased, or is no longer kept, out of what was shown. Not done, it is tried again. */
  private async followErasures(): Promise<void> {
    try {
      await this.erasures.refresh();
      const { size } = this.erasures.list;
      const now = this.clock.now();
      const isNew = size !== this.erasedGone;
      if (!isNew && now - this.expiredAt < EXPIRY_CHECK_MS) return;
      const shown = this.channels.filter((each) => this.examplesIn(each) !== "off");
      const edited = isNew ? markErased(shown, this.told(), this.erasures.list) : 0;
      const rewritten = await rewriteCopies(this.copies, this.erasures.list, now);
      this.erasedGone = size;
      this.expiredAt = now;
      if (!isNew && rewritten === 0) return;
      this.logger.info({ edited, rewritten }, "notifier.names_erased");
      this.wake();
    } catch (error) {
      if (!(error instanceof LogError) && !(error instanceof ExternalError)) throw error;
      this.logger.warn({ err: error }, "notifier.names_not_erased");
    }
  }

  /** Appends what the passing of time does to incidents. */
  private async watchTime(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.clock.sleep(DUE_CHECK_MS, signal);
      if (signal.aborted) continue;
      await this.followErasures();
      if (this.held === null) continue;
      for (const state of this.fold.states.values()) {
        const event = dueEvent(state, this.clock.now());
        if (event === null) continue;
        try {
          await this.append(event);
        } catch (error) {
          if (!(error instanceof LogError)) throw error;
          this.logger.warn({ incident_id: state.incident_id, err: error }, "notifier.not_recorded");
        }
      }
    }
  }

  status(): ChannelStatus[] {
    return this.channels.map((channel) => {
      const owed = tasks(channel, this.told(), this.clock.now());
      const refusals = owed
        .map(({ state }) => channel.rows.get(state.incident_id)?.refusal ?? null)
        .filter((each) => each !== null);
      const ofChannel = refusals.find(({ isOwn }) => !isOwn);
      return {
        channel: channel.name,
        state: ofChannel !== undefined ? "refused" : channel.failures > 0 ? "unavailable" : "ok",
        pending: owed.length,
        detail: (ofChannel ?? refusals[0])?.why ?? null,
      };
    });
  }

  private checkChannel(channel: Channel, i: number): Checks[string] {
    return () => {
      if (!this.hasFolded) return notOk("the incidents were not read yet");
      const { state, pending, detail } = this.status()[i]!;
      if (state === "refused") return notOk(detail ?? "refused");
      if (this.held === null) return ok("another replica delivers, or none has anything to deliver yet");
      const waitedMs = oldestWaitMs(channel, this.clock.now());
      const refused = detail === null ? "" : `; one message is refused: ${detail}`;
      const waiting = `${counted(pending, "incident")} ${pending === 1 ? "waits" : "wait"}, the oldest for ${Math.round(waitedMs / 1_000)} s${refused}`;
      if (waitedMs > OUTBOX_WAIT_MS_MAX) {
        return notOk(
          `${waiting}; the channel failed ${channel.failures === 1 ? "once" : `${channel.failures} times in a row`}`,
        );
      }
      return ok(state === "unavailable" ? `the channel does not answer; ${waiting}` : waiting);
    };
  }

  private showOutboxes(): (() => void)[] {
    return [
      onScrape("outbox_pending", () => {
        for (const { channel, pending } of this.status())
          setGauge("outbox_pending", { sink: channel }, pending);
      }),
      onScrape("outbox_age_seconds", () => {
        for (const channel of this.channels) {
          const seconds = oldestWaitMs(channel, this.clock.now()) / 1_000;
          setGauge("outbox_age_seconds", { sink: channel.name }, seconds);
        }
      }),
    ];
  }

  private examplesIn({ name }: Channel): ExamplesMode {
    return this.examples[name] ?? "off";
  }
}
