import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { createEmitter } from "./emitter.ts";
import type { EmitterOptions } from "./emitter-options.ts";
import type { LlmCall, NewCall } from "./llm-call.ts";
import { createRecordingTransport } from "./recording-transport.ts";
import type { SendResult, Transport } from "./transport.ts";

const CALL: NewCall = { use_case: "ticket-summary", model: "gpt-5-mini", status: "ok", latency_ms: 800 };
const NOW = Date.parse("2026-11-24T09:15:00.000Z");

function recorded(options: Partial<EmitterOptions> = {}) {
  const transport = createRecordingTransport();
  const emitter = createEmitter({ app: "support", transport, onWarning: () => undefined, ...options });
  onTestFinished(async () => void (await emitter.close(0)));
  return { emitter, transport };
}

/** The counts of an emitter add up at any time. */
function expectBalance(emitter: ReturnType<typeof createEmitter>): void {
  const stats = emitter.stats();
  const dropped = Object.values(stats.dropped).reduce((sum, count) => sum + count, 0);
  expect(stats.acknowledged + stats.rejected + dropped + stats.queue_events).toBe(stats.emitted);
}

test("an event gets its identity, its time and its sequence when it is emitted", async () => {
  const { emitter, transport } = recorded({ env: "staging", now: () => NOW });
  emitter.emit(CALL);
  emitter.emit({ ...CALL, call_id: "0198f3a0-0000-7000-8000-000000000001", app: "batch" });
  expect(await emitter.flush()).toEqual({ acknowledged: 2, rejected: 0, dropped: 0, queued: 0 });

  const [first, second] = transport.calls;
  expect(first).toMatchObject({
    app: "support",
    env: "staging",
    started_at: "2026-11-24T09:14:59.200Z",
    sequence: 0,
    dropped: 0,
  });
  expect(first!.call_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(Number.parseInt(first!.call_id.replace("-", "").slice(0, 12), 16)).toBe(NOW);
  expect(second).toMatchObject({
    call_id: "0198f3a0-0000-7000-8000-000000000001",
    app: "batch",
    sequence: 1,
  });
  expect(second!.emitter_id).toBe(first!.emitter_id);
});

test("emit never throws, whatever it is given, and every event is accounted for", async () => {
  const { emitter, transport } = recorded({ now: () => Number.NaN });
  const circular: Record<string, unknown> = { ...CALL };
  circular["vars"] = circular;
  const throwing = {
    get model(): string {
      throw new Error("getter");
    },
  };
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const garbage: unknown[] = [
    null,
    undefined,
    42,
    "text",
    Symbol("x"),
    throwing,
    revoked.proxy,
    circular,
    { ...CALL, input_tokens: 1n },
    { ...CALL, toJSON: () => undefined },
    {
      ...CALL,
      vars: {
        get x(): string {
          throw new Error("nested getter");
        },
      },
    },
    { ...CALL, started_at: "2026-11-24T09:15:00.000Z" },
  ];
  for (const each of garbage) expect(() => emitter.emit(each as NewCall)).not.toThrow();
  await emitter.flush();
  expect(transport.calls).toHaveLength(1);
  // Sequence numbers are spent on what was lost, so that the loss can be counted from what arrives.
  expect(transport.calls[0]).toMatchObject({ sequence: garbage.length - 1 });
  expectBalance(emitter);
});

test("a clock that fails does not stop the emitter", async () => {
  const { emitter, transport } = recorded({
    now: () => {
      throw new Error("no clock");
    },
  });
  emitter.emit(CALL);
  await emitter.flush();
  expect(transport.calls).toHaveLength(1);
});

test("changing the event after emit changes nothing", async () => {
  const { emitter, transport } = recorded();
  const call = { ...CALL };
  emitter.emit(call);
  call.model = "other";
  await emitter.flush();
  expect(transport.calls[0]!.model).toBe("gpt-5-mini");
});

test("a stalled receiver costs the oldest events, never more memory, and the loss is reported in-band", async () => {
  let release: ((result: SendResult) => void) | undefined;
  let isStalled = true;
  const transport = createRecordingTransport(async (batch) =>
    isStalled
      ? new Promise<SendResult>((resolve) => (release = resolve))
      : { kind: "accepted", accepted: batch.length },
  );
  const { emitter } = recorded({ transport, queueMax: 1000, flushAt: 100, retryBaseMs: 1 });
  for (let n = 0; n < 100; n++) emitter.emit(CALL);
  await expect.poll(() => release).toBeDefined();

  for (let n = 0; n < 100_000; n++) emitter.emit(CALL);
  expect(emitter.stats().queue_events).toBe(1000);
  expect(emitter.stats().dropped.queue_full).toBe(99_100);
  expectBalance(emitter);

  isStalled = false;
  release!({ kind: "accepted", accepted: 100 });
  await emitter.flush();
  const sequences = transport.calls.map((call) => call.sequence!);
  expect(sequences).toHaveLength(1000);
  expect(sequences.at(-1)).toBe(100_099);
  expect(transport.calls.at(-1)!.dropped).toBe(99_100);
  // What the receiver can compute: the gap in the sequence is what the emitter says it dropped.
  expect(sequences.at(-1)! + 1 - sequences.length).toBe(transport.calls.at(-1)!.dropped);
  expectBalance(emitter);
});

test("bytes are bounded, too", () => {
  const transport: Transport = { send: async () => new Promise(() => undefined) };
  const { emitter } = recorded({ transport, queueBytesMax: 1_048_576, flushIntervalMs: 60_000 });
  for (let n = 0; n < 1000; n++) emitter.emit({ ...CALL, input: "x".repeat(10_000) });
  expect(emitter.stats().queue_bytes).toBeLessThanOrEqual(1_048_576);
  expect(emitter.stats().dropped.queue_full).toBeGreaterThan(890);
  expectBalance(emitter);
});

test("an event that is too large has its texts cut to head and tail", async () => {
  const { emitter, transport } = recorded();
  emitter.emit({
    ...CALL,
    input: `HEAD${"é".repeat(600_000)}TAIL`,
    output: "\u0001".repeat(100_000),
    vars: { v: "kept" },
  });
  emitter.emit({ ...CALL, attributes: { huge: "x".repeat(400_000) } });
  emitter.emit(CALL);
  await emitter.flush();
  expect(transport.calls).toHaveLength(2);
  const [cut] = transport.calls;
  expect(cut!.is_truncated).toBe(true);
  expect(cut!.input).toMatch(/^HEADé+\[… \d+ characters left out …\]é+TAIL$/);
  expect(cut!.vars).toEqual({ v: "kept" });
  expect(Buffer.byteLength(JSON.stringify(cut))).toBeLessThanOrEqual(262_144);
  expect(emitter.stats().dropped.too_large).toBe(1);
  expectBalance(emitter);
});

test("redact changes or drops events, and when it throws no text leaves", async () => {
  const { emitter, transport } = recorded({
    redact: (call: LlmCall) => {
      if (call.input === "secret") return null;
      if (call.input === "boom") throw new Error("redact");
      return { ...call, input: "clean", call_id: "mine", sequence: 99 };
    },
  });
  const vars = { name: "Ada" };
  for (const input of ["a", "secret", "boom"]) emitter.emit({ ...CALL, input, vars });
  await emitter.flush();
  expect(transport.calls.map((call) => [call.sequence, call.input, call.vars?.["name"]])).toEqual([
    [0, "clean", "Ada"],
    [2, "[redaction failed]", "[redaction failed]"],
  ]);
  expect(vars).toEqual({ name: "Ada" });
  expect(transport.calls[0]!.call_id).not.toBe("mine");
  expect(emitter.stats()).toMatchObject({ redaction_failures: 1, dropped: { redacted: 1 } });
  expectBalance(emitter);
});

test("capture hash sends hashes, capture none sends no texts", async () => {
  const hashed = recorded({ capture: "hash" });
  const none = recorded({ capture: "none" });
  for (const { emitter } of [hashed, none]) {
    emitter.emit({ ...CALL, input: "abc", vars: { name: "abc" } });
    await emitter.flush();
  }
  // SHA-256 of "abc", FIPS 180-2 appendix B.1.
  const abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  expect(hashed.transport.calls[0]).toMatchObject({ input: abc, vars: { name: abc } });
  expect(none.transport.calls[0]).not.toHaveProperty("input");
  expect(none.transport.calls[0]).not.toHaveProperty("vars");
});

test("a disabled emitter does nothing", async () => {
  const { emitter, transport } = recorded({ disabled: true });
  emitter.emit(CALL);
  expect(await emitter.flush()).toEqual({ acknowledged: 0, rejected: 0, dropped: 0, queued: 0 });
  expect(transport.batchSizes).toEqual([]);
  expect(emitter.stats().emitted).toBe(0);
});

test("events leave by themselves, at the size or at the interval", async () => {
  const bySize = recorded({ flushAt: 10, flushIntervalMs: 60_000 });
  for (let n = 0; n < 10; n++) bySize.emitter.emit(CALL);
  await expect.poll(() => bySize.transport.calls).toHaveLength(10);
  const byTime = recorded({ flushIntervalMs: 10 });
  byTime.emitter.emit(CALL);
  await expect.poll(() => byTime.transport.calls).toHaveLength(1);
});

test("flush and close honour their time limit, and close counts what it leaves behind", async () => {
  const transport: Transport = { send: async () => new Promise(() => undefined) };
  const { emitter } = recorded({ transport });
  emitter.emit(CALL);
  // The transport never answers: without the limits these two would not end.
  expect(await emitter.flush(50)).toEqual({ acknowledged: 0, rejected: 0, dropped: 0, queued: 1 });
  expect(await emitter.close(50)).toEqual({ acknowledged: 0, rejected: 0, dropped: 1, queued: 0 });
  emitter.emit(CALL);
  expect(emitter.stats().dropped.shutdown).toBe(2);
  expectBalance(emitter);
});

test("a transport that throws, answers nonsense or never is tried again", async () => {
  const answers: (() => Promise<SendResult>)[] = [
    () => Promise.reject(new Error("socket")),
    () => Promise.resolve(undefined as unknown as SendResult),
    () => Promise.resolve({ kind: "fine" } as unknown as SendResult),
    () => new Promise(() => undefined),
  ];
  const transport: Transport = {
    send: (batch) => answers.shift()?.() ?? Promise.resolve({ kind: "accepted", accepted: batch.length }),
  };
  const { emitter } = recorded({ transport, retryBaseMs: 1, requestTimeoutMs: 20 });
  emitter.emit(CALL);
  expect((await emitter.flush()).acknowledged).toBe(1);
  expect(emitter.stats().retries).toBe(4);
});

/** A real server that answers from a script, then accepts everything. */
async function scripted(script: { status: number; headers?: Record<string, string>; body?: unknown }[]) {
  const requests: { at: number; size: number; request: IncomingMessage }[] = [];
  const stored: LlmCall[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((bytes) => {
      const text =
        request.headers["content-encoding"] === "gzip" ? gunzipSync(bytes).toString() : bytes.toString();
      const events = text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as LlmCall);
      requests.push({ at: performance.now(), size: events.length, request });
      const next = script.shift() ?? { status: 200 };
      if (next.status === 200 && next.body === undefined) stored.push(...events);
      response.writeHead(next.status, { "content-type": "application/json", ...next.headers });
      response.end(JSON.stringify(next.body ?? { accepted: events.length, rejected: [], warnings: [] }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const warnings: string[] = [];
  const emitter = createEmitter({
    app: "support",
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    retryBaseMs: 5,
    retryMaxMs: 20,
    onWarning: (message) => warnings.push(message),
    probeIntervalMs: 30,
    apiKey: "key",
  });
  onTestFinished(async () => {
    await emitter.close(0);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { emitter, requests, stored, warnings };
}

test("over HTTP: gzip, the key, one connection that is kept", async () => {
  const { emitter, requests, stored } = await scripted([]);
  for (let n = 0; n < 450; n++) emitter.emit({ ...CALL, input: "x".repeat(100) });
  await emitter.flush();
  expect(requests.map((each) => each.size)).toEqual([200, 200, 50]);
  expect(stored.map((call) => call.sequence)).toEqual(Array.from({ length: 450 }, (_, n) => n));
  expect(requests[0]!.request.headers).toMatchObject({
    authorization: "Bearer key",
    "content-encoding": "gzip",
    "content-type": "application/x-ndjson",
  });
  expect(new Set(requests.map((each) => each.request.socket)).size).toBe(1);
});

test("500, 429 and a proxy's empty 200 are retried with the same call ids, and Retry-After is waited for", async () => {
  const { emitter, requests, stored } = await scripted([
    { status: 500 },
    { status: 200, body: "<html>" },
    { status: 429, headers: { "retry-after": "1" } },
  ]);
  emitter.emit(CALL);
  expect(await emitter.flush()).toEqual({ acknowledged: 1, rejected: 0, dropped: 0, queued: 0 });
  expect(requests).toHaveLength(4);
  expect(requests[3]!.at - requests[2]!.at).toBeGreaterThanOrEqual(990);
  expect(stored).toHaveLength(1);
  expect(emitter.stats()).toMatchObject({ retries: 3, sent: 1 });
});

test("413 halves the batch until it fits", async () => {
  const { emitter, requests, stored } = await scripted([{ status: 413 }, { status: 413 }]);
  for (let n = 0; n < 8; n++) emitter.emit(CALL);
  await emitter.flush();
  expect(requests.map((each) => each.size)).toEqual([8, 4, 2, 4, 2]);
  expect(stored.map((call) => call.sequence)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test("400 is counted and not sent again", async () => {
  const { emitter, requests, warnings } = await scripted([
    { status: 400, body: { errors: [{ index: 0, field: "model", message: "model is required" }] } },
    { status: 200, body: { accepted: 1, rejected: [{ index: 0, field: "x", message: "x" }], warnings: [] } },
  ]);
  emitter.emit(CALL);
  expect((await emitter.flush()).rejected).toBe(1);
  emitter.emit(CALL);
  emitter.emit(CALL);
  expect(await emitter.flush()).toEqual({ acknowledged: 1, rejected: 1, dropped: 0, queued: 0 });
  expect(requests).toHaveLength(2);
  expect(warnings).toEqual(["plumbline: events rejected: 1: model is required"]);
  expectBalance(emitter);
});

test("401 is probed at the slow interval, told once, and heals", async () => {
  const { emitter, requests, warnings, stored } = await scripted([{ status: 401 }, { status: 403 }]);
  emitter.emit(CALL);
  await emitter.flush();
  expect(requests).toHaveLength(3);
  expect(requests[2]!.at - requests[0]!.at).toBeGreaterThanOrEqual(55);
  expect(warnings).toEqual([
    "plumbline: not delivered, wrong configuration: HTTP 401, check apiKey",
    "plumbline: not delivered, wrong configuration: HTTP 403, check apiKey",
  ]);
  expect(stored).toHaveLength(1);
});

test("nobody at the address costs nothing but the oldest events", async () => {
  const emitter = createEmitter({
    app: "support",
    url: "http://127.0.0.1:1",
    queueMax: 50,
    flushAt: 10,
    retryBaseMs: 1,
    onWarning: () => {
      throw new Error("even this");
    },
  });
  for (let n = 0; n < 200; n++) emitter.emit(CALL);
  await emitter.flush(50);
  expect(emitter.stats()).toMatchObject({ queue_events: 50, dropped: { queue_full: 150 } });
  await emitter.close(10);
  expectBalance(emitter);
});

test("whatever the receiver answers, the numbers that never arrived are what the last report explains", async () => {
  const answers = fc.array(fc.constantFrom("all", "half", "retry", "too_large", "throws"), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(answers, fc.integer({ min: 1, max: 120 }), async (plan, count) => {
      const left = [...plan];
      const transport = createRecordingTransport((batch) => {
        const answer = left.shift() ?? "all";
        if (answer === "throws") throw new Error("reset");
        if (answer === "retry") return { kind: "retry", afterMs: null, detail: "busy" };
        if (answer === "too_large" && batch.length > 1) return { kind: "too_large" };
        return { kind: "accepted", accepted: answer === "half" ? batch.length >> 1 : batch.length };
      });
      const emitter = createEmitter({
        app: "support",
        transport,
        queueMax: 40,
        flushAt: 10,
        retryBaseMs: 1,
        retryMaxMs: 1,
        onWarning: () => undefined,
        redact: (call) => (call.input === "private" ? null : call),
      });
      for (let n = 0; n < count; n++) {
        emitter.emit(n % 9 === 4 ? { ...CALL, input: "private" } : CALL);
        if (n % 30 === 29) await emitter.flush();
      }
      await emitter.flush();
      left.length = 0;
      emitter.emit(CALL);
      await emitter.close();

      const numbers = transport.calls.map(({ sequence }) => sequence!);
      expect(new Set(numbers).size).toBe(numbers.length);
      const { client_report: report, sequence } = transport.calls.at(-1)!;
      const dropped = Object.values(report!.dropped ?? {}).reduce((sum, each) => sum + each, 0);
      expect(report!.emitted).toBe(count + 1);
      expect(sequence).toBe(count);
      expect(count + 1 - numbers.length).toBe(dropped + report!.rejected);
    }),
    { numRuns: 60, seed: 3 },
  );
});

test("what the collector warns about reaches whoever reads warnings, each once", async () => {
  const skew = { index: 0, field: "started_at", message: "started_at lies 40 days back" };
  const unknown = { index: 1, field: "modle", message: "modle is not a field" };
  const answer = { status: 200, body: { accepted: 1, rejected: [], warnings: [skew, unknown] } };
  const { emitter, warnings } = await scripted([answer, answer, answer]);
  for (let n = 0; n < 3; n++) {
    emitter.emit(CALL);
    await emitter.flush();
  }
  expect(warnings).toEqual(["plumbline: started_at lies 40 days back", "plumbline: modle is not a field"]);
  expect(emitter.stats().acknowledged).toBe(3);
});

test("every reason is told once a minute, and none hides another", async () => {
  const clock = { ms: 1_000 };
  const warnings: string[] = [];
  let isUp = false;
  const { emitter } = recorded({
    now: () => clock.ms,
    onWarning: (message) => warnings.push(message),
    queueMax: 5,
    flushAt: 1,
    retryBaseMs: 1,
    retryMaxMs: 1,
    redact: (call) => (call.use_case === "private" ? null : call),
    transport: {
      send: async (batch) => {
        if (!isUp) throw new Error("connect ECONNREFUSED 127.0.0.1:1");
        return { kind: "accepted", accepted: batch.length };
      },
    },
  });
  emitter.emit(null as unknown as NewCall);
  emitter.emit({ ...CALL, input_tokens: 1n as unknown as number });
  emitter.emit({ ...CALL, use_case: "private" });
  for (let n = 0; n < 20; n++) emitter.emit(CALL);
  const all = [
    "plumbline: events are dropped: unreadable",
    "plumbline: events are dropped: queue full",
    "plumbline: not delivered, will retry: connect ECONNREFUSED 127.0.0.1:1, check url",
  ];
  await expect.poll(() => warnings.toSorted()).toEqual(all.toSorted());
  // The minute is over: each is told again, once.
  clock.ms += 60_000;
  emitter.emit(null as unknown as NewCall);
  emitter.emit(CALL);
  await expect.poll(() => warnings.slice(3).toSorted()).toEqual(all.toSorted());
  isUp = true;
  await emitter.flush();
  emitter.emit({ ...CALL, input_tokens: 1n as unknown as number });
  await emitter.flush();
  await emitter.close();
  emitter.emit(CALL);
  expect(warnings.slice(6)).toEqual([
    "plumbline: events are dropped: not json",
    "plumbline: events are dropped: shutdown",
  ]);
  expect(emitter.stats().dropped.redacted).toBe(0);
});

test("a receiver whose words are always new fills neither memory nor log", async () => {
  const warnings: string[] = [];
  let n = 0;
  const { emitter } = recorded({
    onWarning: (message) => warnings.push(message),
    flushAt: 1,
    transport: createRecordingTransport((batch) => ({
      kind: "accepted",
      accepted: batch.length,
      warnings: Array.from({ length: 50 }, () => `word ${n++}`),
    })),
  });
  for (let k = 0; k < 10; k++) {
    emitter.emit(CALL);
    await emitter.flush();
  }
  expect(warnings).toHaveLength(64);
});

test.each([
  { url: "nonsense", says: /wrong configuration: check url, it begins with http/ },
  { url: "ftp://collector/", says: /wrong configuration: check url, it begins with http/ },
  {
    url: "http://collector.invalid",
    says: /will retry: .*ENOTFOUND.*check url|will retry: .*EAI_AGAIN.*check url/,
  },
])("the address $url is told in words", async ({ url, says }) => {
  const warnings: string[] = [];
  const emitter = createEmitter({ app: "support", url, onWarning: (message) => warnings.push(message) });
  emitter.emit(CALL);
  await expect.poll(() => warnings).toEqual([expect.stringMatching(says)]);
  await emitter.close(0);
});

test("a path that nobody serves is told as the wrong address, not as one to wait for", async () => {
  const { emitter, warnings } = await scripted([{ status: 404 }]);
  emitter.emit(CALL);
  await emitter.flush();
  expect(warnings).toEqual(["plumbline: not delivered, wrong configuration: HTTP 404, check url"]);
});

test("a redirect is told and not followed: its address was not configured", async () => {
  const elsewhere = await scripted([]);
  elsewhere.emitter.emit(CALL);
  await elsewhere.emitter.flush();
  const location = `http://${elsewhere.requests[0]!.request.headers.host}/v1/calls`;
  const { emitter, requests, stored, warnings } = await scripted([{ status: 302, headers: { location } }]);
  emitter.emit(CALL);
  await emitter.flush();
  expect(warnings).toEqual(["plumbline: not delivered, wrong configuration: HTTP 302, check url"]);
  await expect.poll(() => stored).toHaveLength(1);
  expect(requests).toHaveLength(2);
  expect(elsewhere.requests).toHaveLength(1);
});
