/** Sends a rendered prompt to a model, as an application would, and returns its text. */
import { ExternalError, type Clock } from "@plumbline/ports";
import { z } from "zod";
import type { Usage } from "./price.ts";
import { postJson } from "./request.ts";
import { AnthropicUsage, anthropicUsage, OpenAiUsage, openAiUsage } from "./usage.ts";

export interface CompletionRequest {
  /** The provider's own name of the model, without `provider/`. */
  readonly model: string;
  readonly messages: readonly {
    readonly role: "system" | "user" | "assistant";
    readonly content: string;
  }[];
  /** Sent as it is: temperature, max_tokens, … */
  readonly config: Readonly<Record<string, unknown>>;
  /** Absent for plain text. */
  readonly output?: { readonly format: "json"; readonly schema?: unknown } | undefined;
}

interface Completion {
  /** Empty when the model refused or a filter stopped it: an answer too, and the asserts decide. */
  readonly text: string;
  /** Null when the provider does not say. */
  readonly usage: Usage | null;
  /** Latency of the request that was answered, without retries and waits. */
  readonly latency_ms: number;
}

/** @throws ExternalError when the provider does not answer, limits us, refuses the key or the request */
export type Complete = (
  request: CompletionRequest,
  options: { readonly signal: AbortSignal },
) => Promise<Completion>;

interface CompletionOptions {
  /** `anthropic`: the messages endpoint; `openai`: chat completions, which most servers speak. */
  readonly style: "openai" | "anthropic";
  /** For openai up to and including the version, such as https://api.openai.com/v1; for anthropic without it. */
  readonly baseUrl: string;
  /** Absent for local servers that ask for none. */
  readonly apiKey?: string | undefined;
  readonly clock: Clock;
  /** Longest wait for one answer, ms. */
  readonly timeoutMs: number;
  /** Uniform in [0,1), for the jitter of retries. */
  readonly random?: () => number;
}

/** Anthropic wants a limit; a prompt file that sets none gets this one. */
const ANTHROPIC_MAX_TOKENS = 4096;
const API_VERSION = "2023-06-01";

export function createCompletion(options: CompletionOptions): Complete {
  const { style, apiKey, clock, timeoutMs } = options;
  const random = options.random ?? Math.random;
  const base = options.baseUrl.replace(/\/+$/, "");
  const url = style === "openai" ? `${base}/chat/completions` : `${base}/v1/messages`;
  const headers: Record<string, string> =
    style === "openai"
      ? apiKey === undefined
        ? {}
        : { authorization: `Bearer ${apiKey}` }
      : { "anthropic-version": API_VERSION, ...(apiKey === undefined ? {} : { "x-api-key": apiKey }) };
  const bodyOf = style === "openai" ? openAiBody : anthropicBody;
  const read = style === "openai" ? readChatCompletion : readMessage;

  return async (request, { signal }) => {
    const body = bodyOf({ ...request, config: withoutStream(request.config) });
    const reply = await postJson({ url, headers, body }, { clock, timeoutMs, signal, random });
    if (reply.kind === "ok") return { ...read(reply.body), latency_ms: reply.latencyMs };
    const why = Refusal.safeParse(reply.body).data?.error.message ?? "the request was refused";
    throw new ExternalError("external_invalid_response", `HTTP ${reply.status}: ${why.slice(0, 300)}`);
  };
}

/** Drops the settings of streaming: the answer is read whole. */
function withoutStream({
  stream: _stream,
  stream_options: _options,
  ...config
}: CompletionRequest["config"]): CompletionRequest["config"] {
  return config;
}

const Refusal = z.object({ error: z.object({ message: z.string() }) });

function openAiBody({ model, messages, config, output }: CompletionRequest): object {
  const format =
    output === undefined || "response_format" in config
      ? {}
      : {
          response_format:
            output.schema === undefined
              ? { type: "json_object" }
              : { type: "json_schema", json_schema: { name: "answer", schema: output.schema } },
        };
  return { model, messages, ...format, ...config };
}

function anthropicBody({ model, messages, config, output }: CompletionRequest): object {
  const system = messages.filter(({ role }) => role === "system").map(({ content }) => content);
  const format =
    output?.schema === undefined || "output_config" in config
      ? {}
      : { output_config: { format: { type: "json_schema", schema: output.schema } } };
  return {
    model,
    max_tokens: ANTHROPIC_MAX_TOKENS,
    ...(system.length > 0 && { system: system.join("\n\n") }),
    messages: messages.filter(({ role }) => role !== "system"),
    ...format,
    ...config,
  };
}

const ChatCompletion = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullish() }) })).min(1),
  usage: OpenAiUsage,
});

function readChatCompletion(body: unknown): Omit<Completion, "latency_ms"> {
  const parsed = ChatCompletion.safeParse(body);
  if (!parsed.success) {
    throw new ExternalError("external_invalid_response", "the answer is not a chat completion");
  }
  const { choices, usage } = parsed.data;
  return { text: choices[0]!.message.content ?? "", usage: openAiUsage(usage) };
}

const Message = z.object({
  content: z.array(z.object({ type: z.string(), text: z.string().optional() })),
  usage: AnthropicUsage,
});

function readMessage(body: unknown): Omit<Completion, "latency_ms"> {
  const parsed = Message.safeParse(body);
  if (!parsed.success) throw new ExternalError("external_invalid_response", "the answer is not a message");
  const { content, usage } = parsed.data;
  return { text: content.map((block) => block.text ?? "").join(""), usage: anthropicUsage(usage) };
}
