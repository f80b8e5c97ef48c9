/** Who takes part: the same call through each of them. */
import { LangfuseSpanProcessor } from "@langfuse/otel";
import { observeOpenAI } from "@langfuse/openai";
import { trace } from "@opentelemetry/api";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { type Client, createClient } from "@plumbline/client/node";
import { promptVersion, type PromptDocument } from "@plumbline/prompts";
import {
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleAll,
  retry,
  timeout,
  TimeoutStrategy,
  wrap,
} from "cockatiel";
import OpenAI from "openai";

export interface Contender {
  readonly name: string;
  readonly call: (i: number) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

const NOWHERE = "http://127.0.0.1:1";
const USE_CASE = "ticket-summary";
const DOCUMENT: PromptDocument = {
  use_case: USE_CASE,
  model: "openai/gpt-5-mini",
  config: { temperature: 0.2 },
  messages: [
    {
      role: "system",
      content: "You summarise support tickets. Keep every amount, date and name that matters.",
    },
    { role: "user", content: "{{ticket}}" },
  ],
};
const ANSWER = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1_700_000_000,
  model: "gpt-5-mini-2026-08-01",
  choices: [
    {
      index: 0,
      message: {
        role: "assistant",
        content: "The customer was charged 49.90 twice on 3 May. ".repeat(5),
        refusal: null,
      },
      finish_reason: "stop",
    },
  ],
  usage: { prompt_tokens: 412, completion_tokens: 80, total_tokens: 492 },
});
const TICKET = "I was charged 49.90 twice on 3 May and would like one of them back. ".repeat(8);

/** Answers at once, as a provider that is infinitely fast. */
const answer: typeof globalThis.fetch = async () =>
  new Response(ANSWER, { status: 200, headers: { "content-type": "application/json" } });

function sdk(): OpenAI {
  return new OpenAI({ apiKey: "none", baseURL: "http://provider.invalid/v1", fetch: answer, maxRetries: 0 });
}

function plumbline(url: string): Client {
  return createClient({
    app: "bench",
    url,
    registryUrl: NOWHERE,
    fallbackAfterMs: 0,
    onWarning: () => {},
    bundle: {
      use_cases: {
        [USE_CASE]: {
          live: [{ prompt_version: promptVersion(DOCUMENT), number: 1, weight: 1, document: DOCUMENT }],
          policy: { document: { retry: { max: 2 }, fallback_models: [{ model: "openai/gpt-5-nano" }] } },
        },
      },
    },
  } as never);
}

const messages = (i: number) => [
  {
    role: "system" as const,
    content: "You summarise support tickets. Keep every amount, date and name that matters.",
  },
  { role: "user" as const, content: `${i} ${TICKET}` },
];

/** @param url of what takes telemetry */
export async function contenders(url: string): Promise<readonly Contender[]> {
  const nothing = async (): Promise<void> => {};
  const bare = sdk();
  const create = (openai: OpenAI, i: number, signal?: AbortSignal) =>
    openai.chat.completions.create(
      { model: "gpt-5-mini", temperature: 0.2, messages: messages(i) },
      { signal },
    );

  const client = plumbline(url);
  const wrapped = client.wrapOpenAI(sdk(), { use_case: USE_CASE });
  const policed = plumbline(url);
  const policedSdk = policed.wrapOpenAI(sdk());
  const dead = plumbline(NOWHERE);
  const deadSdk = dead.wrapOpenAI(sdk());

  const withPolicy = (its: Client, openai: OpenAI, i: number) =>
    its.withPolicy(USE_CASE, {
      vars: { ticket: `${i} ${TICKET}` },
      call: async ({ model, prompt, signal }) =>
        (
          await openai.chat.completions.create(
            { ...prompt.config, model, messages: prompt.messages({ ticket: `${i} ${TICKET}` }) },
            { signal },
          )
        ).choices[0]?.message.content ?? "",
    });

  const spans = new LangfuseSpanProcessor({ publicKey: "pk", secretKey: "sk", baseUrl: url });
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [spans] }));
  const langfuse = observeOpenAI(sdk());

  const cockatiel = wrap(
    retry(handleAll, { maxAttempts: 2, backoff: new ExponentialBackoff() }),
    circuitBreaker(handleAll, { halfOpenAfter: 15_000, breaker: new ConsecutiveBreaker(10) }),
    timeout(8_000, TimeoutStrategy.Aggressive),
  );
  return [
    { name: "bare_sdk", call: (i) => create(bare, i), close: nothing },
    {
      name: "wrap_openai",
      call: (i) => create(wrapped, i),
      close: async () => void (await client.close(1_000)),
    },
    { name: "langfuse_openai", call: (i) => create(langfuse, i), close: () => spans.shutdown() },
    { name: "with_policy", call: (i) => withPolicy(policed, bare, i), close: nothing },
    {
      name: "cockatiel",
      call: (i) => cockatiel.execute(({ signal }) => create(bare, i, signal)),
      close: nothing,
    },
    {
      name: "with_policy_and_wrap_openai",
      call: (i) => withPolicy(policed, policedSdk, i),
      close: async () => void (await policed.close(1_000)),
    },
    {
      name: "collector_and_registry_dead",
      call: (i) => withPolicy(dead, deadSdk, i),
      close: async () => void (await dead.close(0)),
    },
  ];
}
