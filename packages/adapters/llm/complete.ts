/** Sends a rendered prompt to a model, as an application would, and returns its text. */
import type { ExternalError } from "@plumbline/ports";
import type { Usage } from "./price.ts";
import { createProvider, KNOWN_QUESTION, type ProviderOptions } from "./provider.ts";
import { subjectOf, type Message, type WireAnswer } from "./wire.ts";

export interface CompletionRequest {
  /** The provider's own name of the model, without `provider/`. */
  readonly model: string;
  readonly messages: readonly Message[];
  /** Sent as it is: temperature, max_tokens, … */
  readonly config: Readonly<Record<string, unknown>>;
  /** Absent for plain text. */
  readonly output?: { readonly format: "json"; readonly schema?: unknown } | undefined;
}

interface Completion {
  readonly text: string;
  /** Why there is no whole answer: the model refused, a filter stopped it, it is empty or cut. Null for a whole one. */
  readonly lack: string | null;
  /** Null when the provider does not say. */
  readonly usage: Usage | null;
  /** Of the request that was answered, without retries and waits. */
  readonly latency_ms: number;
}

/** @throws ExternalError when the provider does not answer, limits us, refuses the key or the request */
export type Complete = (
  request: CompletionRequest,
  options: { readonly signal: AbortSignal },
) => Promise<Completion>;

/** Anthropic wants a limit; a prompt file that sets none gets this one. */
const ANTHROPIC_MAX_TOKENS = 4096;

export function createCompletion(options: ProviderOptions): Complete {
  const provider = createProvider(options);
  const bodyOf = provider.style === "openai" ? openAiBody : anthropicBody;

  return async (request, { signal }) => {
    const sentAt = provider.now();
    const reply = await provider.post(bodyOf({ ...request, config: withoutStream(request.config) }), signal);
    if (reply.kind === "answer") {
      const { answer, latencyMs } = reply;
      return { text: answer.text, lack: lackOf(answer), usage: answer.usage, latency_ms: latencyMs };
    }
    if (subjectOf(reply) === "content")
      return { text: "", lack: `the provider's filter: ${reply.sentence}`, usage: null, latency_ms: 0 };
    const known = {
      model: request.model,
      messages: KNOWN,
      ...(provider.style === "anthropic" && { max_tokens: ANTHROPIC_MAX_TOKENS }),
    };
    // What the prompt file asks for is part of the prompt: it is refused, never left out.
    const error: ExternalError = await provider.meaningOf(reply, sentAt, known, signal);
    throw error;
  };
}

const KNOWN: readonly Message[] = [{ role: "user", content: KNOWN_QUESTION }];

/** An answer that isn't there holds against every `not-contains`, and says nothing about the prompt. */
function lackOf({ ended, text, refusal }: WireAnswer): string | null {
  if (ended === "refused") return `the model refused to answer${refusal === undefined ? "" : `: ${refusal}`}`;
  if (ended === "filtered") return "the provider's content filter stopped the answer";
  if (text.trim() !== "") return null;
  return ended === "length" ? "the model spent its output tokens before it answered" : "the answer is empty";
}

/** How an answer is delivered does not change it, and here it is read whole. */
function withoutStream({
  stream: _stream,
  stream_options: _options,
  ...config
}: CompletionRequest["config"]): CompletionRequest["config"] {
  return config;
}

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
