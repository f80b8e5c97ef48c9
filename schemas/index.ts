/**
 * Every shape that crosses a process boundary. One word has one meaning, here and everywhere:
 *
 * - *call*: one request of a user to a prompt, with its final outcome; *attempt*: one request to a provider inside a call.
 * - *verdict*: one judge's assessment of one call on one criterion; *unit*: one judged conversation, which the statistics
 * count.
 * - *series*: the units that compare, of one tenant, environment, use case, criterion, rubric and judge.
 * - *baseline*: the frozen reference of a version; *watch*: a version that is compared with its baseline, hour by hour.
 * - *stream*: all units of a watch, or those of one slice; *slice*: a named predicate over inputs, such as `mentions_money`.
 * - *finding*: what a test found about a version; *detection*: the finding as the monitor asserts it, with its evidence.
 * - *incident*: what people handle, folded from detections and from what people did.
 * - *incumbent*, *candidate*: the two versions compared; *reference*, *current*: the two windows of drift.
 */
export { counted } from "./counted.ts";
export { plainWords, REQUIRED } from "./plain-words.ts";
export * from "./events/llm-call.ts";
export * from "./events/dead-letter.ts";
export * from "./events/repair-call.ts";
export * from "./events/verdict.ts";
export * from "./events/feedback.ts";
export { instant } from "./events/instant.ts";
export * from "./events/detection/index.ts";
export * from "./events/detection/incident-event.ts";
export * from "./events/erasure-event.ts";
export * from "./events/key-event.ts";
export * from "./registry/registry-canary.ts";
export * from "./registry/registry-drill.ts";
export * from "./registry/registry-event.ts";
export * from "./registry/registry-fleet.ts";
export * from "./files/config.ts";
export * from "./files/eval-case.ts";
export * from "./files/policy.ts";
export * from "./files/prompt.ts";
export * from "./files/rubric.ts";
export * from "./http/problem.ts";
export * from "./http/calls.ts";
export * from "./http/dead-letters.ts";
export * from "./http/erasures.ts";
export * from "./http/incidents.ts";
export * from "./http/keys.ts";
export * from "./registry/registry-http.ts";
export * from "./registry/fleet-http.ts";
export { RollbackIncident } from "./events/detection/parts.ts";
export * from "./limits.ts";
export { clip } from "./clip-text.ts";
export { sliceLabel } from "./slice-labels.ts";
export { DAY_MS, HOUR_MS, MINUTE_MS } from "./time.ts";
export { type ClockChange, clockChanges, isTimeZone, zoneOffsetMs } from "./time-zone.ts";
export * from "./topics.ts";
