/**
 * The measures: jobs over 100% of the calls that need no judge. Input drift, output fingerprint, latency, cost, success,
 * path mix and the judge's anchors.
 *
 * Every run folds the hours that closed since the last one, for all use cases at once. It asks first when there were
 * calls; where there were, it takes two queries for counts, and one a use case and day for a sample of its texts. Time
 * passes for every use case in any case: windows and days close also when no call follows them.
 *
 * State is a fold of stored rows: the first run, and one after the held use cases changed, folds the last eight weeks
 * again. What is open is read from the incidents topic, so running twice appends nothing the second time.
 */
import type { IncidentFold } from "@plumbline/alerts";
import type { AnchorDay, Clock, EventLog, Store } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { TEXTS_KEPT_DAYS } from "@plumbline/schemas";
import { assertAnchors } from "./assert-anchors.ts";
import { assertDrift, assertOutputs } from "./assert-drift.ts";
import { assertHealth } from "./assert-health.ts";
import { mayHaveCalls, readCallSpans, type CallSpan } from "./call-spans.ts";
import type { DriftDecision } from "./drift-decision.ts";
import { toDriftResults } from "./drift-results.ts";
import { DAY_MS, HOUR_MS } from "./drift-window.ts";
import { toMeasuredHours } from "./measured-hours.ts";
import { normalMeasures, type NormalMeasure } from "./normal-measures.ts";
import type { UseCaseKey } from "./open-incident.ts";
import type { DatedText } from "./text-drift.ts";
import { UseCaseMeasures } from "./use-case-measures.ts";

const LOOKBACK_MS = 56 * DAY_MS;
/** A day of texts is read while none of it has expired. */
const TEXT_LOOKBACK_MS = (TEXTS_KEPT_DAYS - 1) * DAY_MS;
const TEXT_DAYS = 28;
const TEXTS_MAX = 4_000;
const ANCHOR_LOOKBACK_MS = 90 * DAY_MS;

export interface MeasuresDeps {
  readonly store: Pick<
    Store,
    | "versionActivity"
    | "featureHours"
    | "outcomeHours"
    | "driftTexts"
    | "anchorDays"
    | "judgedUnits"
    | "insertDriftResults"
  >;
  readonly log: Pick<EventLog, "append">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly incidents: IncidentFold;
  /** Whether this replica works on the use case. */
  readonly holds: (useCase: string) => boolean;
  /** How long after its end an hour is taken as complete, ms; default 10 minutes. Later calls are not seen. */
  readonly settleMs?: number;
}

export interface MeasuresMonitor {
  /** One cycle; run at least once an hour. Not reentrant. */
  run(): Promise<void>;
  /** What is normal about a version of a use case as of the last run, for messages; empty when it was not looked at. */
  normal(key: UseCaseKey, version: string): readonly NormalMeasure[];
}

interface Tracked {
  readonly key: UseCaseKey;
  readonly measures: UseCaseMeasures;
  nextTextDay: number | null;
}

export function createMeasuresMonitor(deps: MeasuresDeps): MeasuresMonitor {
  const { store, clock, logger, incidents, settleMs = 600_000 } = deps;
  let tracked = new Map<string, Tracked>();
  let skipped = new Set<string>();
  let nextHour: number | null = null;
  let anchors: { readonly askedAt: number; readonly days: readonly AnchorDay[] } | null = null;

  async function run(): Promise<void> {
    if ([...skipped].some((useCase) => deps.holds(useCase))) {
      tracked = new Map();
      nextHour = null;
    }
    skipped = new Set();
    const end = Math.floor((clock.now() - settleMs) / HOUR_MS) * HOUR_MS;
    let start = nextHour ?? Math.floor((end - LOOKBACK_MS) / DAY_MS) * DAY_MS;
    if (start >= end) return;
    const began = start;
    const spans = await readCallSpans(store, Math.min(start, ...closingTextDays(end)));
    while (start < end) {
      // Days at a time, so that a rebuild never holds eight weeks of counts.
      const until = Math.min(end, Math.floor(start / DAY_MS) * DAY_MS + DAY_MS);
      await fold(start, until, spans);
      start = until;
    }
    nextHour = end;
    await incidents.refresh();
    for (const { key, measures } of tracked.values()) {
      await assertDrift(key, measures, end, deps);
      await assertOutputs(key, measures, end, deps);
      await assertHealth(key, measures, end, deps);
    }
    if (areAnchorsDue(end, mayHaveCalls(spans, began, end))) {
      const days = await store.anchorDays({ start: iso(end - ANCHOR_LOOKBACK_MS), end: iso(end) });
      anchors = { askedAt: end, days };
    }
    await assertAnchors(anchors?.days ?? [], end, deps);
    logger.info({ use_cases: tracked.size, hours: (end - began) / HOUR_MS }, "monitor.measures");
  }

  /**
   * With every hour that has calls. While none arrive, once a day is enough: agreement is counted by day, and a drift
   * of the judge is about the verdicts on calls. Nothing to watch over is no reason to ask.
   */
  function areAnchorsDue(end: number, hasCalls: boolean): boolean {
    if (hasCalls) return true;
    const isNewDay = anchors === null || Math.floor(anchors.askedAt / DAY_MS) < Math.floor(end / DAY_MS);
    return isNewDay && (tracked.size > 0 || incidents.open("judge_drift").length > 0);
  }

  async function fold(start: number, end: number, spans: readonly CallSpan[]): Promise<void> {
    for (const { key, hour } of mayHaveCalls(spans, start, end) ? await measuredHours(start, end) : []) {
      if (!deps.holds(key.use_case)) {
        skipped.add(key.use_case);
        continue;
      }
      const each = track(key);
      const texts = Math.floor(hour.hour / DAY_MS) * DAY_MS;
      each.nextTextDay ??= texts;
      await keep(each, each.measures.addHour(hour));
    }
    for (const each of tracked.values()) {
      await keep(each, each.measures.closeUntil(end));
      await closeTextDays(each, end, spans);
    }
  }

  async function measuredHours(start: number, end: number): Promise<ReturnType<typeof toMeasuredHours>> {
    const window = { start: iso(start), end: iso(end) };
    const [features, outcomes] = await Promise.all([store.featureHours(window), store.outcomeHours(window)]);
    return toMeasuredHours(features, outcomes);
  }

  function track(key: UseCaseKey): Tracked {
    const name = nameOf(key);
    const known = tracked.get(name);
    if (known !== undefined) return known;
    const each: Tracked = { key, measures: new UseCaseMeasures(), nextTextDay: null };
    tracked.set(name, each);
    return each;
  }

  /** Starts of the days, ms, whose texts are due by `end`. */
  function closingTextDays(end: number): number[] {
    return [...tracked.values()].flatMap(({ nextTextDay: day }) =>
      day !== null && day + DAY_MS <= end ? [day] : [],
    );
  }

  async function closeTextDays(each: Tracked, end: number, spans: readonly CallSpan[]): Promise<void> {
    while (each.nextTextDay !== null && each.nextTextDay + DAY_MS <= end) {
      const day = each.nextTextDay;
      each.nextTextDay = day + DAY_MS;
      if (day < clock.now() - TEXT_LOOKBACK_MS || !mayHaveCalls(spans, day, day + DAY_MS, each.key)) continue;
      const { series } = each.measures.drift;
      const days = series.textReferenceDays(day);
      const current = await texts(each.key, day, day + DAY_MS, TEXTS_MAX);
      if (current.length === 0) continue;
      const past =
        days.length === 0
          ? []
          : await texts(each.key, day - TEXT_DAYS * DAY_MS, day, Math.ceil(TEXTS_MAX / days.length));
      const allowed = new Set(days);
      const decision = series.closeTextDay(
        day,
        current,
        past.filter((text) => allowed.has(text.day)),
      );
      each.measures.decision = decision;
      await keep(each, [decision]);
    }
  }

  async function texts(key: UseCaseKey, start: number, end: number, limit: number): Promise<DatedText[]> {
    const rows = await store.driftTexts({
      start: iso(start),
      end: iso(end),
      use_case: key.use_case,
      day_limit: limit,
    });
    return rows
      .filter((row) => row.tenant === key.tenant && row.env === key.env)
      .map((row) => ({ id: row.text, text: row.text, day: Date.parse(row.day) }));
  }

  async function keep(each: Tracked, decisions: readonly DriftDecision[]): Promise<void> {
    const rows = decisions.flatMap((decision) => toDriftResults(each.key, decision, clock.now()));
    if (rows.length > 0) await store.insertDriftResults(rows);
  }

  return {
    run,
    normal(key, version) {
      const known = tracked.get(nameOf(key));
      return known === undefined ? [] : normalMeasures(known.measures, version);
    },
  };
}

function nameOf({ tenant, env, use_case }: UseCaseKey): string {
  return JSON.stringify([tenant, env, use_case]);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
