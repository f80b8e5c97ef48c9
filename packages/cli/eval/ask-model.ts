/** One answer of one version to one case: from the cache, or from the provider when the budget allows it. */
import { addressOf, ExternalError, type Clock } from "@plumbline/ports";
import { type EvalCase, type PromptDocument, renderPrompt } from "@plumbline/prompts";
import { z } from "zod";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import { printableLine } from "../text/printable.ts";
import type { AnswerCache } from "./answer-cache.ts";
import type { Budget } from "./budget.ts";
import type { Provider } from "./provider.ts";

/** An answer that isn't there is never kept: the next run asks again. */
const CachedAnswer = z.object({
  text: z.string().regex(/\S/),
  usage: z
    .object({
      input_tokens: z.number(),
      cached_input_tokens: z.number(),
      cache_write_input_tokens: z.number().default(0),
      output_tokens: z.number(),
    })
    .nullable(),
  latency_ms: z.number(),
});

type ModelAnswer =
  | {
      readonly kind: "answered";
      readonly text: string;
      /** What such an answer costs, also when it came from the cache; null when the price is unknown. */
      readonly cost_usd: number | null;
      /** As measured when it was made, ms. */
      readonly latency_ms: number;
      readonly is_cached: boolean;
    }
  /** The model was asked and gave no answer: it refused, was filtered, or said nothing. */
  | {
      readonly kind: "unanswered";
      readonly reason: string;
      readonly cost_usd: number | null;
      readonly latency_ms: number;
    }
  | { readonly kind: "failed"; readonly reason: string }
  /** The budget was in the way. */
  | { readonly kind: "not_asked" };

export interface AskDeps {
  readonly cache: AnswerCache;
  readonly budget: Budget;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

interface Question {
  readonly prompt_version: string;
  readonly document: PromptDocument;
  readonly case: EvalCase;
  /** From 0. */
  readonly repeat: number;
}

/** Answers that no limit bounds are taken to be this long, tokens. */
const OUTPUT_TOKENS_ASSUMED = 4_096;
/** Rounds of waiting for a provider that limits us, beside the short retries of each request. */
const LIMITED_ROUNDS_MAX = 6;
const LIMITED_WAIT_MS = 5_000;
const LIMITED_WAIT_MS_MAX = 120_000;
/** Failures one after the other, with no answer in between, that mean that the provider is down. */
const FAILURES_MAX = 5;

/** @throws CommandFailure exit code 5 when the provider refuses the key, or nothing but failures comes */
export function createAsk({
  cache,
  budget,
  clock,
  signal,
}: AskDeps): (provider: Provider, question: Question) => Promise<ModelAnswer> {
  let failures = 0;
  /** When a provider that limits us may be asked again, by its name, ms since the epoch. */
  const pausedUntil = new Map<string, number>();

  return async (provider, { prompt_version, document, case: evalCase, repeat }) => {
    const rendered = renderPrompt(document, evalCase.vars);
    if (rendered.kind === "invalid") return { kind: "failed", reason: rendered.problems.join("; ") };
    const request = {
      model: provider.model,
      messages: rendered.messages,
      config: document.config,
      output: document.output,
    };
    const key = { prompt_version, url: provider.url, request, repeat };
    const cached = await cache.get(key, CachedAnswer);
    if (cached !== null) {
      const { text, usage, latency_ms } = cached;
      return { kind: "answered", text, cost_usd: provider.costOf(usage), latency_ms, is_cached: true };
    }

    const worst =
      provider.costOf({
        // A token is at least one byte.
        input_tokens: Buffer.byteLength(JSON.stringify(request.messages)),
        cached_input_tokens: 0,
        cache_write_input_tokens: 0,
        output_tokens: outputTokensMax(document),
      }) ?? 0;
    if (!(await budget.reserve(worst))) return { kind: "not_asked" };
    let cost: number | null = 0;
    try {
      const { text, lack, usage, latency_ms } = await patiently(provider, () =>
        provider.complete(request, { signal }),
      );
      failures = 0;
      cost = provider.costOf(usage);
      if (lack !== null) return { kind: "unanswered", reason: lack, cost_usd: cost, latency_ms };
      await cache.put(key, { text, usage, latency_ms });
      return { kind: "answered", text, cost_usd: cost, latency_ms, is_cached: false };
    } catch (error) {
      if (!(error instanceof ExternalError) || signal.aborted) throw error;
      // What is said about one request says nothing about the provider.
      if (error.retryable) failures += 1;
      if (error.code === "external_refused" || failures >= FAILURES_MAX)
        throw unusable(provider, error, cache.isKept);
      return { kind: "failed", reason: `${provider.name}: ${error.message}` };
    } finally {
      budget.settle(worst, cost, document.model);
    }
  };

  /** Waits as long as the provider says, all requests together: one that is refused costs a try of its own. */
  async function patiently<Value>({ name }: Provider, ask: () => Promise<Value>): Promise<Value> {
    for (let round = 1; ; round++) {
      const pause = (pausedUntil.get(name) ?? 0) - clock.now();
      if (pause > 0) await clock.sleep(pause, signal);
      signal.throwIfAborted();
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof ExternalError) || error.code !== "external_rate_limited") throw error;
        const wait = error.retryAfterMs ?? LIMITED_WAIT_MS * round;
        if (round >= LIMITED_ROUNDS_MAX || wait > LIMITED_WAIT_MS_MAX) throw error;
        pausedUntil.set(name, clock.now() + wait);
      }
    }
  }
}

function outputTokensMax({ config }: PromptDocument): number {
  const limit = config["max_tokens"] ?? config["max_completion_tokens"];
  return typeof limit === "number" ? limit : OUTPUT_TOKENS_ASSUMED;
}

function unusable({ name, url, variables }: Provider, error: ExternalError, isKept: boolean): CommandFailure {
  const kept = isKept ? " Answers so far are kept in the cache." : "";
  return new CommandFailure(
    EXIT.unavailable,
    "provider-unavailable",
    `${name} at ${addressOf(url)} does not answer: ${printableLine(error.message)}.${kept}`,
    {
      cause: error,
      next: `check ${variables}_URL and _KEY and the model's name, then run the same command again`,
    },
  );
}
