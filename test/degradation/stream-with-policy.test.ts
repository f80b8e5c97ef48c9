/** Streams under a policy, over real HTTP: another rung before the first text, none after it, one event at the end. */
import { createAnswerCache } from "@plumbline/client/cache";
import type { CallArguments } from "@plumbline/client/node";
import { streamWithPolicy, type StreamOptions } from "@plumbline/client/stream";
import {
  type Behaviour,
  FAILURES,
  type FailureName,
  startScriptedProvider,
  type ScriptedProvider,
} from "@plumbline/scripted-provider";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { degradationClient, type DegradationClient, USE_CASE } from "./degradation-client.ts";

const LONG_MS = 120_000;
const PATIENT = { deadline_ms: LONG_MS, attempt_timeout_ms: LONG_MS, retry: { max: 0 } };
const TEXT = "one two three four five six";

let provider: ScriptedProvider;
const open: DegradationClient[] = [];
beforeEach(async () => {
  provider = await startScriptedProvider({ keepsAlive: false });
});
afterEach(async () => {
  for (const { client } of open.splice(0)) await client.close();
  await provider.close();
});

/** An application that reads a stream of chat completions line by line. */
async function* texts(fetch: typeof globalThis.fetch, { model, prompt, signal }: CallArguments) {
  const response = await fetch(`${provider.openaiUrl}/chat/completions`, {
    method: "POST",
    body: JSON.stringify({
      model,
      stream: true,
      stream_options: { include_usage: true },
      messages: prompt.messages({ ticket: "lamp" }),
    }),
    signal,
  });
  if (!response.ok) throw new Error("not ok");
  let rest = "";
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      if (!line.startsWith("data: {")) continue;
      const { choices } = JSON.parse(line.slice(6)) as { choices: { delta: { content?: string } }[] };
      yield choices[0]?.delta.content ?? "";
    }
  }
}

function setUp(policy: object, options: Parameters<typeof degradationClient>[1] = {}) {
  const made = degradationClient(policy, options);
  open.push(made);
  const fetch = made.client.fetch();
  const go = (more: Partial<StreamOptions> = {}) =>
    streamWithPolicy(made.client, USE_CASE, {
      vars: { ticket: "lamp" },
      call: (given) => texts(fetch, given),
      ...more,
    });
  const told = async () => {
    await made.client.flush();
    return made.told.calls;
  };
  return { ...made, go, told };
}

async function read(stream: AsyncIterable<string>): Promise<{ text: string; error: Error | null }> {
  let text = "";
  try {
    for await (const part of stream) text += part;
    return { text, error: null };
  } catch (error) {
    return { text, error: error as Error };
  }
}

test("an answer comes in its parts, and one event tells of it with its tokens when it ends", async () => {
  const { go, told } = setUp(PATIENT);
  provider.script({
    otherwise: { kind: "answer", text: TEXT, chunkPauseMs: 2, usage: { input: 9, output: 6 } },
  });
  const outcome = await go();
  expect(outcome).toMatchObject({ path: "primary", is_degraded: false, reason: null });
  expect(await told()).toHaveLength(0);
  expect(await read(outcome.stream)).toEqual({ text: TEXT, error: null });
  const [event] = await told();
  expect(event).toMatchObject({
    call_id: outcome.call_id,
    path: "primary",
    status: "ok",
    output: TEXT,
    input_tokens: 9,
    output_tokens: 6,
    attempts: [{ path: "primary", status: "ok", input_tokens: 9 }],
  });
  expect(event!.ttft_ms).toBeGreaterThan(0);
  expect(event!.latency_ms).toBeGreaterThan(event!.ttft_ms!);
});

const BEFORE: readonly FailureName[] = [
  "timeout",
  "connection_reset",
  "rate_limited",
  "server_error",
  "malformed_json",
  "content_filter",
  "empty_output",
  "error_body",
];
test.each(BEFORE)("%s before the first text: the next rung answers", async (failure) => {
  const { go, told } = setUp({
    ...PATIENT,
    ...(failure === "timeout" ? { attempt_timeout_ms: 2_000 } : {}),
    fallback_models: [{ model: "openai/nano" }],
  });
  provider.script({ otherwise: FAILURES[failure] }, { nano: { otherwise: { kind: "answer", text: TEXT } } });
  const outcome = await go();
  expect(outcome).toMatchObject({ path: "fallback_model", is_degraded: true });
  expect(await read(outcome.stream)).toEqual({ text: TEXT, error: null });
  const events = await told();
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ path: "fallback_model", status: "ok", model: "nano" });
  expect(events[0]!.attempts).toHaveLength(2);
});

test.each<[string, Behaviour, string]>([
  ["the connection breaks", { kind: "half_body", text: TEXT }, "error"],
  ["the answer ends early", { kind: "short_body", text: TEXT }, "error"],
  ["nothing more comes", { kind: "slow_body", text: TEXT }, "timeout"],
])(
  "after the first text %s: it is thrown, no other rung is tried, and the call is told of as partial",
  async (_name, behaviour, status) => {
    const { go, told } = setUp({
      ...PATIENT,
      attempt_timeout_ms: 2_000,
      fallback_models: [{ model: "openai/nano" }],
      template: { text: "No." },
    });
    provider.script({ otherwise: behaviour });
    const outcome = await go();
    const { text, error } = await read(outcome.stream);
    expect(error).toBeInstanceOf(Error);
    expect(TEXT.startsWith(text)).toBe(true);
    expect(text).not.toBe("");
    expect(provider.requests).toHaveLength(1);
    expect(await told()).toMatchObject([
      { path: "primary", status, error_type: "partial", output: text, attempts: [{ status }] },
    ]);
  },
);

test("a reader that leaves ends the request, and the call is cancelled", async () => {
  const { go, told } = setUp(PATIENT);
  provider.script({ otherwise: { kind: "slow_body", text: TEXT } });
  const { stream } = await go();
  for await (const part of stream) {
    expect(part).toBe("one ");
    break;
  }
  expect(await told()).toMatchObject([{ status: "cancelled", error_type: null, output: "one " }]);
});

test("the caller's own signal ends it in the middle, with its reason", async () => {
  const { go, told } = setUp(PATIENT);
  provider.script({ otherwise: { kind: "slow_body", text: TEXT } });
  const abort = new AbortController();
  const { stream } = await go({ signal: abort.signal });
  setTimeout(() => abort.abort(new Error("the user left")), 20);
  expect((await read(stream)).error?.message).toBe("the user left");
  expect(await told()).toMatchObject([{ status: "cancelled" }]);
});

describe("what is kept", () => {
  test("a whole answer is, and is served at once; half of one is not", async () => {
    const cache = createAnswerCache();
    const { go, told } = setUp({ ...PATIENT, cache: { mode: "readwrite" } }, { cache });
    provider.script({
      steps: [{ kind: "half_body", text: TEXT }],
      otherwise: { kind: "answer", text: TEXT },
    });
    expect((await read((await go()).stream)).error).not.toBeNull();
    expect(cache.stats().entries).toBe(0);
    await read((await go()).stream);
    await expect.poll(() => cache.stats().entries).toBe(1);
    const outcome = await go();
    expect(outcome).toMatchObject({ path: "cached_exact", attempts: [] });
    expect((await read(outcome.stream)).text).toBe(TEXT);
    expect((await told()).map(({ path, status }) => `${path} ${status}`)).toEqual([
      "primary error",
      "primary ok",
      "cached_exact ok",
    ]);
  });

  test("an old answer and the template stream as well", async () => {
    const { go } = setUp({ ...PATIENT, template: { text: "No words for {{ticket}}." } });
    provider.script({ otherwise: FAILURES.server_error });
    const outcome = await go();
    expect(outcome).toMatchObject({ path: "template", is_degraded: true, model: null });
    expect((await read(outcome.stream)).text).toBe("No words for lamp.");
  });
});
