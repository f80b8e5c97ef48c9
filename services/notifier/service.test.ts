import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createSlackNotifier } from "@plumbline/adapters/slack/notifier";
import { nameHash, subjectHash } from "@plumbline/erasure";
import { ExternalError, LogError, type EventLog, type Message, type Notifier } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import type { IncidentEvent, InputDriftDetection } from "@plumbline/schemas";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { detection, streams } from "../../alerts/detection.fixture.ts";
import { storedDetection } from "../../alerts/message/stored-detections.fixture.ts";
import { startFakeSlack, type FakeSlack } from "../../test/fake-slack.ts";
import type { MessageCopies } from "./erased-copies.ts";
import { createNotifierService, type NotifierService } from "./service.ts";

const START = "2026-11-24T10:02:10.000Z";
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const TOPIC = "plumbline.incidents";
const logger = createLogger("notifier", "silent");
const settings = { runbooks_url: null, console_url: null };

let clock: VirtualClock;
let log: EventLog;
beforeEach(() => {
  clock = new VirtualClock(START);
  log = createMemoryEventLog({ clock });
});
afterEach(() => log.close());

type Body<Each extends IncidentEvent = IncidentEvent> = Each extends IncidentEvent
  ? Omit<Each, "incident_id" | "at" | "actor">
  : never;

async function append(incident_id: string, body: Body, actor = "lee"): Promise<void> {
  const event = { incident_id, at: new Date(clock.now()).toISOString(), actor, ...body };
  await log.append(TOPIC, [{ key: incident_id, value: Buffer.from(JSON.stringify(event)) }]);
}

const detect = (incident_id: string, changes: Parameters<typeof detection>[0] = {}): Promise<void> =>
  append(incident_id, { type: "detected", detection: detection(changes) }, "monitor");

async function events(): Promise<IncidentEvent[]> {
  const records = await log.read(TOPIC, 0, 0, { recordsMax: 1_000 });
  return records.map(({ value }) => JSON.parse(Buffer.from(value).toString()) as IncidentEvent);
}

const deliveries = async (): Promise<IncidentEvent[]> =>
  (await events()).filter((each) => each.type === "delivered");

/** Starts the service; `kill` stops it without letting it record anything more. */
function start(
  notifiers: readonly Notifier[],
  eventLog: EventLog = log,
): { service: NotifierService; stop: () => Promise<void> } {
  const abort = new AbortController();
  const service = createNotifierService({ log: eventLog, notifiers, clock, logger, settings });
  const running = service.run(abort.signal);
  return {
    service,
    stop: async () => {
      abort.abort();
      await running;
    },
  };
}

/** Lets everything that needs no time happen. */
const settle = (): Promise<void> => clock.advance(0).then(() => clock.advance(0));

interface Shown {
  message: Message;
  replies: string[];
  edits: number;
}

/** A channel in memory that does what its script says. */
function channel(name = "slack"): Notifier & {
  shown: Map<string, Shown>;
  calls: string[];
  fault: ((call: string, incident_id: string) => ExternalError | null) | null;
} {
  const shown = new Map<string, Shown>();
  const calls: string[] = [];
  const made = {
    name,
    shown,
    calls,
    fault: null as ((call: string, incident_id: string) => ExternalError | null) | null,
    async post(message: Message) {
      calls.push(`post ${message.incident_id}`);
      throwIf("post", message.incident_id);
      const ref = `${name}:${shown.size + 1}`;
      shown.set(ref, { message, replies: [], edits: 0 });
      return { ref };
    },
    async update(ref: string, message: Message, reply: string) {
      calls.push(`update ${message.incident_id}`);
      throwIf("update", message.incident_id);
      const before = shown.get(ref);
      if (before === undefined) throw new ExternalError("external_gone", "message_not_found");
      before.message = message;
      before.edits += 1;
      if (reply !== "") before.replies.push(reply);
    },
    async find(incident_id: string) {
      throwIf("find", incident_id);
      const found = [...shown].find(([, each]) => each.message.incident_id === incident_id);
      return found === undefined ? null : { ref: found[0], revision: found[1].message.revision };
    },
  };
  function throwIf(call: string, incident_id: string): void {
    const error = made.fault?.(call, incident_id) ?? null;
    if (error !== null) throw error;
  }
  return made;
}

const down = () => new ExternalError("external_unavailable", "503", { retryable: true });

describe("the notifier", () => {
  test("one incident is one message: posted once, edited as it changes, each delivery recorded", async () => {
    const slack = channel();
    const { stop } = start([slack]);
    await detect("inc_1");
    await settle();
    await clock.advance(2 * SECOND);
    await append("inc_1", { type: "acknowledged" });
    await settle();

    expect(slack.calls).toEqual(["post inc_1", "update inc_1"]);
    const [only] = slack.shown.values();
    expect(only?.message).toMatchObject({ state: "acknowledged", revision: 2 });
    expect(only?.replies).toEqual(["24 Nov, 10:02 UTC · Acknowledged by lee."]);
    expect(await deliveries()).toMatchObject([
      { channel: "slack", revision: 1, message_ref: "slack:1" },
      { channel: "slack", revision: 2, message_ref: "slack:1" },
    ]);
    await stop();
  });

  test("examples are shown as far as the channel may, and those of an erased call leave what was shown", async () => {
    const [inbox, slack, other] = [channel("inbox"), channel("slack"), channel("other")];
    const call_id = "0198f3a0-0000-7000-8000-0000000000aa";
    const texts = new Map([
      [call_id, { call_id, started_at: "2026-11-24T09:00:00.000Z", input: "Paid $12 twice", output: "Ok." }],
    ]);
    const stays: boolean[] = [];
    const rewrite: MessageCopies["rewrite"] = async (_change, keep) => {
      const quote = { title: "", format: "text", text: "", call_ids: [call_id], until: null } as const;
      stays.push(keep(quote, "team-a"));
      return 0;
    };
    const abort = new AbortController();
    const running = createNotifierService({
      log,
      notifiers: [inbox, slack, other],
      clock,
      logger,
      settings,
      examples: { inbox: "full", slack: "redacted" },
      readExamples: async () => texts,
      copies: [{ rewrite }],
    }).run(abort.signal);
    await detect("inc_1", {
      tenant: "team-a",
      evidence: { examples: [{ call_id, score: 0, before_call_id: null }] },
    });
    await clock.advance(5 * SECOND);
    const quoted = (from: typeof inbox): string =>
      [...from.shown.values()].flatMap(({ message }) => message.quotes.map(({ text }) => text)).join();
    expect(quoted(inbox)).toContain("Request: Paid $12 twice");
    expect(quoted(slack)).toContain("Request: Paid [AMOUNT] twice");
    expect(quoted(other)).toBe("");

    // The store may still have the text for a moment.
    const erasure_id = "0198f3a0-0000-4000-8000-00000000000f";
    const call_hashes = [subjectHash("team-a", "call", call_id)];
    const event = { type: "calls", erasure_id, call_hashes };
    await log.append("plumbline.erasures", [{ key: erasure_id, value: Buffer.from(JSON.stringify(event)) }]);
    await clock.advance(MINUTE);
    expect([quoted(inbox), quoted(slack)]).toEqual(["", ""]);
    expect(stays.at(-1)).toBe(false);
    abort.abort();
    await running;
  });

  test("names that were erased leave what channels with words show and copies hold, once; a message that is gone stays so", async () => {
    const [inbox, slack, words] = [channel("inbox"), channel("slack"), channel("words")];
    words.fault = (call) =>
      call === "update" ? new ExternalError("external_gone", "message_not_found") : null;
    const copies: string[] = ["Worst in customer=Acme, 12 judged."];
    const rewrite = async (change: (text: string, tenant: string | null) => string): Promise<number> => {
      copies.splice(0, 1, change(copies[0]!, "team-a"));
      return 1;
    };
    const slice = { units: 20, reference: 0.9, current: 0.1, share_of_traffic: 0.2, share_of_drop: 0.9 };
    await detect("inc_1", {
      tenant: "team-a",
      slices: [
        { ...slice, name: "customer=Acme" },
        { ...slice, name: "customer=Acmes" },
      ],
      verdict: "DISTRIBUTIONAL",
    });
    await detect("inc_2", { tenant: "team-b", slices: [{ ...slice, name: "customer=Acme" }] });
    const notifiers = [inbox, slack, words];
    const abort = new AbortController();
    const deps = {
      log,
      notifiers,
      clock,
      logger,
      settings,
      examples: { inbox: "full", words: "full" } as const,
      copies: [{ rewrite }],
    };
    const running = createNotifierService(deps).run(abort.signal);
    await clock.advance(5 * SECOND);
    const textOf = (from: typeof inbox): string =>
      JSON.stringify(
        [...from.shown.values()].map(({ message }) => message).filter(({ tenant }) => tenant === "team-a"),
      );
    expect(textOf(inbox)).toContain("customer=Acme");
    expect(textOf(slack)).not.toContain("Acme");

    const erasure_id = "0198f3a0-0000-4000-8000-00000000000e";
    const name_hashes = [nameHash("team-a", "customer=Acme")!];
    const event = { type: "names", erasure_id, name_hashes };
    await log.append("plumbline.erasures", [{ key: erasure_id, value: Buffer.from(JSON.stringify(event)) }]);
    await clock.advance(30 * SECOND);
    expect(textOf(inbox)).toContain("customer=erased");
    expect(textOf(inbox)).not.toMatch(/customer=Acme(?!s)/);
    expect(textOf(inbox)).toContain("customer=Acmes");
    expect(copies).toEqual(["Worst in customer=erased, 12 judged."]);
    await clock.advance(HOUR);
    expect(inbox.calls).toEqual(["post inc_1", "post inc_2", "update inc_1"]);
    expect(slack.calls).toEqual(["post inc_1", "post inc_2"]);
    expect(words.calls).toEqual(["post inc_1", "post inc_2", "update inc_1"]);
    abort.abort();
    await running;
  });

  test("new numbers are shown at most every 15 s and only the newest; a change of state at once", async () => {
    const slack = channel();
    const { stop } = start([slack]);
    await detect("inc_1");
    await settle();
    for (let i = 1; i <= 10; i++) {
      await detect("inc_1", { effect: -0.15 - i / 100 });
      await clock.advance(SECOND);
    }
    expect(slack.calls).toEqual(["post inc_1"]);
    await clock.advance(6 * SECOND);
    expect(slack.calls).toEqual(["post inc_1", "update inc_1"]);
    expect([...slack.shown.values()][0]?.message.lines.join()).toContain("fell by 25.0 points");

    await clock.advance(2 * SECOND);
    await append("inc_1", { type: "dismissed", why: "holiday" });
    await settle();
    expect(slack.calls).toHaveLength(3);
    await stop();
  });

  test("a restart shows nothing again, and shows what happened meanwhile", async () => {
    const slack = channel();
    const first = start([slack]);
    await detect("inc_1");
    await settle();
    await first.stop();
    await append("inc_1", { type: "acknowledged" });
    await detect("inc_2");

    const second = start([slack]);
    await settle();
    await clock.advance(5 * SECOND);
    expect(slack.calls).toEqual(["post inc_1", "post inc_2", "update inc_1"]);
    await second.stop();

    const third = start([slack]);
    await clock.advance(MINUTE);
    expect(slack.calls).toHaveLength(3);
    await third.stop();
  });

  test("a crash between post and record does not make a second message", async () => {
    const slack = channel();
    // The process dies before its record reaches the log.
    const dying: EventLog = { ...log, append: () => new Promise(() => undefined) };
    const first = start([slack], dying);
    await detect("inc_1");
    await settle();
    expect(slack.calls).toEqual(["post inc_1"]);
    expect(await deliveries()).toEqual([]);
    void first.stop();
    // Its place in the group is given up with it; the memory log waits for nobody.
    await settle();

    const second = start([slack]);
    await settle();
    await clock.advance(5 * SECOND);
    expect(slack.shown.size).toBe(1);
    expect(slack.calls).toEqual(["post inc_1"]);
    expect(await deliveries()).toMatchObject([{ revision: 1, message_ref: "slack:1" }]);
    await second.stop();
  });

  test("a crash right after the detection, before anything was sent, loses no alert", async () => {
    const slack = channel();
    await detect("inc_1");
    const { stop } = start([slack]);
    await settle();
    expect(slack.calls).toEqual(["post inc_1"]);
    await stop();
  });

  test("while the log refuses the record, the message is not sent again", async () => {
    const slack = channel();
    let isUp = false;
    const flaky: EventLog = {
      ...log,
      append: async (topic, records) => {
        if (!isUp) throw new LogError("log_unavailable", "down", { retryable: true });
        return log.append(topic, records);
      },
    };
    const { stop } = start([slack], flaky);
    await detect("inc_1");
    await clock.advance(10 * MINUTE);
    expect(slack.calls).toEqual(["post inc_1"]);
    isUp = true;
    await clock.advance(2 * MINUTE);
    expect(slack.calls).toEqual(["post inc_1"]);
    expect(await deliveries()).toHaveLength(1);
    await stop();
  });

  test("after an hour of outage every alert is delivered once, in order, within a minute", async () => {
    const slack = channel();
    slack.fault = down;
    const { service, stop } = start([slack]);
    for (const id of ["inc_1", "inc_2", "inc_3"]) {
      await detect(id);
      await clock.advance(MINUTE);
    }
    await clock.advance(HOUR);
    expect(service.status()).toMatchObject([{ channel: "slack", state: "unavailable", pending: 3 }]);
    slack.calls.length = 0;
    slack.fault = null;
    await clock.advance(MINUTE + 5 * SECOND);
    expect(slack.calls).toEqual(["post inc_1", "post inc_2", "post inc_3"]);
    expect(service.status()).toMatchObject([{ state: "ok", pending: 0 }]);
    await stop();
  });

  test("an alert that resolved during the outage is still told", async () => {
    const slack = channel();
    slack.fault = down;
    const { stop } = start([slack]);
    await detect("inc_1");
    await clock.advance(MINUTE);
    await append("inc_1", {
      type: "recovered",
      cause: "by_itself",
      current: { prompt_version: "sha256:a", units: 400, calls: 8_000, mean: 0.94, interval: [0.92, 0.96] },
    });
    await clock.advance(HOUR);
    slack.fault = null;
    await clock.advance(2 * MINUTE);
    expect([...slack.shown.values()].map((each) => each.message.state)).toEqual(["resolved"]);
    await stop();
  });

  test("a rate limit is waited for exactly, and other channels do not wait with it", async () => {
    const [slack, inbox] = [channel("slack"), channel("inbox")];
    let limits = 1;
    slack.fault = (call) =>
      call === "post" && limits-- > 0
        ? new ExternalError("external_rate_limited", "429", { retryAfterMs: 30 * SECOND })
        : null;
    const { stop } = start([slack, inbox]);
    await detect("inc_1");
    await settle();
    expect(inbox.shown.size).toBe(1);
    await clock.advance(29 * SECOND);
    expect(slack.shown.size).toBe(0);
    await clock.advance(2 * SECOND);
    expect(slack.shown.size).toBe(1);
    await stop();
  });

  test("one message that always fails does not hold up the others", async () => {
    const slack = channel();
    slack.fault = (call, id) => (call === "post" && id === "inc_1" ? down() : null);
    const { stop } = start([slack]);
    await detect("inc_1");
    await detect("inc_2");
    await clock.advance(30 * SECOND);
    expect(slack.calls).toContain("post inc_2");
    expect(slack.shown.size).toBe(1);
    await stop();
  });

  test("a revoked token is visible, is tried slowly, and nothing is lost when it works again", async () => {
    const slack = channel();
    slack.fault = () => new ExternalError("external_refused", "slack chat.postMessage: token_revoked");
    const { service, stop } = start([slack]);
    await detect("inc_1");
    await clock.advance(HOUR);
    expect(slack.calls.length).toBeLessThanOrEqual(13);
    expect(service.status()).toMatchObject([{ state: "refused", pending: 1 }]);
    expect(await service.health.readiness["slack"]!()).toEqual({
      ok: false,
      message: "slack chat.postMessage: token_revoked",
    });

    slack.fault = null;
    await clock.advance(6 * MINUTE);
    expect(slack.shown.size).toBe(1);
    expect(await service.health.readiness["slack"]!()).toMatchObject({ ok: true });
    await stop();
  });

  test.each([{ canLook: true }, { canLook: false }])(
    "a message that somebody deleted is posted anew with the next change, once and at once (canLook: $canLook)",
    async ({ canLook }) => {
      const slack = channel();
      slack.fault = (call) =>
        call === "find" && !canLook ? new ExternalError("external_refused", "missing_scope") : null;
      const { service, stop } = start([slack]);
      await detect("inc_1");
      await settle();
      slack.shown.clear();
      await append("inc_1", { type: "acknowledged" });
      await clock.advance(5 * SECOND);
      expect([...slack.shown.values()].map((each) => each.message.state)).toEqual(["acknowledged"]);
      expect(await service.health.readiness["slack"]!()).toMatchObject({ ok: true });
      await clock.advance(HOUR);
      expect(slack.shown.size).toBe(1);
      await stop();
    },
  );

  test("one message that the channel refuses for what it holds is named, and turns nothing red", async () => {
    const slack = channel();
    slack.fault = (call, id) =>
      call === "post" && id === "inc_1"
        ? new ExternalError("external_refused_one", "slack chat.postMessage: msg_too_long")
        : null;
    const { service, stop } = start([slack]);
    await detect("inc_1");
    await detect("inc_2");
    await clock.advance(HOUR);
    expect(slack.shown.size).toBe(1);
    expect(service.status()).toMatchObject([{ state: "ok", pending: 1 }]);
    expect(await service.health.readiness["slack"]!()).toEqual({
      ok: true,
      message: expect.stringContaining("one message is refused: slack chat.postMessage: msg_too_long"),
    });
    await stop();
  });

  test("where lost posts can't be looked for, an ambiguous one is sent again and says so", async () => {
    const slack = channel();
    let losses = 1;
    slack.fault = (call) => {
      if (call === "find") return new ExternalError("external_refused", "missing_scope");
      return call === "post" && losses-- > 0
        ? new ExternalError("external_unavailable", "timeout", { retryable: false })
        : null;
    };
    const { stop } = start([slack]);
    await detect("inc_1");
    await clock.advance(9 * SECOND);
    expect(slack.calls).toHaveLength(1);
    await clock.advance(5 * SECOND);
    expect([...slack.shown.values()][0]?.message.preview).toMatch(/^\(re-sent\) \[SEV2\]/);
    await stop();
  });

  test("an acknowledgement that runs out fires again", async () => {
    const slack = channel();
    const { stop } = start([slack]);
    await detect("inc_1");
    await settle();
    await append("inc_1", { type: "acknowledged" });
    await clock.advance(2 * HOUR + MINUTE);
    const [only] = slack.shown.values();
    expect(only?.message.state).toBe("firing");
    expect(only?.replies.at(-1)).toContain("The acknowledgement ran out.");
    await stop();
  });

  test("a record that is no incident event silences nothing", async () => {
    const slack = channel();
    await log.append(TOPIC, [
      { key: "x", value: Buffer.from("not json") },
      { key: "x", value: Buffer.from('{"type":"unheard of"}') },
    ]);
    const { stop } = start([slack]);
    await detect("inc_1");
    await settle();
    expect(slack.shown.size).toBe(1);
    await stop();
  });

  test("a channel that is new is not told about what ended long ago", async () => {
    const inbox = channel("inbox");
    await detect("inc_1");
    await append("inc_1", { type: "dismissed", why: "wrong" });
    await clock.advance(25 * HOUR);
    await detect("inc_2");
    const { stop } = start([inbox]);
    await clock.advance(MINUTE);
    expect(inbox.calls).toEqual(["post inc_2"]);
    await stop();
  });

  test("of two notifiers one delivers, and the other takes over what is owed", async () => {
    const slack = channel();
    const first = start([slack]);
    const second = start([slack]);
    await detect("inc_1");
    await clock.advance(5 * SECOND);
    expect(slack.calls).toEqual(["post inc_1"]);

    slack.fault = down;
    await append("inc_1", { type: "acknowledged" });
    await clock.advance(5 * SECOND);
    slack.fault = null;
    await first.stop();
    await clock.advance(MINUTE);
    expect([...slack.shown.values()].map((each) => each.message.state)).toEqual(["acknowledged"]);
    await second.stop();
  });
});

describe("the notifier with Slack over HTTP", () => {
  let slack: FakeSlack;
  beforeEach(async () => {
    slack = await startFakeSlack();
  });
  afterEach(() => slack.close());
  const open = (timeoutMs = 5_000) =>
    createSlackNotifier({ token: "xoxb-test", channel: slack.channel, apiUrl: slack.apiUrl, timeoutMs });

  /** Moves time in steps, leaving room for real requests, until `done`. */
  async function advanceUntil(done: () => boolean, stepMs: number): Promise<void> {
    await vi.waitFor(
      async () => {
        await clock.advance(stepMs);
        expect(done()).toBe(true);
      },
      { timeout: 60_000, interval: 10 },
    );
  }

  test.each([
    { name: "a rate limit", fault: { kind: "rate_limited", retry_after_s: 2 } },
    { name: "a server error", fault: { kind: "http", status: 503 } },
    { name: "a lost answer", fault: { kind: "lost_answer" } },
    { name: "a connection broken before anything happened", fault: { kind: "reset" } },
    { name: "an answer after the timeout", fault: { kind: "slow", delay_ms: 300 } },
    { name: "refused blocks", fault: { kind: "error", error: "invalid_blocks" } },
  ] as const)("$name leaves one message", async ({ fault }) => {
    slack.fail("chat.postMessage", fault);
    const { service, stop } = start([open(100)]);
    await detect("inc_1");
    await settle();
    await advanceUntil(() => service.status()[0]?.pending === 0 && slack.messages.length > 0, SECOND);
    expect(slack.messages).toHaveLength(1);
    await stop();
  });

  test("an hour of 5xx delivers in order afterwards, and a restart in between changes nothing", async () => {
    slack.failAll({ kind: "http", status: 503 });
    const first = start([open()]);
    for (const id of ["inc_1", "inc_2", "inc_3"]) {
      await detect(id);
      await clock.advance(SECOND);
    }
    await advanceUntil(() => slack.calls.length > 20, MINUTE);
    await first.stop();
    const second = start([open()]);
    await advanceUntil(() => slack.calls.length > 25, MINUTE);
    slack.failAll(null);
    await advanceUntil(() => second.service.status()[0]?.pending === 0, 5 * SECOND);
    expect(slack.messages.map((each) => each.metadata?.event_payload["incident_id"])).toEqual([
      "inc_1",
      "inc_2",
      "inc_3",
    ]);
    await second.stop();
  });
});

describe("customers' words", () => {
  const SURNAME = "Przybylski";
  const ATTRIBUTE = "customer=Okonkwo Ltd";
  const topic = `in_topic: ${SURNAME.toLowerCase()}, withdrawal, cash, card (3)`;
  const size = { units: 300, reference: 0.9, current: 0.4, share_of_traffic: 0.2, share_of_drop: 0.9 };
  const slices = [
    { name: ATTRIBUTE, ...size },
    { name: "lang=de", ...size, share_of_drop: 0.1 },
    { name: topic, ...size, share_of_drop: 0.05 },
  ];
  const quality: Parameters<typeof detection>[0] = {
    slices,
    evidence: {
      slice_intervals: { [ATTRIBUTE]: [0.35, 0.45] },
      detector: streams({ affected: [ATTRIBUTE, topic, "mentions_money"] }),
    },
  };
  const drift = storedDetection("input_drift");
  const moved: InputDriftDetection = {
    ...drift,
    metric: { name: topic, unit: "psi", label: `topic 3 (${SURNAME.toLowerCase()}, withdrawal, cash, card)` },
    slices,
    evidence: {
      ...drift.evidence,
      measure: "input_topic",
      topic: 3,
      before: 0.1,
      after: 0.4,
      features: [
        { feature: topic, size: 0.3, level: 900 },
        { feature: ATTRIBUTE, size: 0.2, level: 900 },
      ],
    },
  };

  async function posted(examples?: Record<string, "full">): Promise<string> {
    const slack = await startFakeSlack();
    const notifier = createSlackNotifier({
      token: "xoxb-test",
      channel: slack.channel,
      apiUrl: slack.apiUrl,
      logger,
    });
    const abort = new AbortController();
    const service = createNotifierService({
      log,
      notifiers: [notifier],
      clock,
      logger,
      settings,
      ...(examples !== undefined && { examples }),
    });
    const running = service.run(abort.signal);
    try {
      await detect("inc_quality", quality);
      await append("inc_drift", { type: "detected", detection: moved }, "monitor");
      await append("inc_drift", { type: "acknowledged" });
      await vi.waitFor(
        async () => {
          await clock.advance(20 * SECOND);
          expect(slack.messages).toHaveLength(2);
        },
        { timeout: 60_000 },
      );
      return JSON.stringify(slack.messages);
    } finally {
      abort.abort();
      await running;
      await slack.close();
    }
  }

  test("leave neither in titles nor anywhere else of a message to Slack", async () => {
    const text = await posted();
    expect(text).not.toMatch(/przybylski|withdrawal|okonkwo/i);
    expect(text).toContain("topic 3");
    expect(text).toContain("customer=#1");
  });

  test("appear where the channel is allowed to show them", async () => {
    expect(await posted({ slack: "full" })).toMatch(/okonkwo/i);
  });
});
