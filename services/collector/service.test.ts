import { gzipSync } from "node:zlib";
import { request as httpRequest } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import fc from "fast-check";
import { createKeyGuard } from "@plumbline/access";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { LogError, type Clock, type EventLog } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import { scrape } from "@plumbline/runtime/metrics";
import {
  BODY_BYTES_MAX,
  BODY_EVENTS_MAX,
  CALL_BYTES_MAX,
  CallsAccepted,
  LlmCall,
  Problem,
} from "@plumbline/schemas";
import { createCollector, type CollectorOptions } from "./service.ts";

const logger = createLogger("test", "silent");
const CALL_ID = "0198f3a0-0000-7000-8000-00000000000";
const DAY_MS = 86_400_000;
/** Of calls that a clock has nothing against. */
const STARTED_AT = new Date(systemClock.now() - 60_000).toISOString();

function call(n = 1, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    call_id: `${CALL_ID}${n}`,
    started_at: STARTED_AT,
    app: "support",
    use_case: "ticket-summary",
    model: "gpt-5-mini",
    status: "ok",
    latency_ms: 812,
    ...more,
  };
}

async function started(options: Partial<CollectorOptions> = {}) {
  const clock: Clock = systemClock;
  const log = createMemoryEventLog({ clock, partitions: 1 });
  const collector = createCollector({ log, clock, logger, port: 0, ...options });
  const stop = new AbortController();
  const running = collector.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
    await log.close();
  });
  const url = await collector.url;
  const stored = async (topic: "plumbline.calls" | "plumbline.feedback" = "plumbline.calls") =>
    log.read(topic, 0, 0, { recordsMax: 100_000 });
  return { url, stored };
}

async function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  path = "/v1/calls",
) {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as unknown };
}

const NDJSON = { "content-type": "application/x-ndjson" };

test("one event, an array and lines are accepted, and lie in the log byte for byte, keyed by call_id", async () => {
  const { url, stored } = await started();
  const line = `{ "app":"support", ${JSON.stringify(call(1)).slice(1)}`;

  const one = await post(url, line);
  const array = await post(url, JSON.stringify([call(2), call(3)]));
  const lines = await post(url, `${JSON.stringify(call(4))}\r\n\n  ${JSON.stringify(call(5))}  \n`, NDJSON);

  expect(one).toMatchObject({ status: 200, body: { accepted: 1, rejected: [], warnings: [] } });
  expect(array.body).toEqual({
    accepted: 2,
    rejected: [],
    rejected_count: 0,
    warnings: [],
    warnings_count: 0,
  });
  expect(lines.body).toEqual({
    accepted: 2,
    rejected: [],
    rejected_count: 0,
    warnings: [],
    warnings_count: 0,
  });
  const records = await stored();
  expect(records.map((record) => record.key)).toEqual([1, 2, 3, 4, 5].map((n) => `${CALL_ID}${n}`));
  expect(Buffer.from(records[0]!.value).toString()).toBe(line);
  expect(records[0]!.headers).toEqual({ tenant: "default" });
});

test("a gzipped body is accepted", async () => {
  const { url, stored } = await started();
  const body = new Uint8Array(gzipSync(JSON.stringify([call(1)])));
  expect((await post(url, body, { "content-encoding": "gzip" })).status).toBe(200);
  expect(await stored()).toHaveLength(1);
});

test("a bad event is named, and does not harm its neighbours", async () => {
  const { url, stored } = await started();
  const { model: _model, ...withoutModel } = call(2);
  const body = [
    JSON.stringify(call(1)),
    JSON.stringify(withoutModel),
    `{"call_id": `,
    JSON.stringify(call(3, { status: "great", latency_ms: "812" })),
    JSON.stringify(call(4)),
  ].join("\n");

  const answer = await post(url, body, NDJSON);

  expect(answer.status).toBe(200);
  const { accepted, rejected } = CallsAccepted.parse(answer.body);
  expect(accepted).toBe(2);
  expect(rejected).toEqual([
    { index: 1, field: "model", message: "model is required (model asked for); add it" },
    {
      index: 2,
      field: "",
      message: "the line is not JSON: expected a value at position 11 (line 1, column 12)",
    },
    {
      index: 3,
      field: "status",
      message: expect.stringMatching(/^status must be one of ok, error, .*; also wrong: latency_ms$/),
    },
  ]);
  expect((await stored()).map((record) => record.key)).toEqual([`${CALL_ID}1`, `${CALL_ID}4`]);
});

test("when nothing is accepted, the answer is a problem that names the field", async () => {
  const { url } = await started();
  const answer = await post(url, JSON.stringify(call(1, { latency_ms: "812" })));
  expect(answer.status).toBe(400);
  expect(answer.headers.get("content-type")).toMatch("application/problem+json");
  const problem = Problem.parse(answer.body);
  expect(problem).toMatchObject({ type: "urn:plumbline:invalid-event", field: "latency_ms" });
  expect(problem.errors).toEqual([
    { index: 0, field: "latency_ms", message: "latency_ms must be a number, not a string" },
  ]);
});

test("unknown fields become attributes within their budget, with a warning", async () => {
  const { url, stored } = await started();
  const many = Object.fromEntries(Array.from({ length: 31 }, (_, n) => [`a${n}`, "x"]));
  const answer = await post(
    url,
    JSON.stringify(
      call(1, { attributes: many, latencyMs: 5, later: { a: ["x".repeat(2000)] }, tenant: "somebody-else" }),
    ),
  );
  const { warnings } = CallsAccepted.parse(answer.body);
  expect(warnings).toEqual([
    {
      index: 0,
      field: "latencyMs",
      message:
        "latencyMs is not a field and was stored as attribute unknown.latencyMs; did you mean latency_ms?",
    },
    { index: 0, field: "later", message: expect.stringContaining("left out") },
    { index: 0, field: "tenant", message: expect.stringContaining("left out") },
  ]);
  const record = (await stored())[0]!;
  const parsed = LlmCall.strict().parse(JSON.parse(Buffer.from(record.value).toString()));
  expect(parsed.attributes).toMatchObject({ a0: "x", "unknown.latencyMs": "5" });
  expect(record.headers["tenant"]).toBe("default");
});

test("an event typed by hand needs neither id nor time, and is told so", async () => {
  const clock = new VirtualClock("2026-11-24T09:15:00.000Z");
  const { url, stored } = await started({ clock });
  const { call_id: _id, started_at: _at, ...typed } = call(1, { latency_ms: 1000 });

  const answer = await post(url, JSON.stringify(typed));

  expect(answer.status).toBe(200);
  expect(CallsAccepted.parse(answer.body).warnings.map((each) => each.field)).toEqual([
    "call_id",
    "started_at",
  ]);
  const record = (await stored())[0]!;
  const parsed = LlmCall.parse(JSON.parse(Buffer.from(record.value).toString()));
  expect(parsed.started_at).toBe("2026-11-24T09:14:59.000Z");
  expect(parsed.call_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(record.key).toBe(parsed.call_id);
});

test.each([
  { name: "malformed JSON", body: `{"app": "x", }`, headers: {}, status: 400, detail: /position 13/ },
  { name: "an empty body", body: "", headers: {}, status: 400, detail: /empty/ },
  { name: "an empty body of lines", body: "\n\n", headers: NDJSON, status: 400, detail: /empty/ },
  {
    name: "another content type",
    body: "a=1",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    status: 415,
    detail: /application\/json/,
  },
  { name: "another encoding", body: "x", headers: { "content-encoding": "br" }, status: 415, detail: /gzip/ },
  {
    name: "damaged gzip",
    body: "not gzip",
    headers: { "content-encoding": "gzip" },
    status: 400,
    detail: /gzip/,
  },
  {
    name: "too large a body",
    body: "x".repeat(BODY_BYTES_MAX + 1),
    headers: {},
    status: 413,
    detail: /1048576/,
  },
  {
    name: "far too large a body",
    body: "x".repeat(BODY_BYTES_MAX * 20),
    headers: {},
    status: 413,
    detail: /1048576/,
  },
  {
    name: "too many events",
    body: "{}\n".repeat(BODY_EVENTS_MAX + 10),
    headers: NDJSON,
    status: 413,
    detail: /5000/,
  },
  { name: "a scalar", body: "9223372036854775808", headers: {}, status: 400, detail: /JSON object/ },
])("$name is refused with $status and says what to do", async ({ body, headers, status, detail }) => {
  const { url, stored } = await started();
  const answer = await post(url, body, headers as Record<string, string>);
  expect(answer.status).toBe(status);
  expect(Problem.parse(answer.body)).toMatchObject({ status, detail: expect.stringMatching(detail) });
  expect(await stored()).toHaveLength(0);
});

test("a compressed bomb stops at the limit", async () => {
  const { url } = await started();
  const bomb = new Uint8Array(gzipSync(Buffer.alloc(64 * 1_048_576)));
  const before = process.memoryUsage().rss;
  const answer = await post(url, bomb, { "content-encoding": "gzip" });
  expect(answer.status).toBe(413);
  expect(process.memoryUsage().rss - before).toBeLessThan(48 * 1_048_576);
});

test("a body cut off in the middle leaves nothing behind and the collector alive", async () => {
  const { url, stored } = await started();
  await new Promise<void>((resolve) => {
    const sending = httpRequest(`${url}/v1/calls`, {
      method: "POST",
      headers: { "content-type": "application/json", "content-length": "1000" },
    });
    sending.on("error", () => resolve());
    sending.write(JSON.stringify(call(1)), () => sending.destroy());
    sending.on("close", () => resolve());
  });
  expect((await post(url, JSON.stringify(call(2)))).status).toBe(200);
  expect((await stored()).map((record) => record.key)).toEqual([`${CALL_ID}2`]);
});

test.each([
  { name: "an oversized event", event: call(9, { input: "x".repeat(CALL_BYTES_MAX) }), message: /262144/ },
  {
    name: "deep nesting",
    event: `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
    message: /deeper than 16/,
  },
  { name: "a raw NUL", event: `{"app":"a\u0000b"}`, message: /control characters/ },
  {
    name: "a time that is none",
    event: call(9, { started_at: "2026-13-45T00:00:00Z" }),
    message: /ISO 8601/,
  },
  {
    name: "a time without a zone",
    event: call(9, { started_at: "2026-11-24 09:15:00" }),
    message: /ISO 8601/,
  },
  { name: "an array", event: "[]", message: /JSON object/ },
  { name: "an id that is no UUID", event: call(9, { call_id: "42" }), message: /UUID/ },
  {
    name: "too many attributes",
    event: call(9, { attributes: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [n, "x"])) }),
    message: /32 keys/,
  },
])("$name is refused, and its neighbours are stored", async ({ event, message }) => {
  const { url, stored } = await started();
  const line = typeof event === "string" ? event : JSON.stringify(event);
  const answer = await post(url, `${JSON.stringify(call(1))}\n${line}\n${JSON.stringify(call(2))}`, NDJSON);
  const { accepted, rejected } = CallsAccepted.parse(answer.body);
  expect(accepted).toBe(2);
  expect(rejected).toEqual([
    { index: 1, field: expect.any(String), message: expect.stringMatching(message) },
  ]);
  expect(await stored()).toHaveLength(2);
});

test.each([
  [{ "": "x" }, "attributes has a key that must not be empty"],
  [{ ["k".repeat(101)]: "x" }, "attributes has a key that must have at most 100 characters"],
  [
    Object.fromEntries(Array.from({ length: 33 }, (_, n) => [n, "x"])),
    "attributes must have at most 32 keys",
  ],
])("keys of a map that are wrong are told by the map's name: case %#", async (attributes, message) => {
  const { url } = await started();
  const answer = await post(url, JSON.stringify(call(1, { attributes })));
  expect(answer.body).toMatchObject({ status: 400, errors: [{ index: 0, field: "attributes", message }] });
});

test("a key __proto__ of a map is left out and told, in attributes and in vars", async () => {
  const { url, stored } = await started();
  const body = JSON.stringify(call(1, { attributes: { a: "x" }, vars: { b: "y" } }));
  const answer = await post(url, body.replaceAll(/"([ab])":"[xy]"/g, `"$1":"z","__proto__":"lost"`));
  const told = CallsAccepted.parse(answer.body).warnings.map(({ field }) => field);
  expect(told).toEqual(["attributes.__proto__", "vars.__proto__"]);
  const [record] = await stored();
  const { attributes, vars } = LlmCall.parse(JSON.parse(Buffer.from(record!.value).toString()));
  expect({ attributes, vars }).toEqual({ attributes: { a: "z" }, vars: { b: "z" } });
});

test("escaped NULs are kept, lone surrogates and invalid UTF-8 are replaced, and __proto__ pollutes nothing", async () => {
  const { url, stored } = await started();
  const body = Buffer.concat([
    Buffer.from(`${JSON.stringify(call(1, { output: "a\u0000b" }))}\n`),
    Buffer.from(`${JSON.stringify(call(2, { output: "cut \ud83d", attributes: { "\udc00": "x" } }))}\n`),
    Buffer.from(JSON.stringify(call(3)).replace("{", `{"__proto__":{"isAdmin":true},"constructor":1,`)),
    Buffer.from("\n"),
  ]);
  const answer = await post(url, new Uint8Array(body), NDJSON);
  expect(CallsAccepted.parse(answer.body)).toMatchObject({ accepted: 3, rejected: [] });
  const broken = JSON.stringify(call(4, { output: "?" })).replace("?", "\u00ff");
  await post(url, new Uint8Array(Buffer.from(broken, "latin1")));

  const texts = (await stored()).map((record) => Buffer.from(record.value).toString());
  const calls = texts.map((text) => LlmCall.parse(JSON.parse(text)));
  expect(calls[0]!.output).toBe("a\u0000b");
  expect(calls[1]).toMatchObject({ output: "cut \ufffd", attributes: { "\ufffd": "x" } });
  expect(calls[2]!.attributes).toEqual({
    "unknown.__proto__": `{"isAdmin":true}`,
    "unknown.constructor": "1",
  });
  expect(calls[3]!.output).toBe("\ufffd");
  expect(({} as Record<string, unknown>)["isAdmin"]).toBeUndefined();
  expect(texts.every((text) => !/\\ud/i.test(text))).toBe(true);
});

test("with API keys, the tenant comes from the key and never from the event", async () => {
  const { url, stored } = await started({
    guard: createKeyGuard({
      clock: systemClock,
      directory: null,
      staticKeys: [{ secret: "key-a", tenant: "team-a", name: "a", scopes: ["ingest"], isOperator: false }],
    }),
  });
  const body = JSON.stringify(call(1));
  expect((await post(url, body)).status).toBe(401);
  expect((await post(url, body, { authorization: "Bearer nope" })).status).toBe(401);
  const missing = await post(url, body);
  expect(Problem.parse(missing.body).detail).toMatch(/Bearer/);
  expect(missing.headers.get("www-authenticate")).toBe("Bearer");
  expect((await post(url, body, { authorization: "Bearer key-a" })).status).toBe(200);
  expect((await stored()).map((record) => record.headers)).toEqual([{ tenant: "team-a" }]);
});

test("without API keys it refuses to listen beyond this machine", async () => {
  const log = createMemoryEventLog({ clock: systemClock });
  const collector = createCollector({ log, clock: systemClock, logger, port: 0, host: "0.0.0.0" });
  await expect(collector.run(new AbortController().signal)).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringMatching(/API keys \(PLUMBLINE_ADMIN_KEY/),
  });
});

test.each([
  { code: "log_full", retryAfter: "30" },
  { code: "log_unavailable", retryAfter: "2" },
] as const)("$code is answered 503 with a time to come back", async ({ code, retryAfter }) => {
  const log: Pick<EventLog, "append" | "assertAppendable"> = {
    append: async () => Promise.reject(new LogError(code, "no", { retryable: true })),
    assertAppendable: async () => Promise.reject(new LogError(code, "no", { retryable: true })),
  };
  const { url } = await started({ log });
  const answer = await post(url, JSON.stringify(call(1)));
  expect(answer.status).toBe(503);
  expect(answer.headers.get("retry-after")).toBe(retryAfter);
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  expect((await fetch(`${url}/livez`)).status).toBe(200);
});

test("a log that does not answer is answered 503, and nothing is acknowledged", async () => {
  const log: Pick<EventLog, "append" | "assertAppendable"> = {
    append: async () => new Promise(() => undefined),
    assertAppendable: async () => undefined,
  };
  const { url } = await started({ log, appendTimeoutMs: 20 });
  const answer = await post(url, JSON.stringify(call(1)));
  expect(answer.status).toBe(503);
  expect((await fetch(`${url}/readyz?verbose`)).status).toBe(200);
});

test("a wrong method is 405 with the right one, a wrong path is 404 with a hint", async () => {
  const { url } = await started();
  const wrongMethod = await fetch(`${url}/v1/calls`);
  expect(wrongMethod.status).toBe(405);
  expect(wrongMethod.headers.get("allow")).toBe("POST");
  const wrongPath = await fetch(`${url}/v1/call`, { method: "POST" });
  expect(wrongPath.status).toBe(404);
  expect(Problem.parse(await wrongPath.json()).detail).toMatch("POST /v1/calls");
});

test("feedback is stored under its call", async () => {
  const { url, stored } = await started();
  const feedback = {
    feedback_id: "f1",
    call_id: `${CALL_ID}1`,
    use_case: "ticket-summary",
    kind: "thumb",
    value: 0,
    given_at: "2026-11-24T09:20:00Z",
  };
  const answer = await post(url, JSON.stringify([feedback, { ...feedback, value: 7 }]), {}, "/v1/feedback");
  expect(CallsAccepted.parse(answer.body)).toMatchObject({
    accepted: 1,
    rejected: [{ index: 1, field: "value" }],
  });
  expect((await stored("plumbline.feedback")).map((record) => record.key)).toEqual([`${CALL_ID}1`]);
});

test("whatever JSON arrives, every event is either accepted or rejected, and the accepted ones are in the log", async () => {
  const { url, stored } = await started();
  const base = fc.constant(call(1));
  const mutated = fc
    .tuple(
      base,
      fc.dictionary(
        fc.constantFrom("model", "attributes", "vars", "latency_ms", "started_at", "x", "__proto__"),
        fc.jsonValue(),
        { maxKeys: 3 },
      ),
    )
    .map(([event, changes]) => ({ ...event, ...changes }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.jsonValue({ stringUnit: "binary" }), mutated, base), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.boolean(),
      async (events, isLines) => {
        const before = (await stored()).length;
        const answer = isLines
          ? await post(url, events.map((event) => JSON.stringify(event)).join("\n"), NDJSON)
          : await post(url, JSON.stringify(events));
        const accepted = answer.status === 200 ? CallsAccepted.parse(answer.body).accepted : 0;
        const rejected =
          answer.status === 200
            ? CallsAccepted.parse(answer.body).rejected_count
            : Problem.parse(answer.body).errors!.length;
        expect([200, 400]).toContain(answer.status);
        expect(accepted + rejected).toBe(events.length);
        expect((await stored()).length - before).toBe(accepted);
      },
    ),
    { numRuns: 200, seed: 20261124 },
  );
});

test("arbitrary bytes never crash the collector", async () => {
  const { url } = await started();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, isLines) => {
      const answer = await post(url, new Uint8Array(bytes), isLines ? NDJSON : {});
      expect([200, 400]).toContain(answer.status);
    }),
    { numRuns: 200, seed: 20261124 },
  );
});

test("stalled uploads of a tenant close the collector for nobody, of another tenant or its own", async () => {
  const keyOf = (secret: string, tenant: string) =>
    ({ secret, tenant, name: secret, scopes: ["ingest"], isOperator: false }) as const;
  const { url } = await started({
    guard: createKeyGuard({
      clock: systemClock,
      directory: null,
      staticKeys: [keyOf("stalls", "one"), keyOf("sends", "two")],
    }),
  });
  const stalled = Array.from({ length: 200 }, () => {
    const request = httpRequest(`${url}/v1/calls`, {
      method: "POST",
      agent: false,
      headers: {
        authorization: "Bearer stalls",
        "content-type": "application/json",
        "content-length": "1000",
        expect: "100-continue",
      },
    });
    request.on("error", () => undefined);
    onTestFinished(() => void request.destroy());
    request.write("{");
    // The server says that it reads the body: from here on it waits for the rest.
    return new Promise((resolve) => request.once("continue", resolve));
  });
  await Promise.all(stalled);
  for (const key of ["sends", "stalls"]) {
    const answer = await post(url, JSON.stringify(call()), { authorization: `Bearer ${key}` });
    expect(answer).toMatchObject({ status: 200, body: { accepted: 1 } });
  }
});

test("lists in answers are short, and say how many entries there were", async () => {
  const { url } = await started();
  const unknown = Object.fromEntries(Array.from({ length: 8_000 }, (_, i) => [`field_${i}`, 1]));
  const warned = CallsAccepted.parse((await post(url, JSON.stringify(call(1, unknown)))).body);
  expect(warned).toMatchObject({ accepted: 1, rejected_count: 0, warnings_count: 8_000 });
  expect(warned.warnings).toHaveLength(20);

  const mixed = CallsAccepted.parse(
    (await post(url, JSON.stringify([call(), ...Array.from({ length: 4_000 }, () => ({}))]))).body,
  );
  expect(mixed).toMatchObject({ accepted: 1, rejected_count: 4_000 });
  expect(mixed.rejected).toHaveLength(100);

  const nothing = await post(url, JSON.stringify(Array.from({ length: 4_000 }, () => 1)));
  expect(nothing).toMatchObject({ status: 400, body: { errors_count: 4_000 } });
  expect(Problem.parse(nothing.body).errors).toHaveLength(100);
});

test.each([
  {
    when: "30 days back",
    ms: -30 * DAY_MS,
    says: /lies 30 days back; more than 29 are taken for a wrong clock/,
  },
  {
    when: "698 days back",
    ms: -698 * DAY_MS,
    says: /lies 698 days back.*event_at \+ clock_skew_ms.*backtest/,
  },
  { when: "an hour ahead", ms: 3_600_000 + 5_000, says: /lies 60 minutes ahead; more than 10.*time zone/ },
])("whoever sends a call $when learns what becomes of its time", async ({ ms, says }) => {
  const { url, stored } = await started();
  const started_at = new Date(systemClock.now() + ms).toISOString();
  const answer = await post(url, JSON.stringify([call(1, { started_at }), call(2)]));
  expect(answer.body).toMatchObject({
    accepted: 2,
    warnings: [{ index: 0, field: "started_at", message: expect.stringMatching(says) }],
    warnings_count: 1,
  });
  // The log holds what was sent: what is counted when is the writer's.
  expect(JSON.parse(Buffer.from((await stored())[0]!.value).toString())).toMatchObject({ started_at });
});

describe("text that is not UTF-8", () => {
  const TEXT = "Größe 12 €, naïve";
  const line = (n: number): string => JSON.stringify(call(n, { input: TEXT }));
  const inputs = async (stored: Awaited<ReturnType<typeof started>>["stored"]): Promise<unknown[]> =>
    (await stored()).map(
      ({ value }) => (JSON.parse(Buffer.from(value).toString()) as { input: unknown }).input,
    );

  test("is converted from the charset that the request names", async () => {
    const { url, stored } = await started();
    const windows = Buffer.from(line(1).replace("€", "\x80"), "latin1");
    const answer = await post(url, new Uint8Array(windows), {
      "content-type": "application/json; charset=ISO-8859-1",
    });
    expect(answer.body).toMatchObject({ accepted: 1, warnings: [] });
    const wide = new Uint8Array(Buffer.from(`${line(2)}\n${line(3)}`, "utf16le"));
    await post(url, wide, { "content-type": 'application/x-ndjson; charset="utf-16le"' });
    expect(await inputs(stored)).toEqual([TEXT, TEXT, TEXT]);
  });

  test.each([
    ["gb18030", Buffer.of(0xff)],
    ["shift_jis", Buffer.of(0xfd)],
    ["utf-16le", Buffer.of(0x00, 0xd8, 0x20, 0x00)],
  ])(
    "is told with its line when bytes are no text in the charset %s that is named",
    async (charset, bytes) => {
      const { url, stored } = await started();
      const text = JSON.stringify(call(1, { input: "?" }));
      const encoded = (part: string): Buffer =>
        Buffer.from(part, charset === "utf-16le" ? "utf16le" : "ascii");
      const [before, after] = text.split("?") as [string, string];
      const body = Buffer.concat([encoded(before), bytes, encoded(after)]);
      const answer = await post(url, new Uint8Array(body), {
        "content-type": `application/json; charset=${charset}`,
      });
      expect(answer.body).toMatchObject({
        accepted: 1,
        warnings: [{ message: expect.stringMatching(/^line 1 .* not valid in the charset that it names/) }],
      });
      expect(await inputs(stored)).toEqual([expect.stringContaining("\uFFFD")]);
    },
  );

  test("is refused, with the name, when the charset is not known", async () => {
    const { url, stored } = await started();
    const answer = await post(url, line(1), { "content-type": "application/json; charset=klingon" });
    expect(answer).toMatchObject({
      status: 415,
      body: { detail: expect.stringMatching(/charset "klingon" is not known.*UTF-8/) },
    });
    expect(await stored()).toHaveLength(0);
  });

  test("is told with its line when no charset is named, and counted", async () => {
    const { url, stored } = await started();
    const before = await repaired();
    const lines = Buffer.concat([
      Buffer.from(`${line(1)}\n`),
      Buffer.from(`${line(2)}\n`, "latin1"),
      Buffer.from(line(3)),
    ]);
    const answer = await post(url, new Uint8Array(lines), NDJSON);
    expect(answer.body).toMatchObject({
      accepted: 3,
      warnings: [
        { index: 1, field: "", message: expect.stringMatching(/^line 2 of the body is not valid UTF-8/) },
      ],
      warnings_count: 1,
    });
    const array = new Uint8Array(
      Buffer.from(`[${line(4)},\n${JSON.stringify(call(5))},\n${line(6)}]`, "latin1"),
    );
    expect((await post(url, array)).body).toMatchObject({
      accepted: 3,
      warnings: [{ index: 0, message: expect.stringMatching(/^line 1 /) }, { index: 2 }],
    });
    expect((await inputs(stored))[0]).toBe(TEXT);
    expect((await inputs(stored))[1]).toContain("Gr\uFFFD\uFFFDe".slice(0, 3));
    expect((await repaired()) - before).toBe(3);
  });

  async function repaired(): Promise<number> {
    const sample = /^plumbline_events_repaired_total\{repair="invalid_utf8"\} (\d+)/m.exec(
      (await scrape()).text,
    );
    return Number(sample![1]);
  }
});
