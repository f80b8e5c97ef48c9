/** The official SDKs, bare and wrapped, side by side: whoever calls sees the same, and one event tells of each call. */
import Anthropic from "@anthropic-ai/sdk";
import { createRecordingTransport } from "@plumbline/emitter";
import { FAILURES, startScriptedProvider, type ScriptedProvider } from "@plumbline/scripted-provider";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { type Client, createClient } from "../node/index.ts";

let provider: ScriptedProvider;
const told = createRecordingTransport();
let client: Client;
beforeAll(async () => {
  provider = await startScriptedProvider();
  client = createClient({
    app: "t",
    registryUrl: "http://127.0.0.1:1",
    telemetry: { transport: told },
    onWarning: () => {},
  });
});
afterAll(async () => {
  await client.close();
  await provider.close();
});

let seenCalls = 0;
/** What was told of since the last time. */
async function newCalls() {
  await client.flush();
  const calls = told.calls.slice(seenCalls);
  seenCalls = told.calls.length;
  return calls;
}

const openaiWith = (options: object = {}) => {
  const bare = new OpenAI({ apiKey: "none", baseURL: provider.openaiUrl, maxRetries: 0, ...options });
  return { bare, wrapped: client.wrapOpenAI(bare, { use_case: "u" }) };
};
const anthropicWith = (options: object = {}) => {
  const bare = new Anthropic({ apiKey: "none", baseURL: provider.url, maxRetries: 0, ...options });
  return { bare, wrapped: client.wrapAnthropic(bare, { use_case: "u" }) };
};
const CHAT = { model: "gpt", messages: [{ role: "user" as const, content: "What is this?" }] };
const MESSAGE = { ...CHAT, max_tokens: 100 };

test("the type of a client stays what it is", () => {
  expectTypeOf(openaiWith().wrapped).toEqualTypeOf<OpenAI>();
  expectTypeOf(anthropicWith().wrapped).toEqualTypeOf<Anthropic>();
  expect(openaiWith().wrapped).toBeInstanceOf(OpenAI);
});

/** What a caller can see of a call, from its answer or its error. */
async function seen(call: () => Promise<unknown>): Promise<unknown> {
  try {
    return { answer: await call() };
  } catch (error) {
    const { status, message, name, constructor } = error as Error & { status?: number };
    return { status, message, name, type: constructor.name };
  }
}

async function collect<Event>(events: AsyncIterable<Event>): Promise<Event[]> {
  const all: Event[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const FAILING = [
  "connection_reset",
  "rate_limited",
  "server_error",
  "bad_request",
  "malformed_json",
  "half_body",
] as const;

describe("OpenAI", () => {
  const ways: Readonly<Record<string, (openai: OpenAI) => Promise<unknown>>> = {
    "chat completions": (openai) => openai.chat.completions.create(CHAT),
    "chat completions, streamed": async (openai) =>
      collect(await openai.chat.completions.create({ ...CHAT, stream: true })),
    "chat completions by the stream helper": (openai) => openai.chat.completions.stream(CHAT).finalContent(),
    responses: (openai) => openai.responses.create({ model: "gpt", input: "What is this?" }),
    "responses, streamed": async (openai) =>
      collect(await openai.responses.create({ model: "gpt", input: "What is this?", stream: true })),
    withResponse: async (openai) => {
      const { data, response } = await openai.chat.completions.create(CHAT).withResponse();
      return { data, status: response.status, url: response.url, type: response.headers.get("content-type") };
    },
    asResponse: async (openai) => (await openai.chat.completions.create(CHAT).asResponse()).json(),
  };
  test.each(Object.keys(ways))("%s", async (name) => {
    const { bare, wrapped } = openaiWith();
    provider.script({});
    expect(await seen(() => ways[name]!(wrapped))).toEqual(await seen(() => ways[name]!(bare)));
    expect(await newCalls()).toMatchObject([
      {
        use_case: "u",
        provider: "openai",
        model: "gpt",
        status: "ok",
        input: "What is this?",
        output: "This is a scripted answer.",
      },
    ]);
    for (const failure of FAILING) {
      provider.script({ otherwise: FAILURES[failure] });
      expect(await seen(() => ways[name]!(wrapped))).toEqual(await seen(() => ways[name]!(bare)));
      const [call, ...others] = await newCalls();
      expect(others).toEqual([]);
      expect(call!.status).not.toBe("ok");
    }
  });

  test("its own retries are attempts of one call", async () => {
    const { wrapped } = openaiWith({ maxRetries: 2 });
    provider.script({ steps: [FAILURES.server_error, FAILURES.connection_reset] });
    await wrapped.chat.completions.create(CHAT);
    expect(await newCalls()).toMatchObject([
      { path: "retry", status: "ok", attempts: [{}, {}, { status: "ok" }] },
    ]);
  });

  test("its own time limit is a timeout, an abort is a cancellation, and both throw what they throw", async () => {
    const { wrapped } = openaiWith({ timeout: 50 });
    provider.script({ otherwise: FAILURES.timeout });
    await expect(wrapped.chat.completions.create(CHAT)).rejects.toBeInstanceOf(
      OpenAI.APIConnectionTimeoutError,
    );
    expect(await newCalls()).toMatchObject([{ status: "timeout" }]);
    const abort = new AbortController();
    const asked = openaiWith().wrapped.chat.completions.create(CHAT, { signal: abort.signal });
    await expect.poll(() => provider.requests.length).toBe(2);
    abort.abort();
    await expect(asked).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    expect(await newCalls()).toMatchObject([{ status: "cancelled" }]);
  });

  test("a loop that is left ends the request", async () => {
    const { wrapped } = openaiWith();
    provider.script({ otherwise: FAILURES.slow_body });
    for await (const chunk of await wrapped.chat.completions.create({ ...CHAT, stream: true })) {
      expect(chunk.choices[0]!.delta.role).toBe("assistant");
      break;
    }
    expect(await newCalls()).toMatchObject([{ status: "cancelled" }]);
  });
});

describe("Anthropic", () => {
  const ways: Readonly<Record<string, (anthropic: Anthropic) => Promise<unknown>>> = {
    messages: (anthropic) => anthropic.messages.create(MESSAGE),
    "messages, streamed": async (anthropic) =>
      collect(await anthropic.messages.create({ ...MESSAGE, stream: true })),
    "messages by the stream helper": (anthropic) => anthropic.messages.stream(MESSAGE).finalText(),
    withResponse: async (anthropic) => {
      const { data, response } = await anthropic.messages.create(MESSAGE).withResponse();
      return { data, url: response.url };
    },
  };
  test.each(Object.keys(ways))("%s", async (name) => {
    const { bare, wrapped } = anthropicWith();
    provider.script({
      otherwise: { kind: "answer", usage: { input: 50, cacheRead: 20, cacheWrite: 5, output: 9 } },
    });
    expect(await seen(() => ways[name]!(wrapped))).toEqual(await seen(() => ways[name]!(bare)));
    expect(await newCalls()).toMatchObject([
      {
        provider: "anthropic",
        status: "ok",
        input_tokens: 50,
        cached_input_tokens: 20,
        cache_write_input_tokens: 5,
        output_tokens: 9,
        output: "This is a scripted answer.",
      },
    ]);
    for (const failure of FAILING) {
      provider.script({ otherwise: FAILURES[failure] });
      expect(await seen(() => ways[name]!(wrapped))).toEqual(await seen(() => ways[name]!(bare)));
      const [call, ...others] = await newCalls();
      expect(others).toEqual([]);
      expect(call!.status).not.toBe("ok");
    }
  });

  test("counting tokens is no call", async () => {
    const { wrapped } = anthropicWith();
    await expect(wrapped.messages.countTokens(CHAT)).rejects.toThrow("404");
    expect(await newCalls()).toEqual([]);
  });
});
