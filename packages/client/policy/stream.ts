/** Policies for answers that come in parts. */
export { streamWithPolicy, type StreamOutcome } from "./stream-with-policy.ts";
export type { StreamOptions } from "./policy-options.ts";
