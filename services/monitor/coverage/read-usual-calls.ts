/** Reads how many calls are usual in the silences of use cases, each by its own clock. */
import type { SilentUseCase, Store } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { DAY_MS, isTimeZone, MINUTE_MS } from "@plumbline/schemas";
import type { RegistryView } from "../deploys/registry-view.ts";
import { iso, type UseCase, useCaseKey } from "../units/series.ts";
import { UseCasePages } from "../use-cases/use-case-guard.ts";
import { clockOf, worldClocks, type ZoneClock } from "./clocks.ts";
import { hasUsualHours, SILENCE_MS, USUAL_CALLS_MIN } from "./find-gaps.ts";
import { Arrivals, usualByClock, usualByTraffic, type UsualCalls } from "./usual-calls.ts";

/** Clocks are read back to the hours that a silence is compared with, and a day more. */
const CHANGES_REACH_MS = 8 * DAY_MS;
/** Arrivals are read back to the week that a clock is learnt from. */
const ARRIVALS_REACH_MS = 15 * DAY_MS;
/** A clock is put back by an hour at most, so that no call counts more often than twice. */
const COUNTED_TWICE = 2;

export interface UsualCallsDeps {
  readonly store: Pick<Store, "arrivalQuarters">;
  readonly zones: Pick<RegistryView, "refresh" | "timeZone">;
  readonly logger: Logger;
}

/** A silence whose usual hours depend on the clock. */
interface Unsettled {
  readonly silent: SilentUseCase;
  /** The configured clock; null: to be learnt. */
  readonly configured: ZoneClock | null;
}

/**
 * Calls that are usual, by use case. Arrivals are only read where a clock was changed lately: in all other weeks every
 * clock finds the same.
 *
 * @returns nothing of use cases that are younger than a week, quiet at these hours, or silent too short
 */
export async function readUsualCalls(
  silent: readonly SilentUseCase[],
  nowMs: number,
  deps: UsualCallsDeps,
): Promise<ReadonlyMap<string, UsualCalls>> {
  const asked = silent.filter(
    (row) =>
      hasUsualHours(row) &&
      nowMs - Date.parse(row.last_at) >= SILENCE_MS &&
      row.calls_around_a_week_before * COUNTED_TWICE >= USUAL_CALLS_MIN,
  );
  const found = new Map<string, UsualCalls>();
  if (asked.length === 0) return found;
  await deps.zones.refresh();
  const unsettled = new Map<string, Unsettled>();
  for (const row of asked) {
    const zone = zoneOf(row, deps);
    const span = [Date.parse(row.last_at) - CHANGES_REACH_MS, nowMs] as const;
    found.set(useCaseKey(row), {
      usual_calls: row.calls_a_week_before,
      time_zone: zone ?? "UTC",
      time_zone_source: zone === null ? "default" : "config",
    });
    const configured = zone === null ? null : clockOf(zone, ...span);
    const isUnsettled = configured === null ? clocksIn(span).length > 1 : configured.changes.length > 0;
    if (isUnsettled) unsettled.set(useCaseKey(row), { silent: row, configured });
  }
  for (const [key, usual] of await settle([...unsettled.values()], nowMs, deps)) found.set(key, usual);
  return found;
}

async function settle(
  unsettled: readonly Unsettled[],
  nowMs: number,
  { store, logger }: UsualCallsDeps,
): Promise<ReadonlyMap<string, UsualCalls>> {
  const firstMs = Math.min(...unsettled.map(({ silent }) => Date.parse(silent.last_at)));
  const rows = await new UseCasePages().read(
    unsettled.map(({ silent }) => silent),
    (page) =>
      store.arrivalQuarters({
        start: iso(firstMs - ARRIVALS_REACH_MS),
        end: iso(nowMs),
        use_cases: page.map(({ tenant, use_case }) => ({ tenant, use_case })),
      }),
    // Its hours are then those of UTC, as in other weeks.
    ({ use_case }: UseCase, error) =>
      logger.warn({ use_case, error: String(error) }, "monitor.arrivals_failed"),
    ({ quarters }) => quarters.length,
  );
  const arrivalsOf = new Map(rows.map((row) => [useCaseKey(row), row]));
  const settled = new Map<string, UsualCalls>();
  for (const { silent, configured } of unsettled) {
    const arrived = arrivalsOf.get(useCaseKey(silent));
    if (arrived === undefined) continue;
    const silence = [Date.parse(silent.last_at), nowMs] as const;
    const arrivals = new Arrivals(arrived);
    const usual =
      configured === null
        ? usualByTraffic(clocksIn([silence[0] - CHANGES_REACH_MS, nowMs]), silence, arrivals)
        : usualByClock(configured, silence, arrivals);
    settled.set(useCaseKey(silent), usual);
  }
  return settled;
}

/** Null where none is configured, or one that this platform doesn't know. */
function zoneOf(row: SilentUseCase, { zones, logger }: UsualCallsDeps): string | null {
  const zone = zones.timeZone(row);
  if (zone === null || isTimeZone(zone)) return zone;
  logger.warn({ use_case: row.use_case, time_zone: zone }, "monitor.time_zone_unknown");
  return null;
}

/** Clocks of the world, by the span that they were compared in: hundreds of zones are asked once for many use cases. */
const memo = new Map<string, readonly ZoneClock[]>();
const MEMO_MAX = 64;
const QUARTER_MS = 15 * MINUTE_MS;

function clocksIn([start, end]: readonly [number, number]): readonly ZoneClock[] {
  const [from, until] = [Math.floor(start / DAY_MS) * DAY_MS, Math.floor(end / QUARTER_MS) * QUARTER_MS];
  const key = `${from} ${until}`;
  const known = memo.get(key);
  if (known !== undefined) return known;
  if (memo.size >= MEMO_MAX) memo.clear();
  const clocks = worldClocks(from, until);
  memo.set(key, clocks);
  return clocks;
}
