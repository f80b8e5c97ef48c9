/** Resolved models by version: a change under an unchanged prompt version is the provider's. Pure. */
import { DAY_MS } from "@plumbline/schemas";

export interface ResponseModelChange {
  readonly before: Readonly<Record<string, number>>;
  readonly after: Readonly<Record<string, number>>;
  /** Half the sum of the absolute differences of the shares, in [0,1]. */
  readonly moved_share: number;
  readonly has_changed: boolean;
}

/** Share of calls that must have moved to another model for a change to be named. */
const MOVED_SHARE_MIN = 0.2;

type ModelCounts = ReadonlyMap<string, number>;

/** The last two days of calls by resolved model. */
export class ResponseModels {
  #hours: { readonly hour: number; readonly version: string; readonly models: ModelCounts }[] = [];

  /** @param byVersion calls by resolved model, by version; hours in order */
  addHour(hour: number, byVersion: ReadonlyMap<string, ModelCounts>): void {
    for (const [version, models] of byVersion) this.#hours.push({ hour, version, models });
    this.#hours = this.#hours.filter((each) => each.hour > hour - 2 * DAY_MS);
  }

  /** The day up to `lastHour` against the day before, as shares of the calls whose provider said who answered. */
  change(version: string, lastHour: number): ResponseModelChange | null {
    const side = (isCurrent: boolean): Map<string, number> => {
      const sums = new Map<string, number>();
      for (const { hour, version: name, models } of this.#hours) {
        if (name !== version || hour > lastHour - DAY_MS !== isCurrent) continue;
        for (const [model, calls] of models) sums.set(model, (sums.get(model) ?? 0) + calls);
      }
      return sums;
    };
    return compareResponseModels(side(false), side(true));
  }
}

/** Null while either side has no call whose provider named its model. */
export function compareResponseModels(before: ModelCounts, after: ModelCounts): ResponseModelChange | null {
  const shares = (counts: ModelCounts): Record<string, number> => {
    const named = [...counts].filter(([model]) => model !== "");
    const total = named.reduce((sum, [, calls]) => sum + calls, 0);
    return Object.fromEntries(named.map(([model, calls]) => [model, calls / total]));
  };
  const [old, now] = [shares(before), shares(after)];
  const models = new Set([...Object.keys(old), ...Object.keys(now)]);
  if (Object.keys(old).length === 0 || Object.keys(now).length === 0) return null;
  const moved =
    [...models].reduce((sum, model) => sum + Math.abs((now[model] ?? 0) - (old[model] ?? 0)), 0) / 2;
  return { before: old, after: now, moved_share: moved, has_changed: moved >= MOVED_SHARE_MIN };
}
