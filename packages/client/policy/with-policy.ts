import { uuidV7 } from "@plumbline/emitter";
import { whyInvalid, type Validator } from "../validators/validator.ts";
import type { Observed } from "../wrap/call-context.ts";
import type { Prompt } from "../prompt.ts";
import type { TokenUsage } from "@plumbline/emitter/token-usage";
import { classifyError, classifyObserved, type Failure, failureOf } from "./failure.ts";
import type { Answered, Ladder, ModelRequest, Reply } from "./ladder.ts";
import { Ended, limited } from "./limited.ts";
import { CallFailedError, type Outcome } from "./outcome.ts";
import { PolicyCall, type PolicyRuntime, templateOf } from "./policy-call.ts";
import type { CallAnswer, PolicyOptions, SharedOptions } from "./policy-options.ts";
import { resolvePolicy } from "./policy.ts";

/**
 * Answers one request of a user by the policy of its use case, and tells of it in one event.
 *
 * @throws CallFailedError when every rung was tried in vain; the provider's own error when the request is wrong (other
 * 4xx); the signal's reason when the caller aborts
 */
export async function withPolicy(
  runtime: PolicyRuntime,
  useCase: string,
  options: PolicyOptions,
): Promise<Outcome> {
  const startedAt = performance.now();
  let prompt: Prompt;
  try {
    prompt = await runtime.prompt(useCase, { conversationId: options.conversation_id ?? undefined });
  } catch (error) {
    return withoutPrompt(runtime, useCase, options, startedAt, error);
  }
  const call = new PolicyCall(runtime, prompt, options, startedAt);
  const fresh = await call.fresh();
  if (fresh !== null) return call.answered(fresh.text, { ...fresh, model: null, observed: null }, null);
  const validators = validatorsOf(prompt, options);
  const climb = async (): Promise<Climbed> => {
    const ladder = call.ladder<string>(
      (request) => askText(call, request, options, validators),
      (text) => text,
    );
    const answered = await ladder.climb();
    if (answered !== null) call.store(answered.got, answered.path);
    return { ladder, answered };
  };
  const played = await call.once(climb);
  if (played !== null && !played.isOwn && isShared(played.result.answered)) {
    const shared = { path: "cached_exact", model: null, observed: null, ageMs: 0 } as const;
    return call.answered(played.result.answered.got, shared, null);
  }
  // What became of somebody else's call, when it is no such answer, is not this one's.
  const { ladder, answered } = played?.isOwn === true ? played.result : await climb();
  if (answered === null) throw call.failed(ladder);
  return call.answered(answered.got, answered, ladder);
}

interface Climbed {
  readonly ladder: Ladder<string>;
  readonly answered: Answered<string> | null;
}

/** Whether others who asked the same meanwhile may have this answer. */
function isShared(answered: Answered<string> | null): answered is Answered<string> {
  return answered !== null && (answered.path === "primary" || answered.path === "retry");
}

async function askText(
  call: PolicyCall,
  request: ModelRequest,
  options: PolicyOptions,
  validators: readonly Validator[],
): Promise<Reply<string>> {
  const controller = new AbortController();
  const { sink, run, end } = call.open(request, controller.signal);
  const startedAt = performance.now();
  let isMade = false;
  try {
    const made = await limited(
      () => run(async (given) => options.call(given)),
      request.limitMs,
      options.signal,
      controller,
    );
    isMade = true;
    const { text, observed } = readAnswer(made, sink.last, request);
    if (observed !== null && isBad(observed))
      return { kind: "failed", failure: classifyObserved(observed, undefined, call.policy), observed };
    const leftMs = Math.max(0, request.limitMs - (performance.now() - startedAt));
    const reason =
      text.trim() === ""
        ? "empty_output"
        : validators.length === 0
          ? null
          : await limited(() => whyInvalid(text, validators), leftMs, options.signal);
    if (reason !== null) return { kind: "failed", failure: failureOf("invalid_output", reason), observed };
    return { kind: "answered", got: text, observed };
  } catch (error) {
    const isLate = error instanceof Ended && error.name === "TimeoutError";
    // A text that is not known to be valid is not returned; the model that wrote it was in time.
    const failure =
      isMade && isLate
        ? failureOf("invalid_output", "validator_timeout", { error })
        : failureFrom(error, call, sink.last);
    return { kind: "failed", failure, observed: isLate && !isMade ? null : sink.last };
  } finally {
    end();
  }
}

/** What the application's code threw, or what ended it. */
export function failureFrom(error: unknown, call: PolicyCall, observed: Observed | null): Failure {
  return error instanceof Ended
    ? failureOf(error.name === "TimeoutError" ? "timeout" : "cancelled", undefined, { error })
    : classifyError(error, observed, call.policy);
}

/** What was seen of a request makes its answer unusable, whatever the application's code made of it. */
export function isBad({ status }: Observed): boolean {
  return status !== "ok" && status !== "cancelled";
}

/** Of a request that no instrumented `fetch` saw. */
const NOTHING_SEEN = {
  provider: "",
  status: "ok",
  error_type: null,
  http_status: null,
  retry_after_ms: null,
  latency_ms: 0,
  ttft_ms: null,
  input: null,
} as const;

function readAnswer(
  made: string | CallAnswer,
  seen: Observed | null,
  { model }: ModelRequest,
): { readonly text: string; readonly observed: Observed | null } {
  if (typeof made === "string") return { text: made, observed: seen };
  const {
    text,
    response_model = null,
    input_tokens = null,
    cached_input_tokens = null,
    cache_write_input_tokens = null,
    output_tokens = null,
    reasoning_output_tokens = null,
  } = made;
  const usage: TokenUsage = {
    input_tokens,
    cached_input_tokens,
    cache_write_input_tokens,
    output_tokens,
    reasoning_output_tokens,
  };
  return {
    text,
    observed: seen ?? {
      ...NOTHING_SEEN,
      model,
      response_model,
      usage: input_tokens === null && output_tokens === null ? null : usage,
      output: text,
    },
  };
}

function validatorsOf({ output }: Prompt, { validate = [] }: PolicyOptions): readonly Validator[] {
  const own = [validate].flat() as readonly Validator[];
  return output?.format === "json" ? [isJson, ...own] : own;
}

function isJson(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch {
    return "not_json";
  }
}

/** There is no prompt, so no model can be asked; a template can still answer. */
function withoutPrompt(
  runtime: PolicyRuntime,
  useCase: string,
  options: SharedOptions,
  startedAt: number,
  error: unknown,
): Outcome {
  const text = templateOf(resolvePolicy(options.policy ?? null), options, runtime.warn);
  const said = {
    reason: "prompt_unavailable",
    attempts: [],
    latency_ms: performance.now() - startedAt,
    call_id: uuidV7(runtime.now()),
  } as const;
  const { reason, latency_ms, call_id } = said;
  runtime.emit({
    call_id,
    use_case: useCase,
    conversation_id: options.conversation_id,
    attributes: options.attributes,
    model: "none",
    ...(text === null
      ? { path: "error", status: "error", error_type: reason }
      : { path: "template", status: "ok", error_type: null }),
    latency_ms,
    input: options.input,
    output: text,
  });
  if (text === null) throw new CallFailedError(useCase, { ...said, status: "error", cause: error });
  return { ...said, text, path: "template", is_degraded: true, model: null, age_ms: null, prompt: null };
}
