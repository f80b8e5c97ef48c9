/**
 * Folds the calls of the held use cases, hour by hour, into what the measures know of each. Counts are read in pages of
 * use cases, a day at a time; each use case has its own place in time, so one that can't be read is left behind alone and
 * catches up later.
 */
import type { Clock, DriftResult, Store, VersionActivity } from "@plumbline/ports";
import { DAY_MS, HOUR_MS, OVERFLOW_USE_CASE, TEXTS_KEPT_DAYS } from "@plumbline/schemas";
import { iso, type UseCase, useCaseKey } from "../units/series.ts";
import { insertApart, readInTime, type UseCaseGuard, UseCasePages } from "../use-cases/use-case-guard.ts";
import { type DriftDecision, toDriftResults } from "../inputs/drift-decision.ts";
import { type HourOfUseCase, toMeasuredHours } from "./measured-hours.ts";
import { localHoursOf } from "../counts/local-hours.ts";
import type { DatedText } from "../inputs/text-drift.ts";
import { type MeasuredHour, UseCaseMeasures } from "./use-case-measures.ts";

const LOOKBACK_MS = 56 * DAY_MS;
/** A day of texts is read while none of it has expired. */
const TEXT_LOOKBACK_MS = (TEXTS_KEPT_DAYS - 1) * DAY_MS;
const TEXT_DAYS = 28;
const TEXTS_MAX = 4_000;

export interface CallFoldDeps {
  readonly store: Pick<
    Store,
    "versionActivity" | "featureHours" | "outcomeHours" | "driftTexts" | "insertDriftResults"
  >;
  readonly clock: Clock;
  /** holds returns true for the use cases of this replica. */
  readonly holds: (useCase: string) => boolean;
  readonly guard: UseCaseGuard;
  /** The configured time zone of a use case; UTC where none is. */
  readonly timeZoneOf: (useCase: UseCase) => string;
}

interface Tracked {
  readonly key: UseCase;
  readonly measures: UseCaseMeasures;
  /** Hours before this are folded, ms. */
  foldedUntil: number;
  nextTextDay: number | null;
}

export class CallFold {
  readonly #deps: CallFoldDeps;
  readonly #pages = new UseCasePages();
  #tracked = new Map<string, Tracked>();
  #skipped = new Set<string>();
  /** The hour that use cases without trouble have reached, ms; null before the first run. */
  #foldedUntil: number | null = null;
  #spans: readonly CallSpan[] = [];
  /** Decided and not stored yet. */
  #unsaved: DriftResult[] = [];

  constructor(deps: CallFoldDeps) {
    this.#deps = deps;
  }

  get(key: UseCase): Tracked | undefined {
    return this.#tracked.get(useCaseKey(key));
  }

  get size(): number {
    return this.#tracked.size;
  }

  /** Use cases that are folded until `end`; nothing is asserted about the others. */
  foldedUntil(end: number): readonly Tracked[] {
    return [...this.#tracked.values()].filter((each) => each.foldedUntil >= end);
  }

  /** Folds the hours that closed before `end`, ms. Null when none did. */
  async foldUntil(end: number): Promise<{ readonly hours: number; readonly hasCalls: boolean } | null> {
    const { holds, store } = this.#deps;
    if ([...this.#skipped].some((useCase) => holds(useCase))) {
      this.#tracked = new Map();
      this.#foldedUntil = null;
    }
    this.#skipped = new Set();
    // By another clock other hours are alike.
    for (const each of this.#tracked.values())
      if (each.measures.timeZone !== this.#deps.timeZoneOf(each.key)) this.#forget(each, end);
    const began = this.#foldedUntil ?? Math.floor((end - LOOKBACK_MS) / DAY_MS) * DAY_MS;
    const isBehind = [...this.#tracked.values()].some((each) => this.#mayCatchUp(each, end));
    if (began >= end && !isBehind) return null;
    const behind = [...this.#tracked.values()].map((each) => each.foldedUntil);
    this.#spans = await readCallSpans(store, Math.min(began, ...behind, ...this.#closingTextDays(end)));
    for (let start = began; start < end;) {
      // Days at a time, so that a rebuild never holds eight weeks of counts.
      const until = Math.min(end, Math.floor(start / DAY_MS) * DAY_MS + DAY_MS);
      await this.#foldDay(start, until);
      this.#foldedUntil = until;
      start = until;
    }
    for (const each of this.#tracked.values())
      if (this.#mayCatchUp(each, end)) await this.#deps.guard.run(each.key, () => this.#catchUp(each, end));
    await this.#save();
    return { hours: (end - began) / HOUR_MS, hasCalls: mayHaveCalls(this.#spans, began, end) };
  }

  #mayCatchUp(each: Tracked, end: number): boolean {
    return each.foldedUntil < end && !this.#deps.guard.isResting(each.key);
  }

  /** All use cases that stand at `start`, through one day. */
  async #foldDay(start: number, until: number): Promise<void> {
    const { guard } = this.#deps;
    const asked = this.#calledIn(start, until).filter(
      (key) => (this.get(key)?.foldedUntil ?? start) === start,
    );
    const failed = new Map<string, unknown>();
    const hours = await this.#pages.read(
      asked,
      (page) => this.#hoursOf(page, start, until),
      (key, error) => failed.set(useCaseKey(key), error),
      ({ rows }) => rows,
    );
    for (const key of asked) this.#track(key, start);
    const standing = [...this.#tracked.values()].filter((each) => each.foldedUntil === start);
    for (const { key, hour } of [...hours].sort((a, b) => a.hour.hour - b.hour.hour)) {
      const each = this.get(key);
      // Rows of another environment of a use case that was asked about, and of those left behind.
      if (each === undefined || each.foldedUntil > hour.hour || failed.has(useCaseKey(key))) continue;
      try {
        this.#add(each, hour);
      } catch (error) {
        failed.set(useCaseKey(key), error);
        this.#forget(each, until);
      }
    }
    for (const each of standing) {
      if (failed.has(useCaseKey(each.key))) continue;
      this.#close(each, until);
      await guard.run(each.key, () => this.#closeTextDays(each, until));
    }
    for (const key of asked) if (failed.has(useCaseKey(key))) guard.fail(key, failed.get(useCaseKey(key)));
    await this.#save();
  }

  /** One use case that was left behind, through to `end`; a day that is too large is read in hours. */
  async #catchUp(each: Tracked, end: number): Promise<void> {
    while (each.foldedUntil < end) {
      const start = each.foldedUntil;
      const until = Math.min(end, Math.floor(start / DAY_MS) * DAY_MS + DAY_MS);
      const hours = mayHaveCalls(this.#spans, start, until, each.key)
        ? await readInTime([start, until], HOUR_MS, (from, to) => this.#hoursOf([each.key], from, to))
        : [];
      for (const { key, hour } of hours) {
        if (useCaseKey(key) !== useCaseKey(each.key)) continue;
        try {
          this.#add(each, hour);
        } catch (error) {
          this.#forget(each, end);
          throw error;
        }
      }
      this.#close(each, until);
      await this.#closeTextDays(each, until);
    }
  }

  #calledIn(start: number, until: number): readonly UseCase[] {
    const keys = new Map<string, UseCase>();
    for (const span of this.#spans) {
      if (span.use_case === OVERFLOW_USE_CASE || !mayHaveCalls([span], start, until)) continue;
      if (!this.#deps.holds(span.use_case)) this.#skipped.add(span.use_case);
      else keys.set(useCaseKey(span), { tenant: span.tenant, env: span.env, use_case: span.use_case });
    }
    return [...keys.values()];
  }

  async #hoursOf(page: readonly UseCase[], start: number, end: number): Promise<readonly HourOfUseCase[]> {
    const query = { start: iso(start), end: iso(end), use_cases: page };
    const { store } = this.#deps;
    const [features, outcomes] = await Promise.all([store.featureHours(query), store.outcomeHours(query)]);
    const asked = new Set(page.map((key) => useCaseKey(key)));
    return toMeasuredHours(features, outcomes).filter(({ key }) => asked.has(useCaseKey(key)));
  }

  #track(key: UseCase, foldedUntil: number): void {
    if (this.get(key) !== undefined) return;
    const measures = new UseCaseMeasures(localHoursOf(this.#deps.timeZoneOf(key)));
    this.#tracked.set(useCaseKey(key), { key, measures, foldedUntil, nextTextDay: null });
  }

  /** Half-folded state is worth nothing: it is folded anew from the rows, as after a restart. */
  #forget({ key }: Tracked, end: number): void {
    this.#tracked.delete(useCaseKey(key));
    this.#track(key, Math.floor((end - LOOKBACK_MS) / DAY_MS) * DAY_MS);
  }

  #add(each: Tracked, hour: MeasuredHour): void {
    each.nextTextDay ??= Math.floor(hour.hour / DAY_MS) * DAY_MS;
    this.#keep(each, each.measures.addHour(hour));
    each.foldedUntil = hour.hour + HOUR_MS;
  }

  /** Time passes for every use case: windows and days close also when no call follows them. */
  #close(each: Tracked, until: number): void {
    this.#keep(each, each.measures.closeUntil(until));
    each.foldedUntil = until;
  }

  /** Starts of the days, ms, whose texts are due by `end`. */
  #closingTextDays(end: number): number[] {
    return [...this.#tracked.values()].flatMap(({ nextTextDay: day }) =>
      day !== null && day + DAY_MS <= end ? [day] : [],
    );
  }

  async #closeTextDays(each: Tracked, end: number): Promise<void> {
    while (each.nextTextDay !== null && each.nextTextDay + DAY_MS <= end) {
      const day = each.nextTextDay;
      const isExpired = day < this.#deps.clock.now() - TEXT_LOOKBACK_MS;
      if (!isExpired && mayHaveCalls(this.#spans, day, day + DAY_MS, each.key))
        await this.#closeTextDay(each, day);
      each.nextTextDay = day + DAY_MS;
    }
  }

  async #closeTextDay(each: Tracked, day: number): Promise<void> {
    const { series } = each.measures.drift;
    const days = series.textReferenceDays(day);
    const current = await this.#texts(each.key, day, day + DAY_MS, TEXTS_MAX);
    if (current.length === 0) return;
    const limit = Math.ceil(TEXTS_MAX / Math.max(1, days.length));
    const past = days.length === 0 ? [] : await this.#texts(each.key, day - TEXT_DAYS * DAY_MS, day, limit);
    const allowed = new Set(days);
    const decision = series.closeTextDay(
      day,
      current,
      past.filter((text) => allowed.has(text.day)),
    );
    each.measures.decision = decision;
    this.#keep(each, [decision]);
  }

  async #texts(key: UseCase, start: number, end: number, limit: number): Promise<DatedText[]> {
    const rows = await this.#deps.store.driftTexts({
      start: iso(start),
      end: iso(end),
      use_case: key.use_case,
      day_limit: limit,
    });
    return rows
      .filter((row) => row.tenant === key.tenant && row.env === key.env)
      .map((row) => ({ id: row.text, text: row.text, day: Date.parse(row.day) }));
  }

  #keep(each: Tracked, decisions: readonly DriftDecision[]): void {
    for (const decision of decisions)
      this.#unsaved.push(...toDriftResults(each.key, decision, this.#deps.clock.now()));
  }

  async #save(): Promise<void> {
    const { store, guard } = this.#deps;
    this.#unsaved = await insertApart(this.#unsaved, (rows) => store.insertDriftResults(rows), guard);
  }
}

/**
 * Spans of calls, from one narrow question, so that the wide ones are only asked about hours with calls.
 * A span may hold hours without a call; no call lies outside of the spans.
 */

/** First and last start of the calls of one version; ISO 8601 UTC. */
type CallSpan = Pick<VersionActivity, "tenant" | "env" | "use_case" | "first_started_at" | "last_started_at">;

/** A call may be reported to start after it arrived: the writer allows ten minutes. */
const AHEAD_MAX_MS = 3_600_000;

/** Spans of all calls that started at or after `start`, ms, and of some before. */
function readCallSpans(store: Pick<Store, "versionActivity">, start: number): Promise<readonly CallSpan[]> {
  return store.versionActivity({ since: new Date(start - AHEAD_MAX_MS).toISOString() });
}

/** mayHaveCalls returns true when a call of the use case, or of any, may have started in [start, end), ms. */
function mayHaveCalls(
  spans: readonly CallSpan[],
  start: number,
  end: number,
  key: UseCase | null = null,
): boolean {
  return spans.some(
    (span) =>
      Date.parse(span.first_started_at) < end &&
      Date.parse(span.last_started_at) >= start &&
      (key === null ||
        (span.tenant === key.tenant && span.env === key.env && span.use_case === key.use_case)),
  );
}
