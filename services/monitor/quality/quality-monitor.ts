/**
 * Watches the quality of every version that serves: freezes its baseline, folds each hour of verdicts into the
 * detector, asserts an alarm once, keeps its numbers true, and says when quality is back.
 *
 * All state follows from rows and the log. A run repeated on the same rows appends nothing; a restart rebuilds the
 * watches from stored baselines and verdicts.
 */
import { incidentId, incidentKey, type IncidentState, isOpen } from "@plumbline/alerts";
import type {
  BaselineInsert,
  BaselineRow,
  Clock,
  EventLog,
  EvidenceRow,
  JudgedUnitRow,
  QualitySeries,
  QualityStateRow,
  Store,
  VersionTraffic,
} from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import type { Detection } from "@plumbline/schemas";
import {
  bernoulliDivergence,
  type HourEvidence,
  type HourWindow,
  LOG_CLEARED,
  prepareSnapshot,
} from "@plumbline/stats";
import { appendIncident } from "../append-incident.ts";
import type { IncidentFold } from "../incident-fold.ts";
import {
  type BaselineOptions,
  chooseBaseline,
  isProvisional,
  keptBaselines,
  REFERENCE_REACH_MS,
  referenceVersions,
  snapshotOf,
  startOf,
} from "./baseline.ts";
import { estimate } from "./compare-versions.ts";
import { explainRegression } from "./explain-regression.ts";
import { findCause } from "./find-cause.ts";
import { makeDetection } from "./make-detection.ts";
import { readAlarm } from "./read-detector.ts";
import { Damage, readRecovery, RECOVERY_UNITS_MIN } from "./recovery.ts";
import { type ServedVersion, ServedVersions } from "./served-versions.ts";
import { DAY_MS, groupBy, HOUR_MS, hourOf, iso, seriesKey, seriesOf, unitOf } from "./series.ts";
import { CLOSED_HOURS_KEPT, VersionWatch, type WatchReading } from "./version-watch.ts";

/** Verdicts may reach the store this much out of order; hours are folded for good only after it. */
const SETTLE_HOURS = 2;
/** Hours of a watch that are rebuilt after a restart. Older starts are left out, which only errs towards silence. */
const REBUILD_HOURS = 28 * 24;
/** Hours before a restart whose evidence may not have been stored. */
const RESTORE_HOURS = 48;
/** Calls may reach the store this much out of order. */
const ACTIVITY_OVERLAP_MS = 10 * 60_000;
/** How far back versions are known. */
const ACTIVITY_REACH_MS = 90 * DAY_MS;
const BASELINES_REACH_MS = 395 * DAY_MS;
/** Verdicts are read a day at a time, so that a rebuild holds no more than that in memory. */
const PAGE_MS = DAY_MS;
/** An open incident is asserted again when its evidence has grown by this factor: its message stays true at a bounded rate. */
const REASSERT_GROWTH = 1.25;
/** New units of a series after which a version without a baseline tries again. */
const BASELINE_RETRY_UNITS = 20;

export type QualityStore = Pick<
  Store,
  | "judgedUnits"
  | "judgedUnitCounts"
  | "versionActivity"
  | "versionTraffic"
  | "sliceMix"
  | "responseModels"
  | "baselines"
  | "insertBaselines"
  | "insertEvidence"
  | "insertQualityStates"
  | "qualityStates"
>;

export interface QualityMonitorDeps {
  readonly store: QualityStore;
  readonly log: Pick<EventLog, "append">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly incidents: IncidentFold;
  /** Whether this replica works on the use case. */
  readonly holds: (useCase: string) => boolean;
  readonly options: QualityOptions;
}

export interface QualityOptions extends BaselineOptions {
  /** 1 − level of the intervals that people read. */
  readonly alpha: number;
  /** Whether evidence at a tenth of the page threshold is asserted, as SEV3. */
  readonly tickets: boolean;
}

/** What is said about a version now; there is no "no difference". */
export interface VersionState extends QualitySeries {
  readonly prompt_version: string;
  readonly state: "WATCHING" | "CLEARED" | "REGRESSED";
  /** When the state was reached; ISO 8601 UTC. */
  readonly at: string;
  /** Judged since the start of the watch. */
  readonly units: number;
  /** While watching: about how many more until an unchanged version is cleared. */
  readonly units_needed: number | null;
}

export interface QualityMonitor {
  /** One look at what was judged since the last one. */
  run(): Promise<void>;
  /** Every version watched or decided since the start, oldest first. */
  states(): readonly VersionState[];
}

export function createQualityMonitor(deps: QualityMonitorDeps): QualityMonitor {
  const run = new QualityRun(deps);
  return { run: () => run.run(), states: () => run.states() };
}

/** A series as far as it was seen. */
interface KnownSeries {
  readonly series: QualitySeries;
  readonly watches: Map<string, Watched>;
  /** Oldest first, as many as may be asked for. */
  baselines: readonly BaselineRow[];
  readonly deployHours: Set<number>;
  is_guardrail: boolean;
  /** Rows seen; only differences mean something, since overlapping looks count a row again. */
  units: number;
  /** Units at the last attempt to find a baseline, by version. */
  readonly attempts: Map<string, number>;
}

interface Watched {
  readonly watch: VersionWatch;
  readonly baseline: BaselineRow;
  readonly start: { readonly fromHour: number; readonly startWeight: number };
  /** New evidence since it was last read. */
  isDirty: boolean;
}

class QualityRun {
  readonly #deps: QualityMonitorDeps;
  readonly #served = new ServedVersions();
  readonly #series = new Map<string, KnownSeries>();
  readonly #states = new Map<string, QualityStateRow>();
  /** Made in this run, to be stored in one block. */
  readonly #newBaselines: BaselineInsert[] = [];
  readonly #newStates: QualityStateRow[] = [];
  #isStarted = false;
  #hasRead = false;
  /** The hour in which late verdicts were last looked for. */
  #auditedHour = Number.NaN;
  /** Hours before this are closed. */
  #readFromHour = 0;
  /** Arrival of the newest verdict seen, ms. */
  #newestMs = -Infinity;
  #nowMs = 0;
  #traffic: Promise<readonly VersionTraffic[]> | null = null;
  /** Units of one use case, as last asked for in this run. */
  #units: {
    readonly use_case: string;
    readonly startMs: number;
    readonly rows: readonly JudgedUnitRow[];
  } | null = null;

  constructor(deps: QualityMonitorDeps) {
    this.#deps = deps;
  }

  async run(): Promise<void> {
    const { store, clock, incidents } = this.#deps;
    this.#nowMs = clock.now();
    this.#traffic = null;
    this.#units = null;
    await incidents.refresh();
    if (!this.#isStarted) await this.#start();
    const since = this.#served.newestMs ?? this.#nowMs - ACTIVITY_REACH_MS;
    this.#served.merge(await store.versionActivity(iso(since - ACTIVITY_OVERLAP_MS)));

    await this.#readUnits();
    await this.#dropStale();
    const held = [...this.#series.values()].filter(({ series }) => this.#deps.holds(series.use_case));
    for (const known of held) await this.#watchServing(known);
    // What an alarm quotes is stored before it is asserted.
    await store.insertBaselines(this.#newBaselines.splice(0));
    for (const known of held) {
      await this.#assertAlarms(known);
      for (const incident of incidents.ofSeries(known.series)) {
        if (isOpen(incident)) await this.#assertRecovery(known, incident);
      }
    }
    await store.insertQualityStates(this.#newStates.splice(0));
    this.#units = null;
  }

  states(): readonly VersionState[] {
    return [...this.#states.values()]
      .map((row) => {
        const watched = this.#series.get(seriesKey(row))?.watches.get(row.prompt_version);
        const units = row.state === "WATCHING" ? (this.#read(watched)?.units ?? row.units) : row.units;
        return {
          ...seriesOf(row),
          prompt_version: row.prompt_version,
          state: row.state,
          at: row.at,
          units,
          units_needed:
            row.state === "WATCHING" && watched !== undefined ? unitsNeeded(watched, units) : null,
        };
      })
      .sort((a, b) => a.at.localeCompare(b.at));
  }

  /** Stored baselines and states first: what was frozen before a restart is never frozen anew. */
  async #start(): Promise<void> {
    const { store } = this.#deps;
    const since = iso(this.#nowMs - BASELINES_REACH_MS);
    this.#served.merge(await store.versionActivity(iso(this.#nowMs - ACTIVITY_REACH_MS)));
    for (const row of await store.qualityStates(since)) this.#states.set(stateKey(row), row);
    for (const row of await store.baselines(since)) this.#keepBaseline(this.#knownSeries(row, false), row);
    const earliest = hourOf(this.#nowMs) - REBUILD_HOURS;
    this.#readFromHour = earliest;
    for (const known of this.#series.values()) {
      for (const version of this.#servingVersions(known)) {
        const baseline = baselineOf(known, version);
        if (baseline !== undefined && !this.#isMuted(known, version.prompt_version))
          this.#watch(known, baseline);
      }
    }
    this.#isStarted = true;
  }

  #keepBaseline(known: KnownSeries, row: BaselineRow): void {
    known.baselines = keptBaselines([...known.baselines, row], this.#nowMs);
    known.deployHours.add(hourOf(row.deployed_at));
  }

  #knownSeries(row: QualitySeries, isGuardrail: boolean): KnownSeries {
    const key = seriesKey(row);
    let known = this.#series.get(key);
    if (known === undefined) {
      known = {
        series: seriesOf(row),
        watches: new Map(),
        baselines: [],
        deployHours: new Set(),
        is_guardrail: isGuardrail,
        units: 0,
        attempts: new Map(),
      };
      this.#series.set(key, known);
    }
    return known;
  }

  /** Versions that serve: called within the last quarter of an hour of the use case's traffic. */
  #servingVersions({ series }: KnownSeries): readonly ServedVersion[] {
    return this.#served
      .of(series)
      .filter((version) => this.#served.goneSince(series, version.prompt_version) === null);
  }

  /** Reads whole hours from the oldest that may have changed, so that a repeated or late row changes nothing else. */
  async #readUnits(): Promise<void> {
    // Follows the newest verdict seen, not the clock: while nothing arrives nothing is taken for settled.
    if (this.#hasRead) {
      const newestMs = Number.isFinite(this.#newestMs) ? this.#newestMs : this.#nowMs - DAY_MS;
      this.#readFromHour = Math.max(this.#readFromHour, hourOf(newestMs) - SETTLE_HOURS);
    }
    // An hour ahead for judges whose clock is fast.
    const endMs = this.#nowMs + HOUR_MS;
    for (let fromMs = this.#readFromHour * HOUR_MS; fromMs < endMs; fromMs += PAGE_MS) {
      await this.#closeThrough(hourOf(fromMs) - 1);
      const rows = await this.#deps.store.judgedUnits({
        start: iso(fromMs),
        end: iso(Math.min(endMs, fromMs + PAGE_MS)),
      });
      for (const group of groupBy(rows, seriesKey).values()) this.#takeIn(group);
    }
    this.#hasRead = true;
  }

  #takeIn(rows: readonly JudgedUnitRow[]): void {
    const first = rows[0]!;
    if (!this.#deps.holds(first.use_case)) return;
    const known = this.#knownSeries(first, first.is_guardrail);
    for (const row of rows) {
      known.is_guardrail ||= row.is_guardrail;
      this.#newestMs = Math.max(this.#newestMs, Math.min(this.#nowMs, Date.parse(row.judged_at)));
    }
    known.units += rows.length;
    for (const [version, own] of groupBy(rows, (row) => row.prompt_version)) {
      const watched = known.watches.get(version);
      if (watched !== undefined) feed(watched, own);
    }
  }

  /**
   * Verdicts that reached the store after their hour was closed, as after an outage of the writer, are noticed once an
   * hour by the counts; the watch is then rebuilt from rows.
   */
  async #dropStale(): Promise<void> {
    const hour = hourOf(this.#nowMs);
    if (hour === this.#auditedHour) return;
    this.#auditedHour = hour;
    const counts = await this.#deps.store.judgedUnitCounts({
      start: iso((hour - CLOSED_HOURS_KEPT) * HOUR_MS),
      end: iso(this.#readFromHour * HOUR_MS),
    });
    for (const row of counts) {
      const watches = this.#series.get(seriesKey(row))?.watches;
      if (watches?.get(row.prompt_version)?.watch.isStale(hourOf(row.hour), row.units) !== true) continue;
      watches.delete(row.prompt_version);
      const { use_case, prompt_version } = row;
      this.#deps.logger.info({ use_case, prompt_version, hour: row.hour }, "monitor.late_verdicts");
    }
  }

  async #closeThrough(hour: number): Promise<void> {
    const rows: EvidenceRow[] = [];
    for (const known of this.#series.values()) {
      for (const { watch, baseline } of known.watches.values()) {
        for (const evidence of watch.closeThrough(hour)) {
          // After a restart the older hours are stored already.
          const isStored = !this.#hasRead && evidence.hour < hourOf(this.#nowMs) - RESTORE_HOURS;
          if (!isStored) rows.push(...evidenceRows(baseline, evidence, this.#nowMs));
        }
      }
    }
    if (rows.length > 0) await this.#deps.store.insertEvidence(rows);
  }

  /** Every serving version gets its watch, as soon as there is a baseline; versions that are gone lose theirs. */
  async #watchServing(known: KnownSeries): Promise<void> {
    const serving = new Set<string>();
    for (const version of this.#servingVersions(known)) {
      const name = version.prompt_version;
      serving.add(name);
      const watched = known.watches.get(name);
      if (watched !== undefined && !isProvisional(watched.baseline)) continue;
      if (this.#isMuted(known, name)) continue;
      const stored = watched === undefined ? baselineOf(known, version) : undefined;
      const baseline = stored ?? (await this.#freeze(known, version));
      if (baseline === undefined) continue;
      const next = this.#watch(known, baseline);
      await this.#rebuild(known, next);
      this.#note(known, baseline, "WATCHING", next.watch.read(this.#throughHour(next)));
    }
    for (const name of known.watches.keys()) if (!serving.has(name)) known.watches.delete(name);
  }

  #watch(known: KnownSeries, baseline: BaselineRow): Watched {
    const frozen = startOf(baseline);
    const resumed = this.#resumedHour(known, baseline.prompt_version);
    const earliest = hourOf(this.#nowMs) - REBUILD_HOURS;
    const fromHour = Math.max(frozen.fromHour, resumed ?? -Infinity, earliest);
    // A start that isn't the deploy's is one hour like any other.
    const start = { fromHour, startWeight: fromHour === frozen.fromHour ? frozen.startWeight : 1 };
    const watched: Watched = {
      baseline,
      start,
      watch: new VersionWatch(prepareSnapshot(snapshotOf(baseline)), start),
      isDirty: false,
    };
    known.watches.set(baseline.prompt_version, watched);
    return watched;
  }

  /** Fills a watch that begins before what is read anyway. */
  async #rebuild(known: KnownSeries, watched: Watched): Promise<void> {
    const units = await this.#unitsSince(known, watched.start.fromHour * HOUR_MS);
    feed(
      watched,
      units.filter((row) => row.prompt_version === watched.baseline.prompt_version),
    );
    const closed = watched.watch.closeThrough(this.#readFromHour - 1);
    const rows = closed.flatMap((evidence) => evidenceRows(watched.baseline, evidence, this.#nowMs));
    if (rows.length > 0) await this.#deps.store.insertEvidence(rows);
  }

  /** Units of the series from `startMs` on. The last answer of the run is kept: freezing and filling ask in a row. */
  async #unitsSince({ series }: KnownSeries, startMs: number): Promise<readonly JudgedUnitRow[]> {
    if (this.#units === null || this.#units.use_case !== series.use_case || this.#units.startMs > startMs) {
      const { use_case } = series;
      const rows = await this.#deps.store.judgedUnits({
        start: iso(startMs),
        end: iso(this.#nowMs + HOUR_MS),
        use_case,
      });
      this.#units = { use_case, startMs, rows };
    }
    const key = seriesKey(series);
    const start = iso(startMs);
    return this.#units.rows.filter((row) => row.judged_at >= start && seriesKey(row) === key);
  }

  async #freeze(known: KnownSeries, version: ServedVersion): Promise<BaselineInsert | undefined> {
    const attempted = known.attempts.get(version.prompt_version);
    if (attempted !== undefined && known.units - attempted < BASELINE_RETRY_UNITS) return undefined;
    known.attempts.set(version.prompt_version, known.units);
    const incidents = this.#deps.incidents.ofSeries(known.series);
    const choice = chooseBaseline({
      series: known.series,
      version,
      versions: this.#served.of(known.series),
      units: await this.#unitsSince(known, this.#nowMs - REFERENCE_REACH_MS),
      regressed: regressedVersions(incidents),
      incidents: incidents.flatMap((incident) => incidentHours(incident)),
      earlier: known.baselines,
      deployHours: [...known.deployHours],
      nowMs: this.#nowMs,
      options: this.#deps.options,
    });
    if (choice.kind === "not_enough_data") return undefined;
    this.#newBaselines.push(choice.row);
    this.#keepBaseline(known, choice.row);
    const { snapshot_id, use_case, prompt_version, units } = choice.row;
    this.#deps.logger.info({ snapshot_id, use_case, prompt_version, units }, "monitor.baseline");
    return choice.row;
  }

  async #assertAlarms(known: KnownSeries): Promise<void> {
    for (const [version, watched] of known.watches) {
      if (!watched.isDirty) continue;
      watched.isDirty = false;
      const reading = watched.watch.read(this.#throughHour(watched));
      if (reading.isCleared && reading.level === "none") {
        this.#note(known, watched.baseline, "CLEARED", reading);
      }
      const isAsserted =
        reading.level === "page" || (reading.level === "ticket" && this.#deps.options.tickets);
      if (!isAsserted || this.#isMuted(known, version) || this.#isJudgeDrifting(known)) continue;
      await this.#assertAlarm(known, watched, reading);
    }
  }

  async #assertAlarm(known: KnownSeries, watched: Watched, reading: WatchReading): Promise<void> {
    const { baseline, watch, start } = watched;
    const open = this.#openIncident(known, baseline.prompt_version);
    const hasGrown = open === undefined || reading.units >= watchedUnits(open) * REASSERT_GROWTH;
    const mayRaise = open !== undefined && reading.level === "page" && levelOf(open) === "ticket";
    if (!hasGrown && !mayRaise) return;
    const startMs = Math.min(Date.parse(baseline.reference_start), start.fromHour * HOUR_MS);

    const units = await this.#unitsSince(known, startMs);
    const own = units.filter((row) => row.prompt_version === baseline.prompt_version);
    const alarm = readAlarm(watch.prepared, start, own, this.#throughHour(watched));
    // Evidence that was there in the middle of an hour and gone at its end: the next look decides.
    if (alarm === null || (alarm.level === "ticket" && !this.#deps.options.tickets)) return;
    if (!hasGrown && alarm.level !== "page") return;

    const changedHour = alarm.alarm.origin === "deploy" ? start.fromHour : alarm.alarm.changeHour;
    const current = own.filter((row) => hourOf(row.judged_at) >= changedHour).sort(byArrival);
    const reference = this.#referenceUnits(baseline, units);
    const { use_case } = known.series;
    const { store } = this.#deps;
    const endMs = this.#nowMs;
    const callsStart = Math.max(changedHour * HOUR_MS, Date.parse(baseline.deployed_at));
    const isSide = (row: { tenant: string; env: string }): boolean =>
      row.tenant === known.series.tenant && row.env === known.series.env;
    const [mixNow, mixBefore, models, traffic] = await Promise.all([
      store.sliceMix({ use_case, start: iso(callsStart), end: iso(endMs + 1) }),
      store.sliceMix({ use_case, start: baseline.reference_start, end: baseline.reference_end }),
      store.responseModels({ use_case, start: baseline.reference_start, end: iso(endMs + 1) }),
      this.#trafficOf(known),
    ]);
    const versions = referenceVersions(baseline);
    const currentMix = mixNow.filter((row) => isSide(row) && row.prompt_version === baseline.prompt_version);
    const referenceMix = mixBefore.filter((row) => isSide(row) && versions.includes(row.prompt_version));
    const detection = makeDetection({
      series: known.series,
      is_guardrail: known.is_guardrail,
      baseline,
      start,
      alarm,
      current,
      explained: explainRegression({
        prepared: watch.prepared,
        current,
        reference,
        affected: alarm.alarm.affected,
        currentMix,
        referenceMix,
      }),
      cause: findCause(alarm.alarm, baseline.prompt_version, models.filter(isSide)),
      traffic,
      calls: { candidate: sumCalls(currentMix), incumbent: sumCalls(referenceMix) },
      endMs,
      alpha: this.#deps.options.alpha,
      unitsWatched: reading.units,
    });
    await this.#detect(detection);
    if (alarm.level === "page") this.#note(known, baseline, "REGRESSED", reading);
  }

  async #detect(detection: Detection): Promise<void> {
    const incident_id = incidentId(incidentKey(detection));
    await appendIncident(
      { type: "detected", incident_id, at: iso(this.#nowMs), actor: "monitor", detection },
      this.#deps,
    );
    await this.#deps.incidents.refresh();
  }

  async #assertRecovery(known: KnownSeries, incident: IncidentState): Promise<void> {
    const { detection } = incident;
    const damage = Damage.safeParse(detection.evidence["damage"]);
    const baseline = known.baselines.find((row) => row.snapshot_id === detection.evidence["snapshot_id"]);
    const serving = this.#served.serving(known.series);
    if (!damage.success || baseline === undefined || serving === undefined) return;
    const version = detection.candidate.prompt_version;
    const since = this.#served.goneSince(known.series, version);
    // Without a change of version only what was judged after the newest assertion can show that it passed.
    const startMs = Date.parse(since ?? detection.window.end);
    const judging = since === null ? version : serving.prompt_version;
    const rows = await this.#unitsSince(known, startMs);
    const own = rows.filter((row) => row.prompt_version === judging);
    const prepared = prepareSnapshot(snapshotOf(baseline));
    const recovery = readRecovery(
      prepared,
      damage.data,
      own,
      since === null ? "same_version" : "other_version",
    );
    const isRollback =
      since !== null &&
      (judging === detection.incumbent?.prompt_version ||
        startedBefore(this.#served.of(known.series), judging, version));
    const how =
      since === null
        ? "recovered without a change of version"
        : isRollback
          ? `rolled back to ${judging}`
          : `fixed by ${judging}`;
    if (!recovery.isProven && !(isRollback && isProgress(incident, recovery.units))) return;

    const score_sum = own.reduce((sum, row) => sum + row.score, 0);
    const { mean, interval } = estimate({ units: own.length, score_sum }, this.#deps.options.alpha / 2);
    const current = {
      prompt_version: judging,
      units: own.length,
      calls: own.length,
      mean,
      interval: [...interval],
    };
    await appendIncident(
      {
        type: "recovered",
        incident_id: incident.incident_id,
        at: iso(this.#nowMs),
        actor: "monitor",
        how,
        current: { ...current, interval: [interval[0], interval[1]] },
      },
      this.#deps,
    );
    await this.#deps.incidents.refresh();
    // The version starts afresh if it still serves; its evidence so far has been spent on this incident.
    known.watches.delete(version);
  }

  /** Units behind the baseline, as far back as they are still there. */
  #referenceUnits(baseline: BaselineRow, units: readonly JudgedUnitRow[]): readonly JudgedUnitRow[] {
    const versions = referenceVersions(baseline);
    return units.filter(
      (row) =>
        versions.includes(row.prompt_version) &&
        row.judged_at >= baseline.reference_start &&
        row.judged_at < baseline.reference_end,
    );
  }

  /** Asked once a run at most: it counts every call of four weeks. */
  async #trafficOf({ series }: KnownSeries): Promise<readonly VersionTraffic[]> {
    this.#traffic ??= this.#deps.store.versionTraffic({
      start: iso(this.#nowMs - REBUILD_HOURS * HOUR_MS),
      end: iso(this.#nowMs + 1),
    });
    return (await this.#traffic).filter(
      (row) => row.tenant === series.tenant && row.env === series.env && row.use_case === series.use_case,
    );
  }

  #note(
    known: KnownSeries,
    baseline: BaselineRow,
    state: QualityStateRow["state"],
    { units, logM, logThreshold }: WatchReading,
  ): void {
    const row: QualityStateRow = {
      ...known.series,
      prompt_version: baseline.prompt_version,
      snapshot_id: baseline.snapshot_id,
      state,
      at: iso(this.#nowMs),
      units,
      log_m: Number.isFinite(logM) ? logM : 0,
      log_threshold: logThreshold,
    };
    const previous = this.#states.get(stateKey(row));
    if (previous !== undefined && RANK[previous.state] >= RANK[state]) return;
    this.#states.set(stateKey(row), row);
    this.#newStates.push(row);
  }

  #read(watched: Watched | undefined): WatchReading | undefined {
    return watched?.watch.read(this.#throughHour(watched));
  }

  #throughHour({ start }: Watched): number {
    return Math.max(start.fromHour, hourOf(this.#nowMs) + 1);
  }

  #openIncident({ series }: KnownSeries, version: string): IncidentState | undefined {
    return this.#deps.incidents
      .ofSeries(series)
      .find((incident) => incident.detection.candidate.prompt_version === version && isOpen(incident));
  }

  /** A person said that this version is fine: it is not asserted again. */
  #isMuted({ series }: KnownSeries, version: string): boolean {
    return this.#deps.incidents
      .ofSeries(series)
      .some(
        ({ state, detection }) => state === "dismissed" && detection.candidate.prompt_version === version,
      );
  }

  /** Scores before and after a drift of the judge don't compare. */
  #isJudgeDrifting({ series }: KnownSeries): boolean {
    return this.#deps.incidents.of(series, "judge_drift").some((incident) => isOpen(incident));
  }

  /** The hour after the last incident of the version was resolved; undefined when there was none. */
  #resumedHour({ series }: KnownSeries, version: string): number | undefined {
    const hours = this.#deps.incidents
      .ofSeries(series)
      .filter(
        ({ state, detection }) => state === "resolved" && detection.candidate.prompt_version === version,
      )
      .map((incident) => hourOf(incident.state_changed_at) + 1);
    return hours.length === 0 ? undefined : Math.max(...hours);
  }
}

const RANK = { WATCHING: 0, CLEARED: 1, REGRESSED: 2 } as const;

function stateKey(row: QualitySeries & { readonly prompt_version: string }): string {
  return `${seriesKey(row)} ${row.prompt_version}`;
}

/** The one in force: the first that was fitted, or else the provisional one. */
function baselineOf({ baselines }: KnownSeries, version: ServedVersion | string): BaselineRow | undefined {
  const name = typeof version === "string" ? version : version.prompt_version;
  const own = baselines.filter((row) => row.prompt_version === name);
  return own.find((row) => !isProvisional(row)) ?? own[0];
}

function feed(watched: Watched, rows: readonly JudgedUnitRow[]): void {
  const units = rows.map((row) => unitOf(row));
  for (const group of groupBy(units, ({ hour }) => String(hour)).values()) {
    watched.watch.setHour(group[0]!.hour, group);
    watched.isDirty = true;
  }
}

function evidenceRows(baseline: BaselineRow, evidence: HourEvidence, nowMs: number): EvidenceRow[] {
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

function regressedVersions(incidents: readonly IncidentState[]): ReadonlySet<string> {
  return new Set(
    incidents
      .filter((incident) => incident.state !== "dismissed")
      .map((incident) => incident.detection.candidate.prompt_version),
  );
}

/** From the change to the end of the incident, or for ever while it is open. */
function incidentHours({ detection, state, state_changed_at }: IncidentState): HourWindow[] {
  if (state === "dismissed") return [];
  const startHour = hourOf(detection.window.start);
  return [{ startHour, endHour: state === "resolved" ? hourOf(state_changed_at) + 1 : Infinity }];
}

function levelOf({ detection }: IncidentState): unknown {
  const detector = detection.evidence["detector"];
  return typeof detector === "object" && detector !== null && "level" in detector ? detector.level : null;
}

/** Units of the watch at the last assertion. */
function watchedUnits({ detection }: IncidentState): number {
  const units = detection.evidence["units_watched"];
  return typeof units === "number" ? units : detection.candidate.units;
}

/** A rollback is shown at once, and its progress each time the evidence doubled, until it is enough to decide. */
function isProgress(incident: IncidentState, units: number): boolean {
  if (units < 1 || units >= RECOVERY_UNITS_MIN) return false;
  return incident.state !== "watching" || units >= 2 * (incident.recovery?.current.units ?? 0);
}

function startedBefore(versions: readonly ServedVersion[], a: string, b: string): boolean {
  const names = versions.map((version) => version.prompt_version);
  return names.includes(a) && names.indexOf(a) < names.indexOf(b);
}

function sumCalls(rows: readonly { readonly calls: number }[]): number {
  return rows.reduce((sum, row) => sum + row.calls, 0);
}

function byArrival(a: JudgedUnitRow, b: JudgedUnitRow): number {
  return a.judged_at.localeCompare(b.judged_at) || a.call_id.localeCompare(b.call_id);
}

/** Units until an unchanged version is cleared: the evidence needed over what one unit gives on average. */
function unitsNeeded({ watch, baseline }: Watched, units: number): number {
  const { clearanceMargin } = watch.prepared.snapshot.streams[0]!;
  const mean = Math.min(0.98, baseline.units > 0 ? baseline.score_sum / baseline.units : 0.5);
  const gain = bernoulliDivergence(mean, Math.max(0.01, mean - clearanceMargin));
  const { gains, eta } = watch.prepared.snapshot;
  const needed = Math.ceil((LOG_CLEARED + Math.log(gains.length)) / (gain * eta));
  return Math.max(1, needed - units);
}
