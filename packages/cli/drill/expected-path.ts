/**
 * Which rung of a policy has to answer when a failure is forced, told from the policy alone. It goes through the ladder as
 * the client's runtime does, with times for clocks.
 */
import { ATTEMPT_MS_MIN, timeShares } from "@plumbline/client/time-shares";
import type { DrillBranch, PolicyFile } from "@plumbline/schemas";

export type Scope = "primary" | "every_model";

export interface Expected {
  /** Any of them is right; the first is shown. */
  readonly paths: readonly string[];
  /** Most requests that reach the provider. */
  readonly requestsMax: number;
}

type Kind = "timeout" | "rate_limited" | "server_error" | "invalid_output" | "breaker_open";

/** What is forced by a branch that forces a failure of models. */
const KINDS: Partial<Record<DrillBranch, Kind>> = {
  timeout: "timeout",
  rate_limited: "rate_limited",
  server_error: "server_error",
  invalid_output: "invalid_output",
  // One failure opens the breaker; the retry finds it open.
  breaker_open: "server_error",
};
/** An answer that fails at once, ms. */
const QUICK_MS = 50;

/** @param model of the prompt, `provider/model` */
export function expectedOf(policy: PolicyFile, model: string, branch: DrillBranch, scope: Scope): Expected {
  const kind = KINDS[branch];
  if (kind === undefined) return { paths: ["primary"], requestsMax: 1 };
  // The wait before a retry is drawn by lot: both ends may be right.
  const ends = [0, 1].map((share) => climb(policy, model, kind, scope, share));
  const paths = [...new Set(ends.flatMap((end) => end.paths))];
  const requestsMax = Math.max(...ends.map((end) => end.requests));
  return { paths, requestsMax };
}

interface Climb {
  readonly paths: readonly string[];
  readonly requests: number;
}

/** @param jitter share of the longest wait before each retry, in [0, 1] */
function climb(policy: PolicyFile, model: string, forced: Kind, scope: Scope, jitter: number): Climb {
  const { attempt_timeout_ms, retry, breaker, fallback_models } = policy;
  const { ownMs, fallbackMs } = timeShares(policy);
  const failures = new Map<string, number>();
  const state = { at: 0, requests: 0, retries: 0, fallbacks: 0 };
  const remaining = (): number => ownMs + fallbackMs * state.fallbacks - state.at;

  /** @returns why it did not answer; null when it did */
  function ask(asked: string, isForced: boolean): Kind | null {
    const name = breaker.scope === "provider" ? (asked.split("/")[0] ?? asked) : asked;
    const failed = failures.get(name) ?? 0;
    if (failed >= breaker.failures) return "breaker_open";
    state.requests += 1;
    if (!isForced) return null;
    state.at += Math.min(forced === "timeout" ? attempt_timeout_ms : QUICK_MS, Math.max(0, remaining()));
    if (forced !== "invalid_output") failures.set(name, failed + 1);
    return forced;
  }

  let why = ask(model, true);
  while (why !== null) {
    const next = step(why);
    if (next === null) return { ...state, paths: lastRungs(policy, why) };
    if (next.why === null) return { ...state, paths: [next.path] };
    why = next.why;
  }
  return { ...state, paths: ["primary"] };

  function step(after: Kind): { readonly path: string; readonly why: Kind | null } | null {
    for (const rung of orderAfter(policy, after)) {
      if (rung === "retry" && state.fallbacks === 0 && state.retries < retry.max) {
        const wait = jitter * Math.min(retry.max_ms, retry.base_ms * 2 ** state.retries);
        if (wait > remaining() - ATTEMPT_MS_MIN) continue;
        state.retries += 1;
        state.at += wait;
        return { path: "retry", why: ask(model, true) };
      }
      if (rung !== "fallback_model") continue;
      const other = fallback_models[state.fallbacks];
      if (other === undefined) continue;
      state.fallbacks += 1;
      return { path: "fallback_model", why: ask(other.model, scope === "every_model") };
    }
    return null;
  }
}

function orderAfter({ retry, on_invalid_output }: PolicyFile, kind: Kind): readonly string[] {
  const on: readonly string[] = retry.on;
  if (kind === "invalid_output") {
    const isRetried = on.includes(kind) && !on_invalid_output.includes("retry");
    return isRetried ? ["retry", ...on_invalid_output] : on_invalid_output;
  }
  return on.includes(kind) ? ["retry", "fallback_model"] : ["fallback_model"];
}

/** What answers when no model does. Applications may bring a template, and a cache that outlives them, of their own. */
function lastRungs({ template, cache, on_invalid_output }: PolicyFile, why: Kind): readonly string[] {
  const isAllowed = why !== "invalid_output" || on_invalid_output.includes("template");
  const last = template !== null && isAllowed ? ["template"] : isAllowed ? ["error", "template"] : ["error"];
  return cache.mode === "off" ? last : [...last, "stale"];
}
