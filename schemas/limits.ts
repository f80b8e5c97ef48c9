/** Limits that more than one process keeps to. */

/** How long the texts of a call are kept, days after its start; the time to live of table call_payloads. */
export const TEXTS_KEPT_DAYS = 30;

/**
 * Age from which on a reported start is taken for a wrong clock, days before the log accepted the call. A day less than
 * texts are kept, which is the longest that a call waits for its judge: what is stored can be judged.
 */
export const CALL_AGE_DAYS_MAX = TEXTS_KEPT_DAYS - 1;

/** How far a reported start may lie ahead of the log's acceptance, minutes; from there on it is taken for a wrong clock. */
export const CALL_AHEAD_MINUTES_MAX = 10;

/** Prompt versions of one tenant and use case that one writer takes in on a UTC day; a team deploys a few. */
export const VERSIONS_A_DAY_MAX = 100;

/** Stands for every version beyond that number. It is no version: nothing is compared with it. */
export const OVERFLOW_VERSION = "_overflow";

/** isVersion returns false for calls whose version is not known: untagged ones, and those beyond a day's number. */
export function isVersion(promptVersion: string): boolean {
  return promptVersion !== "" && promptVersion !== OVERFLOW_VERSION;
}

/** Use cases of one tenant that one writer takes in on a UTC day; a team has dozens. */
export const USE_CASES_A_DAY_MAX = 1_000;

/** Stands for every use case beyond that number. It is none: its calls are of many prompts, and nothing is measured of them. */
export const OVERFLOW_USE_CASE = "_overflow";

/** Stands for the monitor itself in incidents about its jobs. */
export const MONITOR_USE_CASE = "plumbline.monitor";
