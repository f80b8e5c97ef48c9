import { isVersion } from "@plumbline/schemas";

/** Versions with fewer calls than this on a day have to be taken in anew on the next one. */
const CARRIED_CALLS_MIN = 20;
/** Tenants and use cases remembered; beyond it the oldest is forgotten, and its versions are taken in anew. */
const USE_CASES_MAX = 5_000;

/** A version that the store has calls of, with their number, since some moment of the day. */
export interface KnownVersion {
  readonly tenant: string;
  readonly use_case: string;
  readonly prompt_version: string;
  readonly calls: number;
}

interface Day {
  day: string;
  /** Calls by version. */
  versions: Map<string, number>;
}

/**
 * Bounds how many prompt versions one use case takes in on a day. An application that sends the hash of its rendered
 * prompt sends a new version with every call, and whoever counts by version would count to no end.
 *
 * Days are those of the log's clock, so a replay meets the same days. What was taken in before a restart is loaded from
 * the store; a replay may still decide otherwise about a call than the run before it, which changes nothing: recovery
 * inserts only the offsets that are missing. Versions that had calls yesterday come first, so that those which serve
 * keep their names however many others begin after midnight.
 */
export class VersionLimit {
  readonly #max: number;
  readonly #useCases = new Map<string, Day>();

  /** @param max versions of one tenant and use case a UTC day */
  constructor(max: number) {
    this.#max = max;
  }

  /** Takes in what the store counted on the day of `now`, ISO 8601 UTC, beside what is known. */
  load(known: readonly KnownVersion[], now: string): void {
    for (const { tenant, use_case, prompt_version, calls } of known) {
      if (!isVersion(prompt_version)) continue;
      const { versions } = this.#of(tenant, use_case, now.slice(0, 10));
      const counted = versions.get(prompt_version);
      if (counted !== undefined || versions.size < this.#max)
        versions.set(prompt_version, Math.max(counted ?? 0, calls));
    }
  }

  /** takesIn counts a call and returns false when its version is one too many today. @param at of the log, ISO 8601 UTC */
  takesIn(tenant: string, useCase: string, version: string, at: string): boolean {
    const { versions } = this.#of(tenant, useCase, at.slice(0, 10));
    const calls = versions.get(version);
    if (calls === undefined && versions.size >= this.#max) return false;
    versions.set(version, (calls ?? 0) + 1);
    return true;
  }

  #of(tenant: string, useCase: string, day: string): Day {
    const key = JSON.stringify([tenant, useCase]);
    const known = this.#useCases.get(key);
    if (known === undefined) {
      const begun: Day = { day, versions: new Map() };
      this.#useCases.set(key, begun);
      if (this.#useCases.size > USE_CASES_MAX) this.#useCases.delete(this.#useCases.keys().next().value!);
      return begun;
    }
    // Latecomers of an earlier day, from another partition, count for the day at hand.
    if (day > known.day) {
      known.day = day;
      known.versions = new Map(
        [...known.versions].flatMap(([version, calls]) =>
          calls >= CARRIED_CALLS_MIN ? [[version, 0] as const] : [],
        ),
      );
    }
    return known;
  }
}
