import type { Attempt } from "@plumbline/emitter";
import type { Prompt } from "../prompt.ts";
import { attemptTokens, type Observed } from "../wrap/call-context.ts";
import { classifyObserved, type Failure, type FailureKind, failureOf } from "./failure.ts";
import type { Ladder, ModelRequest, Reply } from "./ladder.ts";
import { limited } from "./limited.ts";
import { isDegraded, type OutcomePath } from "./outcome.ts";
import { PolicyCall, type PolicyRuntime } from "./policy-call.ts";
import type { StreamOptions } from "./policy-options.ts";
import { failureFrom, isBad } from "./with-policy.ts";

/** A call whose answer has begun. */
export interface StreamOutcome {
  /**
   * The answer as it comes. What fails after its first text is thrown here: half an answer can't be taken back. The
   * event goes out when it ends, also when its reader leaves it.
   */
  readonly stream: AsyncIterable<string>;
  readonly path: OutcomePath;
  readonly reason: FailureKind | null;
  readonly is_degraded: boolean;
  readonly model: string | null;
  readonly attempts: readonly Attempt[];
  readonly prompt: Prompt;
  readonly call_id: string;
}

/** The rest of an answer, after its first text. */
interface Begun {
  readonly first: string;
  readonly rest: AsyncIterator<string> | null;
  readonly controller: AbortController;
  readonly ttftMs: number | null;
  /** What was seen of the request, once it has ended. */
  readonly seen: () => Observed | null;
  readonly end: () => void;
}

/**
 * As `withPolicy`, for answers that come in parts: until the first text every rung is tried, after it none. The
 * deadline and an attempt's time are those of the first text; between two texts an attempt's time may pass.
 *
 * @throws as `withPolicy`, and PromptUnavailableError without a prompt
 */
export async function streamWithPolicy(
  { policies: runtime }: { readonly policies: PolicyRuntime },
  useCase: string,
  options: StreamOptions,
): Promise<StreamOutcome> {
  const startedAt = performance.now();
  const prompt = await runtime.prompt(useCase, { conversationId: options.conversation_id ?? undefined });
  const call = new PolicyCall(runtime, prompt, options, startedAt);
  const fresh = await call.fresh();
  const ladder = call.ladder<Begun>((request) => askStream(call, request, options), whole);
  const cached = fresh === null ? null : { got: whole(fresh.text), path: fresh.path, model: null };
  const answered = cached ?? (await ladder.climb());
  if (answered === null) throw call.failed(ladder);
  const { path, model, got } = answered;
  return {
    stream: flow(call, got, { path, model, ladder, signal: options.signal }),
    path,
    reason: ladder.firstFailure?.kind ?? null,
    is_degraded: isDegraded(path),
    model,
    attempts: ladder.attempts,
    prompt,
    call_id: call.callId,
  };
}

function whole(text: string): Begun {
  const nothing = (): null => null;
  return {
    first: text,
    rest: null,
    controller: new AbortController(),
    ttftMs: null,
    seen: nothing,
    end: nothing,
  };
}

async function askStream(
  call: PolicyCall,
  request: ModelRequest,
  options: StreamOptions,
): Promise<Reply<Begun>> {
  const controller = new AbortController();
  const { sink, run, end } = call.open(request, controller.signal);
  let failure: Failure;
  try {
    const { first, rest } = await limited(
      () => run(async (given) => begin(await options.call(given))),
      request.limitMs,
      options.signal,
      controller,
    );
    if (first !== null) {
      const ttftMs = performance.now() - call.startedAt;
      return {
        kind: "answered",
        got: { first, rest, controller, ttftMs, seen: () => sink.last, end },
        observed: null,
      };
    }
    failure =
      sink.last !== null && isBad(sink.last)
        ? classifyObserved(sink.last, undefined, call.policy)
        : failureOf("invalid_output", "empty_output");
  } catch (error) {
    failure = failureFrom(error, call, sink.last);
  }
  end();
  return { kind: "failed", failure, observed: sink.last };
}

/** Waits for the first text that is not empty. */
async function begin(
  texts: AsyncIterable<string>,
): Promise<{ readonly first: string | null; readonly rest: AsyncIterator<string> }> {
  const rest = texts[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await rest.next();
    if (done === true) return { first: null, rest };
    if (value !== "") return { first: value, rest };
  }
}

async function* flow(
  call: PolicyCall,
  { first, rest, controller, ttftMs, seen, end }: Begun,
  of: {
    readonly path: OutcomePath;
    readonly model: string | null;
    readonly ladder: Ladder<Begun>;
    readonly signal: AbortSignal | undefined;
  },
): AsyncGenerator<string, void, undefined> {
  const { path, model, ladder, signal } = of;
  let text = first;
  /** Null once all of it was there; a reader that leaves never lets it get there. */
  let failure: Failure | null = failureOf("cancelled", "left");
  try {
    yield first;
    while (rest !== null) {
      const next = await limited(() => rest.next(), call.policy.attempt_timeout_ms, signal, controller);
      if (next.done === true) break;
      text += next.value;
      yield next.value;
    }
    const observed = seen();
    failure =
      observed !== null && isBad(observed) ? classifyObserved(observed, undefined, call.policy) : null;
    if (failure !== null) throw new Error(`the answer broke off: ${failure.error_type}`);
    call.store(text, path);
  } catch (error) {
    if (failure === null || failure.error_type === "left") failure = failureFrom(error, call, seen());
    throw failure.kind === "cancelled" ? (signal?.reason ?? error) : error;
  } finally {
    end();
    if (failure !== null) controller.abort();
    call.tell({
      path,
      status: failure?.status ?? "ok",
      error_type: failure === null ? null : failure.kind === "cancelled" ? null : "partial",
      latency_ms: performance.now() - call.startedAt,
      text,
      model,
      observed: seen(),
      attempts: withEnd(ladder.attempts, failure, seen()),
      ttft_ms: ttftMs,
    });
  }
}

/** The attempt that began the answer ends with it. */
function withEnd(
  attempts: readonly Attempt[],
  failure: Failure | null,
  observed: Observed | null,
): readonly Attempt[] {
  const last = attempts.at(-1);
  if (last === undefined || last.status !== "ok") return attempts;
  const ended = failure === null ? {} : { status: failure.status, error_type: failure.error_type };
  return [...attempts.slice(0, -1), { ...last, ...attemptTokens(observed?.usage), ...ended }];
}
