import type { VersionActivity } from "@plumbline/ports";
import { isVersion } from "@plumbline/schemas";
import { type UseCase, useCaseKey } from "../units/series.ts";

/** A version without a call for this long, while another has calls, no longer serves. */
const GONE_MS = 15 * 60_000;

export type ServedVersion = Pick<VersionActivity, "prompt_version" | "first_started_at" | "last_started_at">;

/**
 * First and last call of each version, merged from overlapping queries: a query may repeat what an earlier one
 * saw. Untagged calls are no version.
 */
export class ServedVersions {
  readonly #useCases = new Map<string, Map<string, ServedVersion>>();
  /** Newest arrival seen, ms; undefined before the first call. */
  newestMs: number | undefined;

  merge(rows: readonly VersionActivity[]): void {
    for (const row of rows) {
      this.newestMs = Math.max(this.newestMs ?? -Infinity, Date.parse(row.last_ingested_at));
      if (!isVersion(row.prompt_version)) continue;
      const key = useCaseKey(row);
      const versions = this.#useCases.get(key) ?? new Map<string, ServedVersion>();
      const known = versions.get(row.prompt_version) ?? row;
      versions.set(row.prompt_version, {
        prompt_version: row.prompt_version,
        first_started_at: min(known.first_started_at, row.first_started_at),
        last_started_at: max(known.last_started_at, row.last_started_at),
      });
      this.#useCases.set(key, versions);
    }
  }

  /** Every use case that a version served. */
  useCases(): readonly UseCase[] {
    return [...this.#useCases.keys()].map((key) => {
      const [tenant, env, use_case] = JSON.parse(key) as [string, string, string];
      return { tenant, env, use_case };
    });
  }

  /** In order of their first call. */
  of(useCase: UseCase): readonly ServedVersion[] {
    return [...(this.#useCases.get(useCaseKey(useCase))?.values() ?? [])].sort((a, b) =>
      a.first_started_at.localeCompare(b.first_started_at),
    );
  }

  /** The version with the newest call. */
  serving(useCase: UseCase): ServedVersion | undefined {
    let newest: ServedVersion | undefined;
    for (const version of this.of(useCase)) {
      if (newest === undefined || version.last_started_at >= newest.last_started_at) newest = version;
    }
    return newest;
  }

  /** Last call of a version that no longer serves; else null. @param silentMs without a call of it, while another has some */
  goneSince(useCase: UseCase, promptVersion: string, silentMs = GONE_MS): string | null {
    const own = this.#useCases.get(useCaseKey(useCase))?.get(promptVersion);
    const serving = this.serving(useCase);
    if (own === undefined || serving === undefined) return null;
    const silent = Date.parse(serving.last_started_at) - Date.parse(own.last_started_at);
    return silent >= silentMs ? own.last_started_at : null;
  }
}

function min(a: string, b: string): string {
  return a < b ? a : b;
}

function max(a: string, b: string): string {
  return a > b ? a : b;
}
