/**
 * Carries verdicts from the store into the watches. Reads whole hours from the oldest that may have changed, so that a
 * repeated or late row changes nothing else, and folds an hour for good once nothing more is expected of it.
 */
import type { BaselineRow, EvidenceRow, JudgedUnitRow, Store, UseCasePage } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { DAY_MS, HOUR_MS } from "@plumbline/schemas";
import {
  insertApart,
  isEverybodys,
  readInTime,
  type UseCaseGuard,
  UseCasePages,
} from "../use-cases/use-case-guard.ts";
import type { SeriesBook, Watched } from "./watch/series-book.ts";
import {
  groupBy,
  hourOf,
  iso,
  REBUILD_HOURS,
  seriesKey,
  unitOf,
  type UseCase,
  useCaseKey,
} from "../units/series.ts";
import type { ServedVersions } from "../deploys/served-versions.ts";
import { incumbentBeside, sideBySide } from "./watch/watch-pairs.ts";
import { CLOSED_HOURS_KEPT } from "./watch/version-watch.ts";
import type { HourEvidence } from "@plumbline/stats";
import { snapshotOf } from "./watch/baseline.ts";

/** Verdicts may reach the store this much out of order; hours are folded for good only after it. */
const SETTLE_HOURS = 2;
/** Hours before a restart whose evidence may not have been stored. */
const RESTORE_HOURS = 48;
/** Verdicts are read a day at a time, so that a rebuild holds no more than that in memory. */
const PAGE_MS = DAY_MS;

interface VerdictReaderDeps {
  readonly store: Pick<Store, "judgedUnits" | "judgedUnitCounts" | "insertEvidence">;
  readonly guard: UseCaseGuard;
  readonly served: ServedVersions;
  readonly logger: Logger;
  readonly holds: (useCase: string) => boolean;
  readonly book: SeriesBook;
}

export class VerdictReader {
  readonly #deps: VerdictReaderDeps;
  readonly #pages = new UseCasePages();
  /** Evidence of closed hours that could not be stored yet. */
  #unstored: EvidenceRow[] = [];
  #hasRead = false;
  /** The hour in which late verdicts were last looked for. */
  #auditedHour = Number.NaN;
  #readFromHour: number;
  /** Arrival of the newest verdict seen, ms. */
  #newestMs = -Infinity;

  constructor(deps: VerdictReaderDeps, nowMs: number) {
    this.#deps = deps;
    this.#readFromHour = hourOf(nowMs) - REBUILD_HOURS;
  }

  /** Hours before this are closed. */
  get readFromHour(): number {
    return this.#readFromHour;
  }

  async read(nowMs: number): Promise<void> {
    // Follows the newest verdict seen, not the clock: while nothing arrives nothing is taken for settled.
    if (this.#hasRead) {
      const newestMs = Number.isFinite(this.#newestMs) ? this.#newestMs : nowMs - DAY_MS;
      this.#readFromHour = Math.max(this.#readFromHour, hourOf(newestMs) - SETTLE_HOURS);
    }
    // An hour ahead for judges whose clock is fast.
    const endMs = nowMs + HOUR_MS;
    for (let fromMs = this.#readFromHour * HOUR_MS; fromMs < endMs; fromMs += PAGE_MS) {
      await this.#closeThrough(hourOf(fromMs) - 1, nowMs);
      const untilMs = Math.min(endMs, fromMs + PAGE_MS);
      const rows = await this.#ask([fromMs, untilMs], (query) => this.#deps.store.judgedUnits(query));
      for (const group of groupBy(rows, seriesKey).values()) this.#takeIn(group, nowMs);
    }
    this.#hasRead = true;
  }

  /**
   * Verdicts that reached the store after their hour was closed, as after an outage of the writer, are noticed once an
   * hour by the counts; the watch is dropped, to be rebuilt from rows.
   */
  async dropStale(nowMs: number): Promise<void> {
    const hour = hourOf(nowMs);
    if (hour === this.#auditedHour) return;
    this.#auditedHour = hour;
    const span = [(hour - CLOSED_HOURS_KEPT) * HOUR_MS, this.#readFromHour * HOUR_MS] as const;
    const counts = await this.#ask(span, (query) => this.#deps.store.judgedUnitCounts(query));
    for (const row of counts) {
      const watches = this.#deps.book.find(row)?.watches;
      if (watches?.get(row.prompt_version)?.watch.isStale(hourOf(row.hour), row.units) !== true) continue;
      watches.delete(row.prompt_version);
      const { use_case, prompt_version } = row;
      this.#deps.logger.info({ use_case, prompt_version, hour: row.hour }, "monitor.late_verdicts");
    }
  }

  /**
   * Asks about all use cases at once; where that is refused, page by page. The watches of a use case that can't be read are
   * dropped, to be rebuilt from rows once it can.
   */
  async #ask<Row>(
    span: readonly [startMs: number, endMs: number],
    ask: (query: UseCasePage) => Promise<readonly Row[]>,
  ): Promise<readonly Row[]> {
    const about = (use_cases: readonly UseCase[]) =>
      readInTime(span, HOUR_MS, (start, end) => ask({ start: iso(start), end: iso(end), use_cases }));
    try {
      return await about([]);
    } catch (error) {
      if (isEverybodys(error)) throw error;
      const failed: [UseCase, unknown][] = [];
      const rows = await this.#pages.read(this.#deps.served.useCases(), about, (useCase, fault) =>
        failed.push([useCase, fault]),
      );
      if (rows.length > 0) this.#deps.guard.succeed();
      for (const [useCase, fault] of failed) {
        for (const known of this.#deps.book.all())
          if (useCaseKey(known.series) === useCaseKey(useCase)) known.watches.clear();
        this.#deps.guard.fail(useCase, fault);
      }
      return rows;
    }
  }

  #takeIn(rows: readonly JudgedUnitRow[], nowMs: number): void {
    const first = rows[0]!;
    if (!this.#deps.holds(first.use_case)) return;
    const known = this.#deps.book.of(first, first);
    const seenAt = known.newestAt;
    for (const row of rows) {
      known.is_guardrail ||= row.is_guardrail;
      known.protects ??= row.protects ?? null;
      if (row.judged_at > seenAt) known.units += 1;
      if (row.judged_at > known.newestAt) known.newestAt = row.judged_at;
      this.#newestMs = Math.max(this.#newestMs, Math.min(nowMs, Date.parse(row.judged_at)));
    }
    for (const watched of known.watches.values()) feed(watched, rows, nowMs);
  }

  async #closeThrough(hour: number, nowMs: number): Promise<void> {
    const rows: EvidenceRow[] = [];
    for (const known of this.#deps.book.all()) {
      for (const { watch, baseline } of known.watches.values()) {
        for (const evidence of watch.closeThrough(hour)) {
          // After a restart the older hours are stored already.
          const isStored = !this.#hasRead && evidence.hour < hourOf(nowMs) - RESTORE_HOURS;
          if (!isStored) rows.push(...evidenceRows(baseline, evidence, nowMs));
        }
      }
    }
    this.#unstored.push(...rows);
    const { store, guard } = this.#deps;
    this.#unstored = await insertApart(this.#unstored, (block) => store.insertEvidence(block), guard);
  }
}

/**
 * Gives a watch all units of some hours.
 *
 * @param rows of the series, all versions: a canary is paired with the version beside it
 */
export function feed(watched: Watched, rows: readonly JudgedUnitRow[], nowMs: number): void {
  const { baseline, watch, start } = watched;
  const own = rows.filter((row) => row.prompt_version === baseline.prompt_version);
  watched.pairs?.take(own);
  const units = own.map((row) => unitOf(row));
  for (const group of groupBy(units, ({ hour }) => String(hour)).values()) {
    watch.setHour(group[0]!.hour, group);
    watched.isDirty = true;
  }
  if (incumbentBeside(baseline) === null) return;
  for (const pairs of sideBySide(baseline, rows, start.fromHour, nowMs)?.hours ?? []) {
    watch.setPairs(pairs);
    watched.isDirty = true;
  }
}

/** An hour's sums as they are stored: one row for each stream that had units. */
export function evidenceRows(baseline: BaselineRow, evidence: HourEvidence, nowMs: number): EvidenceRow[] {
  const { streams, drops } = snapshotOf(baseline);
  const { snapshot_id, tenant, env, use_case, criterion, prompt_version } = baseline;
  return streams.flatMap((stream, k) => {
    if (evidence.n[k] === 0) return [];
    const cells = (sums: ArrayLike<number>): number[] =>
      Array.from({ length: drops.length }, (_, j) => sums[k * drops.length + j]!);
    return [
      {
        snapshot_id,
        tenant,
        env,
        use_case,
        criterion,
        prompt_version,
        stream: stream.name,
        hour: iso(evidence.hour * HOUR_MS),
        units: evidence.n[k]!,
        score_sum: evidence.sum[k]!,
        expected_sum: evidence.expected[k]!,
        log_factors: cells(evidence.drop),
        clearance_factors: cells(evidence.clearance),
        computed_at: iso(nowMs),
      },
    ];
  });
}
