/** What a call event says about models: one entry a provider request. */
import { z } from "zod";
import type { Attempt } from "./model-windows.ts";

/** A call as far as it concerns models; whatever else it says is not looked at. */
export const ModelCall = z.object({
  env: z.string().default("production"),
  started_at: z.string(),
  latency_ms: z.number().nonnegative().default(0),
  provider: z.string().nullish(),
  model: z.string(),
  path: z.string().default("primary"),
  status: z.string(),
  error_type: z.string().nullish(),
  app: z.string().default(""),
  emitter_id: z.string().nullish(),
  attempts: z
    .array(
      z.object({
        provider: z.string().nullish(),
        model: z.string(),
        status: z.string(),
        error_type: z.string().nullish(),
      }),
    )
    .default([]),
});
type ModelCall = z.output<typeof ModelCall>;

/** Answered without a request of its own. */
const WITHOUT_REQUEST: ReadonlySet<string> = new Set([
  "cached_exact",
  "cached_semantic",
  "stale",
  "template",
]);
/** The provider answered, whatever the answer was worth. */
const ANSWERED: ReadonlySet<string> = new Set(["ok", "invalid_output", "refused"]);
/** No request was made, or a drill forced what became of it. */
const NO_REQUEST: ReadonlySet<string> = new Set([
  "breaker_open",
  "switched_off",
  "prompt_unavailable",
  "no_time",
  "injected",
]);
/** Statuses of a provider in trouble, and connections that broke. Any other error may be the application's own. */
const PROVIDER_FAILED =
  /^(?:http_(?:408|429|5\d\d)|network|server_error|overloaded_error|malformed_answer|no_body|e(?:conn|pipe|host|net|notfound|ai_|timedout)[a-z_]*|und_err_[a-z_]+)$/i;
const ENV = /^[a-z][a-z0-9-]{0,31}$/;
const MODEL = /^[\x21-\x7e]{1,200}$/;

/** The attempts that tell whether a provider works. A request that was wrong, or was cancelled, tells nothing. */
export function attemptsOf(call: ModelCall): readonly Attempt[] {
  const { env, provider, path, app, emitter_id } = call;
  if (!ENV.test(env)) return [];
  const made = call.attempts.length > 0 ? call.attempts : WITHOUT_REQUEST.has(path) ? [] : [call];
  return made.flatMap(({ model, status, error_type, ...attempt }) => {
    const isFailure = readOutcome(status, error_type ?? null);
    const name = nameOf(model, attempt.provider ?? (call.model === model ? provider : null));
    return isFailure === null || !MODEL.test(name)
      ? []
      : [{ env, model: name, emitter: emitter_id ?? app, isFailure }];
  });
}

/** @returns null when it says nothing about the provider */
function readOutcome(status: string, errorType: string | null): boolean | null {
  if (errorType !== null && NO_REQUEST.has(errorType)) return null;
  if (ANSWERED.has(status)) return false;
  if (status === "timeout" || status === "rate_limited") return true;
  return status === "error" && errorType !== null && PROVIDER_FAILED.test(errorType) ? true : null;
}

/** As policies name it: `provider/model`, where the provider is known. */
function nameOf(model: string, provider: string | null | undefined): string {
  return provider == null || provider === "" || model.includes("/") ? model : `${provider}/${model}`;
}
