import { isVersion, OVERFLOW_USE_CASE } from "@plumbline/schemas";

/** Names with fewer calls than this on a day have to be taken in anew on the next one. */
const CARRIED_CALLS_MIN = 20;
/** Scopes remembered; beyond it the oldest is forgotten, and its names are taken in anew. */
const SCOPES_MAX = 5_000;

/** A version that the store has calls of, with their number, since some moment of the day. */
interface KnownVersion {
  readonly tenant: string;
  readonly use_case: string;
  readonly prompt_version: string;
  readonly calls: number;
}

interface Day {
  day: string;
  /** Calls by name. */
  names: Map<string, number>;
}

/**
 * Bounds how many names one scope takes in on a day.
 *
 * Days are those of the log's clock, so a replay meets the same days. What was taken in before a restart is loaded from
 * the store; a replay may still decide otherwise about a call than the run before it, which changes nothing: recovery
 * inserts only the offsets that are missing. Names that had calls yesterday come first, so that those which serve are
 * kept however many others begin after midnight.
 */
class NamesOfDay {
  readonly #max: number;
  readonly #scopes = new Map<string, Day>();

  /** @param max names of one scope a UTC day */
  constructor(max: number) {
    this.#max = max;
  }

  /** Takes in a name of which the store counted calls on the day of `now`, ISO 8601 UTC. */
  load(scope: string, name: string, calls: number, now: string): void {
    const { names } = this.#of(scope, now.slice(0, 10));
    const counted = names.get(name);
    if (counted !== undefined || names.size < this.#max) names.set(name, Math.max(counted ?? 0, calls));
  }

  /** Counts a call and returns false when its name is one too many today. @param at of the log, ISO 8601 UTC */
  takesIn(scope: string, name: string, at: string): boolean {
    const { names } = this.#of(scope, at.slice(0, 10));
    const calls = names.get(name);
    if (calls === undefined && names.size >= this.#max) return false;
    names.set(name, (calls ?? 0) + 1);
    return true;
  }

  #of(scope: string, day: string): Day {
    const known = this.#scopes.get(scope);
    if (known === undefined) {
      const begun: Day = { day, names: new Map() };
      this.#scopes.set(scope, begun);
      if (this.#scopes.size > SCOPES_MAX) this.#scopes.delete(this.#scopes.keys().next().value!);
      return begun;
    }
    // Latecomers of an earlier day, from another partition, count for the day at hand.
    if (day > known.day) {
      known.day = day;
      known.names = new Map(
        [...known.names].flatMap(([name, calls]) => (calls >= CARRIED_CALLS_MIN ? [[name, 0] as const] : [])),
      );
    }
    return known;
  }
}

/**
 * Bounds how many prompt versions one use case takes in on a day. An application that sends the hash of its rendered
 * prompt sends a new version with every call, and whoever counts by version would count to no end.
 */
export class VersionLimit {
  readonly #names: NamesOfDay;

  /** @param max versions of one tenant and use case a UTC day */
  constructor(max: number) {
    this.#names = new NamesOfDay(max);
  }

  /** Takes in what the store counted on the day of `now`, ISO 8601 UTC, beside what is known. */
  load(known: readonly KnownVersion[], now: string): void {
    for (const { tenant, use_case, prompt_version, calls } of known)
      if (isVersion(prompt_version)) this.#names.load(scopeOf(tenant, use_case), prompt_version, calls, now);
  }

  /** takesIn counts a call and returns false when its version is one too many today. @param at of the log, ISO 8601 UTC */
  takesIn(tenant: string, useCase: string, version: string, at: string): boolean {
    return this.#names.takesIn(scopeOf(tenant, useCase), version, at);
  }
}

/**
 * Bounds how many use cases one tenant takes in on a day. An application that puts an id into `use_case` makes a new one
 * with every call, and each would have its own baseline, alerts and pages.
 */
export class UseCaseLimit {
  readonly #names: NamesOfDay;

  /** @param max use cases of one tenant a UTC day */
  constructor(max: number) {
    this.#names = new NamesOfDay(max);
  }

  /** Takes in what the store counted on the day of `now`, ISO 8601 UTC, beside what is known. */
  load(known: readonly KnownVersion[], now: string): void {
    const calls = new Map<string, number>();
    for (const row of known) {
      const key = scopeOf(row.tenant, row.use_case);
      calls.set(key, (calls.get(key) ?? 0) + row.calls);
    }
    for (const { tenant, use_case } of known)
      if (use_case !== OVERFLOW_USE_CASE)
        this.#names.load(tenant, use_case, calls.get(scopeOf(tenant, use_case)) ?? 0, now);
  }

  /** takesIn counts a call and returns false when its use case is one too many today. @param at of the log, ISO 8601 UTC */
  takesIn(tenant: string, useCase: string, at: string): boolean {
    return useCase !== OVERFLOW_USE_CASE && this.#names.takesIn(tenant, useCase, at);
  }
}

function scopeOf(tenant: string, useCase: string): string {
  return JSON.stringify([tenant, useCase]);
}
