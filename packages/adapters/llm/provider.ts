/**
 * One model behind one address. Judge, eval and replay ask through this, so that a shape or a refusal that one of them
 * has learnt to read is read by all.
 */
import { ExternalError, type Clock } from "@plumbline/ports";
import { anthropicWire } from "./anthropic-wire.ts";
import { openAiWire } from "./openai-wire.ts";
import { postJson, type Reply } from "./request.ts";
import { type Address, type Refused, subjectOf } from "./wire.ts";

export interface ProviderOptions extends Address {
  /** `anthropic`: the messages endpoint; `openai`: chat completions, which most servers speak. */
  readonly style: "openai" | "anthropic";
  readonly clock: Clock;
  /** Longest wait for one answer, ms. */
  readonly timeoutMs: number;
  /** Uniform in [0,1), for the jitter of retries. */
  readonly random?: (() => number) | undefined;
}

export interface LlmProvider {
  readonly style: ProviderOptions["style"];
  /** @throws ExternalError when the provider stays unreachable or limits us */
  post(body: object, signal: AbortSignal): Promise<Reply>;
  /**
   * What a refusal means, found out where it does not say: a refusal speaks about its request unless the key or the
   * endpoint is named, or a request that any model answers is refused too.
   *
   * @param sentAt monotonic ms at which the refused request was sent: one that was answered since is proof enough
   * @param known a body that this model has to answer
   */
  meaningOf(refused: Refused, sentAt: number, known: object, signal: AbortSignal): Promise<ExternalError>;
  /** Monotonic, ms. */
  now(): number;
}

/** Answered by every model that is there. */
export const KNOWN_QUESTION = "Reply with the word ok.";

export function createProvider(options: ProviderOptions): LlmProvider {
  const { clock, timeoutMs, random = Math.random, style } = options;
  const wire = style === "openai" ? openAiWire(options) : anthropicWire(options);
  let answeredAt = -Infinity;

  async function post(body: object, signal: AbortSignal): Promise<Reply> {
    const reply = await postJson(wire, body, { clock, timeoutMs, signal, random });
    if (reply.kind === "answer") answeredAt = clock.monotonic();
    return reply;
  }

  async function meaningOf(
    refused: Refused,
    sentAt: number,
    known: object,
    signal: AbortSignal,
  ): Promise<ExternalError> {
    const subject = subjectOf(refused);
    const ofRequest = new ExternalError(
      "external_invalid_response",
      `the provider refused the request: ${refused.sentence}`,
    );
    if (subject === "content" || subject === "length" || subject === "parameter") return ofRequest;
    if (refused.status !== 401) {
      if (answeredAt >= sentAt) return ofRequest;
      const probe = await post(known, signal);
      if (probe.kind === "answer") return ofRequest;
    }
    const what =
      subject === "key"
        ? "key"
        : subject === "endpoint"
          ? "address and the model"
          : "address, the key and the model";
    return new ExternalError("external_refused", `${refused.sentence}; check the ${what}`);
  }

  return { style, post, meaningOf, now: () => clock.monotonic() };
}
