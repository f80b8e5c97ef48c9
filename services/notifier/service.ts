import {
  dueEvent,
  encodeIncidentEvent,
  IncidentFold,
  INCIDENTS,
  INCIDENTS_PARTITION,
  type MessageLinks,
} from "@plumbline/alerts";
import { createErasureFollower } from "@plumbline/erasure";
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
import { createDelivery } from "./delivery.ts";
import { markErased, rewriteCopies, type MessageCopies } from "./erased-copies.ts";
import { createChannel, nextStep, noteOwed, oldestWaitMs, tasks, type Channel, type Told } from "./outbox.ts";

const GROUP = "notifier";
/** An incident that a channel has not shown for this long: nobody is told, ms. Longer than an outage that passes by itself. */
const OUTBOX_WAIT_MS_MAX = 10 * 60_000;
/** How often acknowledgements and snoozes are checked for having run out. */
const DUE_CHECK_MS = 15_000;

export interface NotifierDeps {
  readonly log: Pick<EventLog, "append" | "subscribe" | "commit" | "read" | "watermarks">;
  /** One per channel, with different names. */
  readonly notifiers: readonly Notifier[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly links: MessageLinks;
  /**
   * Channels that show names made of customers' words: of topics, and of attribute values. Default: the inbox alone,
   * which is ours.
   */
  readonly wordsIn?: readonly string[];
  /** Where copies of messages lie that erasure has to reach. Default: none. */
  readonly copies?: readonly MessageCopies[];
}

const OWN_CHANNELS = ["inbox"];

export interface ChannelStatus {
  readonly channel: string;
  /** refused: a person must act; unavailable: it is tried again by itself. */
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
  const { log, notifiers, clock, logger, links, wordsIn = OWN_CHANNELS, copies = [] } = deps;
  const erasures = createErasureFollower(log, clock);
  /** Erased names that no message shows any more. */
  let namesGone = 0;
  const fold = new IncidentFold(log, ({ partition, offset }) =>
    logger.warn({ log_partition: partition, log_offset: offset }, "notifier.bad_record"),
  );
  const channels = notifiers.map((notifier) => createChannel(notifier.name));
  if (new Set(channels.map((each) => each.name)).size < channels.length) {
    throw new RangeError("notifiers need different names: deliveries are recorded by name");
  }
  let hasFolded = false;
  const loops = channels.map(() => new Heartbeat());
  /** The assignment under which this process delivers, and where its group stands; null while another one does. */
  let held: { readonly assignment: number; readonly offset: number } | null = null;
  let changed = new AbortController();

  function wake(): void {
    const before = changed;
    changed = new AbortController();
    before.abort();
  }

  function told(): readonly Told[] {
    return [...fold.states.values(), ...fold.bypasses.values()];
  }

  async function append(event: IncidentEvent): Promise<void> {
    await log.append(INCIDENTS, [encodeIncidentEvent(event)]);
  }

  async function handle({ records, assignment, signal }: Batch): Promise<void> {
    await fold.catchUp(records[0]!.offset);
    fold.apply(records);
    if (signal.aborted) return;
    if (held?.assignment !== assignment) {
      signal.addEventListener(
        "abort",
        () => {
          if (held?.assignment === assignment) held = null;
        },
        { once: true },
      );
    }
    held = { assignment, offset: records.at(-1)!.offset };
    // One record behind on purpose: whoever gets the partition next is handed at least that record, and so learns
    // that it is the one to deliver what is still owed.
    await commit(held.offset);
    wake();
  }

  /** Incidents that expired or can't be read are not announced; those that are still open are asserted anew. */
  async function onGap({ from, to, reason, detail }: Gap): Promise<void> {
    logger.error({ topic: INCIDENTS, from, to, reason, detail }, "notifier.records_missing");
  }

  async function commit(offset: number): Promise<void> {
    try {
      await log.commit(GROUP, INCIDENTS, INCIDENTS_PARTITION, { offset, metadata: "" });
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      if (error.code === "not_assigned") held = null;
      // Anything else costs a redelivery at most, and an alert does not wait for that.
      logger.warn({ err: error }, "notifier.not_committed");
    }
  }

  /** Asks the log, not memory, whether the partition is still ours: the answer decides who posts. */
  async function assertHeld(): Promise<void> {
    if (held !== null) await commit(held.offset);
    if (held === null) throw new LogError("not_assigned", "another notifier delivers", { retryable: false });
  }

  async function deliver(i: number, signal: AbortSignal): Promise<void> {
    const channel = channels[i]!;
    const notifier = notifiers[i]!;
    const delivery = createDelivery({
      notifier,
      channel,
      clock,
      logger,
      links,
      erasures: erasures.list,
      showsWords: wordsIn.includes(channel.name),
      append,
      assertHeld,
    });
    while (!signal.aborted) {
      loops[i]!.beat();
      const news = changed.signal;
      const now = clock.now();
      const owed = held === null ? [] : tasks(channel, told(), now);
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
            await clock.sleep(step.until === null ? DUE_CHECK_MS : step.until - now, news);
        }
      } catch (error) {
        // Lost to another process in the middle: it finds what was sent.
        if (!(error instanceof LogError) || error.code !== "not_assigned") throw error;
        logger.info({ channel: channel.name }, "notifier.lost_partition");
      }
    }
  }

  /** Takes erased names out of what was shown. Not done, it is tried again. */
  async function followErasures(): Promise<void> {
    try {
      await erasures.refresh();
      const { names } = erasures.list;
      if (names === namesGone) return;
      const shown = channels.filter(({ name }) => wordsIn.includes(name));
      const edited = markErased(shown, told(), erasures.list);
      const rewritten = await rewriteCopies(copies, erasures.list);
      namesGone = names;
      logger.info({ edited, rewritten }, "notifier.names_erased");
      wake();
    } catch (error) {
      if (!(error instanceof LogError) && !(error instanceof ExternalError)) throw error;
      logger.warn({ err: error }, "notifier.names_not_erased");
    }
  }

  /** Appends what the passing of time does to incidents. */
  async function watchTime(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(DUE_CHECK_MS, signal);
      if (signal.aborted) continue;
      await followErasures();
      if (held === null) continue;
      for (const state of fold.states.values()) {
        const event = dueEvent(state, clock.now());
        if (event === null) continue;
        try {
          await append(event);
        } catch (error) {
          if (!(error instanceof LogError)) throw error;
          logger.warn({ incident_id: state.incident_id, err: error }, "notifier.not_recorded");
        }
      }
    }
  }

  function status(): ChannelStatus[] {
    return channels.map((channel) => {
      const owed = tasks(channel, told(), clock.now());
      const refusal = owed
        .map(({ state }) => channel.rows.get(state.incident_id)?.refusal ?? null)
        .find((each) => each !== null);
      return {
        channel: channel.name,
        state: refusal !== undefined ? "refused" : channel.failures > 0 ? "unavailable" : "ok",
        pending: owed.length,
        detail: refusal ?? null,
      };
    });
  }

  function checkChannel(channel: Channel, i: number): Checks[string] {
    return () => {
      if (!hasFolded) return notOk("the incidents were not read yet");
      const { state, pending, detail } = status()[i]!;
      if (state === "refused") return notOk(detail ?? "refused");
      if (held === null) return ok("another replica delivers, or none has anything to deliver yet");
      const waitedMs = oldestWaitMs(channel, clock.now());
      const waiting = `${pending} incidents wait, the oldest for ${Math.round(waitedMs / 1_000)} s`;
      if (waitedMs > OUTBOX_WAIT_MS_MAX) {
        return notOk(`${waiting}; the channel failed ${channel.failures} times in a row`);
      }
      return ok(state === "unavailable" ? `the channel does not answer; ${waiting}` : waiting);
    };
  }

  function showOutboxes(): (() => void)[] {
    return [
      onScrape("outbox_pending", () => {
        for (const { channel, pending } of status()) setGauge("outbox_pending", { sink: channel }, pending);
      }),
      onScrape("outbox_age_seconds", () => {
        for (const channel of channels) {
          const seconds = oldestWaitMs(channel, clock.now()) / 1_000;
          setGauge("outbox_age_seconds", { sink: channel.name }, seconds);
        }
      }),
    ];
  }

  return {
    name: "notifier",
    status,
    health: {
      liveness: Object.fromEntries(channels.map(({ name }, i) => [name, loops[i]!.check])),
      readiness: Object.fromEntries(channels.map((channel, i) => [channel.name, checkChannel(channel, i)])),
    },
    async run(stop) {
      const failed = new AbortController();
      const signal = AbortSignal.any([stop, failed.signal]);
      signal.addEventListener("abort", wake, { once: true });
      const faults: unknown[] = [];
      const guard = async (work: Promise<void>): Promise<void> => {
        try {
          await work;
        } catch (error) {
          faults.push(error);
          failed.abort();
        }
      };
      const [{ high } = { high: 0 }] = await log.watermarks(INCIDENTS);
      await fold.catchUp(high);
      await followErasures();
      hasFolded = true;
      logger.info({ incidents: fold.states.size, log_offset: high }, "notifier.folded");
      const shown = showOutboxes();
      await Promise.all([
        guard(log.subscribe(INCIDENTS, { group: GROUP, signal, onGap }, handle)),
        guard(watchTime(signal)),
        ...channels.map((_channel, i) => guard(deliver(i, signal))),
      ]);
      for (const end of shown) end();
      if (faults.length > 0) throw faults[0];
    },
  };
}
