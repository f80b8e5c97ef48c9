/** The instrumented fetch over real HTTP, against every API: what its caller sees, and what is told. */
import { setTimeout as sleep } from "node:timers/promises";
import { createRecordingTransport } from "@plumbline/emitter";
import { startScriptedProvider, type Behaviour, type ScriptedProvider } from "@plumbline/scripted-provider";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Client, createClient as createWebClient, type ClientOptions } from "../index.ts";
import { createClient } from "../node/index.ts";

const APIS = ["chat/completions", "responses", "messages"] as const;
type Api = (typeof APIS)[number];
const USAGE = { input: 100, cacheRead: 60, cacheWrite: 10, output: 20, reasoning: 5 };

let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await startScriptedProvider();
});
afterAll(() => provider.close());
const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

function setUp(options: Partial<ClientOptions> = {}) {
  const told = createRecordingTransport();
  const given = {
    app: "t",
    registryUrl: "http://127.0.0.1:1",
    telemetry: { transport: told },
    onWarning: () => {},
    ...options,
  };
  const client = createClient(given);
  clients.push(client);
  const call = async () => {
    await client.flush();
    return told.calls.at(-1)!;
  };
  return { client, told, call };
}

function post(
  fetch: typeof globalThis.fetch,
  api: Api,
  more: {
    readonly stream?: boolean;
    readonly headers?: Record<string, string>;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Response> {
  const { stream = false, headers = {}, signal } = more;
  const messages = [
    { role: "system", content: "Be brief." },
    {
      role: "user",
      content: [
        { type: "text", text: "What is " },
        { type: "text", text: "this?" },
      ],
    },
  ];
  return fetch(`${provider.openaiUrl}/${api}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({
      model: "gpt",
      stream,
      ...(stream && api === "chat/completions" ? { stream_options: { include_usage: true } } : {}),
      ...(api === "responses" ? { input: messages } : { messages }),
    }),
    ...(signal === undefined ? {} : { signal }),
  });
}

describe.each(APIS)("%s", (api) => {
  test.each([false, true])("is told of with its texts and tokens; streamed: %s", async (stream) => {
    const { client, told, call } = setUp();
    provider.script({
      otherwise: { kind: "answer", text: "A lamp, broken.", usage: USAGE, chunkPauseMs: stream ? 5 : 0 },
    });
    const plain = await (await post(globalThis.fetch, api, { stream })).text();
    const response = await post(client.fetch({ use_case: "u", attributes: { tier: "gold" } }), api, {
      stream,
    });
    expect(await response.text()).toBe(plain);
    const event = await call();
    expect(told.calls).toHaveLength(1);
    expect(event).toMatchObject({
      use_case: "u",
      provider: api === "messages" ? "anthropic" : "openai",
      model: "gpt",
      response_model: "gpt-scripted",
      path: "primary",
      status: "ok",
      error_type: null,
      input: "What is this?",
      output: "A lamp, broken.",
      input_tokens: 100,
      cached_input_tokens: 60,
      cache_write_input_tokens: api === "messages" ? 10 : null,
      output_tokens: 20,
      cache_kind: "prefix",
      attributes: { tier: "gold" },
      attempts: [
        {
          provider: api === "messages" ? "anthropic" : "openai",
          model: "gpt",
          path: "primary",
          status: "ok",
        },
      ],
    });
    if (api !== "messages") expect(event.reasoning_output_tokens).toBe(5);
    if (stream) expect(event.ttft_ms).toBeGreaterThan(0);
    else expect(event.ttft_ms).toBeNull();
    expect(event.latency_ms).toBeGreaterThanOrEqual(event.ttft_ms ?? 0);
  });

  test.each([false, true])("calls of tools are its output; streamed: %s", async (stream) => {
    const { client, call } = setUp();
    provider.script({ otherwise: { kind: "answer", tool: '{"id":7}' } });
    await (await post(client.fetch(), api, { stream })).text();
    expect(await call()).toMatchObject({
      status: "ok",
      output: 'scripted_tool {"id":7}',
      use_case: "untagged",
    });
  });

  test.each<[string, Behaviour, object]>([
    [
      "an error status",
      { kind: "status", status: 529 },
      { status: "error", error_type: "http_529", path: "error" },
    ],
    [
      "429",
      { kind: "status", status: 429 },
      { status: "rate_limited", error_type: "http_429", path: "error" },
    ],
    ["a reset", { kind: "reset" }, { status: "error", path: "error" }],
    ["a refusal", { kind: "refusal" }, { status: "refused", path: "primary" }],
    ["a filter", { kind: "content_filter" }, { status: "refused", path: "primary" }],
    ["no words", { kind: "empty" }, { status: "invalid_output", error_type: "empty_for_length" }],
    ["rubbish", { kind: "malformed" }, { status: "error", error_type: "malformed_answer" }],
    ["an error under 200", { kind: "error_body" }, { status: "error" }],
    ["half an answer", { kind: "half_body" }, { status: "error" }],
    ["an answer that ends early", { kind: "short_body" }, { status: "error" }],
  ])(
    "%s is told of as what it is, streamed or not, and its caller sees what it would have seen",
    async (_name, behaviour, expected) => {
      for (const stream of [false, true]) {
        const { client, call } = setUp();
        provider.script({ otherwise: behaviour });
        const seen = async (fetch: typeof globalThis.fetch) => {
          try {
            const response = await post(fetch, api, { stream });
            const { status, url, redirected, type, ok } = response;
            return {
              status,
              url,
              redirected,
              type,
              ok,
              contentType: response.headers.get("content-type"),
              text: await response.text(),
            };
          } catch (error) {
            return { name: (error as Error).name, message: (error as Error).message };
          }
        };
        expect(await seen(client.fetch())).toEqual(await seen(globalThis.fetch));
        expect(await call()).toMatchObject(expected);
      }
    },
  );

  test("headers tag a call and go no further", async () => {
    const { client, call } = setUp();
    provider.script({});
    const headers = {
      "x-plumbline-use-case": "other",
      "x-plumbline-conversation-id": "c%C3%A4",
      "x-own": "1",
    };
    await (await post(client.fetch({ use_case: "u" }), api, { headers })).text();
    expect(await call()).toMatchObject({ use_case: "other", conversation_id: "cä" });
    const sent = provider.requests[0]!.headers;
    expect(Object.keys(sent).filter((name) => name.startsWith("x-plumbline"))).toEqual([]);
    expect(sent["x-own"]).toBe("1");
  });
});

test("a reader that leaves ends the request to the provider, and the call is cancelled", async () => {
  const { client, call } = setUp();
  provider.script({ otherwise: { kind: "slow_body", text: "one two three four five six" } });
  const response = await post(client.fetch(), "chat/completions", { stream: true });
  const reader = response.body!.getReader();
  await reader.read();
  await reader.cancel();
  expect(await call()).toMatchObject({ status: "cancelled", path: "primary" });
});

test("what the caller aborts is cancelled, what a time limit aborts is a timeout", async () => {
  const { client, call } = setUp();
  provider.script({ otherwise: { kind: "hang" } });
  const abort = new AbortController();
  const asked = post(client.fetch(), "messages", { signal: abort.signal });
  await expect.poll(() => provider.requests.length).toBe(1);
  abort.abort();
  await expect(asked).rejects.toThrow(/abort/i);
  expect(await call()).toMatchObject({ status: "cancelled" });
  await expect(post(client.fetch(), "messages", { signal: AbortSignal.timeout(5) })).rejects.toThrow(
    /timeout/i,
  );
  expect(await call()).toMatchObject({ status: "timeout", error_type: "timeout" });
});

test("a Request is taken as well, and what is no call passes by", async () => {
  const { client, told, call } = setUp();
  provider.script({});
  const fetch = client.fetch({ use_case: "u" });
  const request = new Request(`${provider.openaiUrl}/chat/completions`, {
    method: "POST",
    headers: { "x-plumbline-use-case": "r" },
    body: JSON.stringify({ model: "gpt", messages: [{ role: "user", content: "hi" }] }),
  });
  expect((await fetch(request)).ok).toBe(true);
  expect(provider.requests[0]!.headers["x-plumbline-use-case"]).toBeUndefined();
  for (const path of ["models", "threads/t_1/messages", "embeddings"]) {
    expect(
      (await fetch(`${provider.openaiUrl}/${path}`, path === "models" ? {} : { method: "POST" })).status,
    ).toBeGreaterThanOrEqual(200);
  }
  expect(told.calls.every(({ use_case }) => use_case === "r")).toBe(true);
  void call;
});

test.each(["json", "text", "arrayBuffer", "blob", "clone", "body"])(
  "an SDK's whole answer is told of however it is read: %s",
  async (way) => {
    const { client, told, call } = setUp();
    provider.script({});
    const headers = { "x-stainless-lang": "js" };
    const read = async (fetch: typeof globalThis.fetch) => {
      const response = await post(fetch, "messages", { headers });
      expect(response).toBeInstanceOf(Response);
      expect(response.bodyUsed).toBe(false);
      if (way === "clone") return [await response.clone().text(), await response.text()];
      const got =
        way === "body"
          ? await new Response(response.body).text()
          : await (response[way as "json"]() as Promise<unknown>);
      expect(response.bodyUsed).toBe(true);
      await expect(response.text()).rejects.toThrow(TypeError);
      return got instanceof Blob ? got.text() : got;
    };
    expect(await read(client.fetch())).toEqual(await read(globalThis.fetch));
    expect(await call()).toMatchObject({ status: "ok", output: "This is a scripted answer." });
    expect(told.calls).toHaveLength(1);
  },
);

test("run tags what is called inside, nested and after an await; where nothing carries it, its headers do", async () => {
  const { client, call } = setUp();
  provider.script({});
  const fetch = client.fetch({ use_case: "outside" });
  await client.run({ use_case: "a", user_hash: "h" }, async () => {
    await sleep(1);
    await client.run({ use_case: "b" }, async () => (await post(fetch, "responses")).text());
  });
  expect(await call()).toMatchObject({ use_case: "b", user_hash: "h" });
  await (await post(fetch, "responses")).text();
  expect(await call()).toMatchObject({ use_case: "outside" });

  const told = createRecordingTransport();
  const web = createWebClient({
    app: "t",
    registryUrl: "http://127.0.0.1:1",
    telemetry: { transport: told },
    onWarning: () => {},
  });
  clients.push(web);
  await web.run({ use_case: "ü" }, async ({ headers }) =>
    (await post(web.fetch(), "responses", { headers: { ...headers } })).text(),
  );
  await web.flush();
  expect(told.calls).toMatchObject([{ use_case: "ü" }]);
});

test("what one client carries is nothing to another", async () => {
  const { client: one } = setUp();
  const { client: other, call } = setUp();
  provider.script({});
  await one.run({ use_case: "one" }, async () =>
    (await post(other.fetch({ use_case: "other" }), "responses")).text(),
  );
  expect(await call()).toMatchObject({ use_case: "other" });
});

describe("an SDK that retries by itself", () => {
  const retry = (count: number) => ({ "x-stainless-retry-count": String(count) });

  test("is told of once, after its last request, with all of them", async () => {
    const { client, told, call } = setUp();
    const fetch = client.fetch({ use_case: "u" });
    provider.script({ steps: [{ kind: "status", status: 500 }, { kind: "reset" }] });
    expect((await post(fetch, "messages", { headers: retry(0) })).status).toBe(500);
    await expect(post(fetch, "messages", { headers: retry(1) })).rejects.toThrow();
    expect(told.calls).toHaveLength(0);
    await (await post(fetch, "messages", { headers: retry(2) })).text();
    expect(await call()).toMatchObject({
      path: "retry",
      status: "ok",
      attempts: [
        { path: "primary", status: "error", error_type: "http_500" },
        { path: "retry", status: "error" },
        { path: "retry", status: "ok" },
      ],
    });
    expect(told.calls).toHaveLength(1);
  });

  test("is told of as failed when its last request fails, and when nobody waits for the next", async () => {
    const { client, told, call } = setUp();
    const fetch = client.fetch({ use_case: "u" });
    provider.script({ otherwise: { kind: "status", status: 429, retryAfterMs: 1_000 } });
    for (const count of [0, 1, 2]) await (await post(fetch, "messages", { headers: retry(count) })).text();
    expect(await call()).toMatchObject({ path: "error", status: "rate_limited", attempts: [{}, {}, {}] });
    await (await post(fetch, "messages", { headers: retry(0) })).text();
    expect(told.calls).toHaveLength(1);
    // A flush tells of what is known.
    expect(await call()).toMatchObject({ status: "rate_limited", attempts: [{}] });
    expect(told.calls).toHaveLength(2);
    provider.script({ otherwise: { kind: "status", status: 400 } });
    await (await post(fetch, "messages", { headers: retry(0) })).text();
    expect(client.emitter.stats().emitted).toBe(3);
  });
});

test("an emitter that throws, or an event that can't be made, changes nothing for the caller", async () => {
  const { client } = setUp();
  provider.script({});
  const attributes = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error("no");
      },
    },
  );
  const response = await post(
    client.fetch({ use_case: "u", attributes: attributes as never }),
    "chat/completions",
  );
  expect((await response.json()) as object).toMatchObject({ object: "chat.completion" });
});
