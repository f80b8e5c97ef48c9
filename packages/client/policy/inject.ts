import { type Failure, type FailureKind, failureOf } from "./failure.ts";

/** A failure that is forced without asking a provider; events say `injected` for it. */
export type InjectedKind = Exclude<FailureKind, "client_error" | "cancelled" | "prompt_unavailable">;

/**
 * What to force: a failure of the prompt's own model, at every attempt, so that a fallback answers; with `scope: "all"`
 * of every model, so that the cache or the template does.
 */
export type Injection = InjectedKind | { readonly failure: InjectedKind; readonly scope: "primary" | "all" };

/** injected returns the failure that is to be forced on a model, or null. */
export function injected(injection: Injection | undefined, isPrimary: boolean): Failure | null {
  if (injection === undefined) return null;
  const { failure, scope } =
    typeof injection === "string" ? { failure: injection, scope: "primary" as const } : injection;
  return isPrimary || scope === "all" ? failureOf(failure, "injected") : null;
}
