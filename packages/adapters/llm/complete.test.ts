import { ExternalError } from "@plumbline/ports";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../clock/system-clock.ts";
import { type CompletionRequest, createCompletion } from "./complete.ts";
import { type FakeReply, startFakeProvider } from "./fake-provider.fixture.ts";

const REQUEST: CompletionRequest = {
  model: "model-1",
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: "Hello" },
  ],
  config: { temperature: 0.2, max_tokens: 40, stream: true },
};

async function start(style: "openai" | "anthropic", reply: FakeReply) {
  const provider = await startFakeProvider([reply]);
  onTestFinished(() => provider.close());
  const complete = createCompletion({
    style,
    baseUrl: `${provider.url}/`,
    apiKey: "key-1",
    clock: systemClock,
    timeoutMs: 5_000,
    random: () => 0,
  });
  const signal = new AbortController().signal;
  return { provider, complete: (request: CompletionRequest) => complete(request, { signal }) };
}

test("chat completions: the prompt as it is, unstreamed, and the counts that come back", async () => {
  const { provider, complete } = await start("openai", {
    body: {
      choices: [{ message: { content: "Hi" } }],
      usage: { prompt_tokens: 9, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 4 } },
    },
  });
  const answer = await complete(REQUEST);
  expect(answer).toMatchObject({
    text: "Hi",
    usage: { input_tokens: 9, cached_input_tokens: 4, cache_write_input_tokens: 0, output_tokens: 2 },
  });
  expect(answer.latency_ms).toBeGreaterThan(0);
  expect(provider.requests).toMatchObject([
    { path: "/chat/completions", headers: { authorization: "Bearer key-1" } },
  ]);
  expect(provider.requests[0]!.body).toEqual({
    model: "model-1",
    messages: REQUEST.messages,
    temperature: 0.2,
    max_tokens: 40,
  });
});

test("messages: system apart, and cached tokens counted within", async () => {
  const { provider, complete } = await start("anthropic", {
    body: {
      content: [{ type: "text", text: "Hi" }],
      usage: { input_tokens: 5, output_tokens: 2, cache_read_input_tokens: 4 },
    },
  });
  expect(await complete(REQUEST)).toMatchObject({
    text: "Hi",
    usage: { input_tokens: 9, cached_input_tokens: 4, cache_write_input_tokens: 0, output_tokens: 2 },
  });
  expect(provider.requests).toMatchObject([{ path: "/v1/messages", headers: { "x-api-key": "key-1" } }]);
  expect(provider.requests[0]!.body).toEqual({
    model: "model-1",
    system: "Be brief.",
    messages: [{ role: "user", content: "Hello" }],
    temperature: 0.2,
    max_tokens: 40,
  });
});

test.each([
  {
    style: "openai",
    body: { choices: [{ message: { content: "{}" } }] },
    sent: {
      response_format: { type: "json_schema", json_schema: { name: "answer", schema: { type: "object" } } },
    },
  },
  {
    style: "anthropic",
    body: { content: [{ type: "text", text: "{}" }] },
    sent: { output_config: { format: { type: "json_schema", schema: { type: "object" } } } },
  },
] as const)("$style: a prompt that wants JSON asks for its schema", async ({ style, body, sent }) => {
  const { provider, complete } = await start(style, { body });
  const answer = await complete({ ...REQUEST, output: { format: "json", schema: { type: "object" } } });
  expect(answer).toMatchObject({ text: "{}", usage: null });
  expect(provider.requests[0]!.body).toMatchObject(sent);
});

test("what the prompt file says about the format wins over what its output says", async () => {
  const { provider, complete } = await start("openai", { body: { choices: [{ message: {} }] } });
  const config = { response_format: { type: "text" } };
  expect((await complete({ ...REQUEST, config, output: { format: "json" } })).text).toBe("");
  expect(provider.requests[0]!.body["response_format"]).toEqual({ type: "text" });
});

test("a refused request says what the provider said, and is not repeated", async () => {
  const { provider, complete } = await start("openai", {
    status: 400,
    body: { error: { message: "Unsupported parameter: max_tokens" } },
  });
  await expect(complete(REQUEST)).rejects.toThrow("HTTP 400: Unsupported parameter: max_tokens");
  expect(provider.requests).toHaveLength(1);
});

test.each(["openai", "anthropic"] as const)("%s: an answer of another shape is a fault", async (style) => {
  const { complete } = await start(style, { body: { hello: 1 } });
  await expect(complete(REQUEST)).rejects.toBeInstanceOf(ExternalError);
});
