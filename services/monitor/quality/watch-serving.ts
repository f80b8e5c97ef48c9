/** Gives every serving version its watch, as soon as there is a baseline; drops the watches of versions that are gone. */
import type { IncidentFold } from "@plumbline/alerts";
import type { BaselineInsert, BaselineRow, Store } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { HOUR_MS } from "@plumbline/schemas";
import { prepareSnapshot, REFERENCE_MIN } from "@plumbline/stats";
import {
  type BaselineOptions,
  chooseBaseline,
  isProvisional,
  OWN_REFERENCE_UNITS,
  REFERENCE_REACH_MS,
  snapshotOf,
  startOf,
} from "./watch/baseline.ts";
import type { RegistryView } from "../deploys/registry-view.ts";
import { evidenceRows, feed, type VerdictReader } from "./verdict-reader.ts";
import { incidentHours, isMuted, regressedVersions, resumedHour } from "../report/append-incident.ts";
import { pairsOf } from "./watch/watch-pairs.ts";
import {
  baselineOf,
  keepBaseline,
  type KnownSeries,
  throughHour,
  type Watched,
} from "./watch/series-book.ts";
import type { MonitorPass } from "./watch/monitor-pass.ts";
import { localHour, zoneOrUtc } from "../counts/local-hours.ts";
import { hourOf, REBUILD_HOURS } from "../units/series.ts";
import type { ServedVersion, ServedVersions } from "../deploys/served-versions.ts";
import type { VersionStates } from "./watch/version-states.ts";
import { VersionWatch } from "./watch/version-watch.ts";

/** Fewest new units of a series after which a version without a baseline tries again. */
const RETRY_UNITS_MIN = 20;

interface WatchServingDeps {
  readonly store: Pick<Store, "insertEvidence">;
  readonly logger: Logger;
  readonly incidents: IncidentFold;
  readonly options: BaselineOptions;
  readonly served: ServedVersions;
  readonly states: VersionStates;
  readonly registry: RegistryView;
  /** Takes a baseline that was just frozen, to be stored before it is quoted. */
  readonly freeze: (row: BaselineInsert) => void;
}

/** After a restart: watches of versions that had one, empty, to be filled as verdicts are read. */
export function resumeWatches(known: KnownSeries, nowMs: number, deps: WatchServingDeps): void {
  for (const { prompt_version } of servingVersions(known, deps.served)) {
    const baseline = baselineOf(known, prompt_version);
    if (baseline !== undefined && !isMuted(deps.incidents, known.series, prompt_version))
      beginWatch(known, baseline, nowMs, deps);
  }
}

export async function watchServing(
  known: KnownSeries,
  pass: MonitorPass,
  reader: VerdictReader,
  deps: WatchServingDeps,
): Promise<void> {
  const serving = new Set<string>();
  for (const version of servingVersions(known, deps.served)) {
    const name = version.prompt_version;
    serving.add(name);
    const watched = known.watches.get(name);
    if (watched !== undefined && !isProvisional(watched.baseline)) continue;
    if (isMuted(deps.incidents, known.series, name)) continue;
    const stored = watched === undefined ? baselineOf(known, name) : undefined;
    const baseline = stored ?? (await freeze(known, version, pass, deps));
    if (baseline === undefined) continue;
    const next = beginWatch(known, baseline, pass.nowMs, deps);
    try {
      await fill(known, next, pass, reader, deps);
      // Freezing has just read these units; later they would be read again.
      await pairsOf(known, next, pass);
    } catch (error) {
      // Half a watch would pass for a whole one; the next pass begins it anew.
      known.watches.delete(name);
      throw error;
    }
    deps.states.note(baseline, "WATCHING", next.watch.read(throughHour(next, pass.nowMs)), pass.nowMs);
  }
  for (const [name, watched] of known.watches) {
    if (serving.has(name)) continue;
    deps.states.leave(watched, pass.nowMs);
    known.watches.delete(name);
  }
}

/** Versions that serve: called within the last quarter of an hour of the use case's traffic. */
function servingVersions({ series }: KnownSeries, served: ServedVersions): readonly ServedVersion[] {
  return served.of(series).filter((version) => served.goneSince(series, version.prompt_version) === null);
}

function beginWatch(
  known: KnownSeries,
  baseline: BaselineRow,
  nowMs: number,
  { incidents }: WatchServingDeps,
): Watched {
  const frozen = startOf(baseline);
  const resumed = resumedHour(incidents, known.series, baseline.prompt_version);
  const earliest = hourOf(nowMs) - REBUILD_HOURS;
  const fromHour = Math.max(frozen.fromHour, resumed ?? -Infinity, earliest);
  // A later start than the deploy's is one hour like any other.
  const start = { fromHour, startWeight: fromHour === frozen.fromHour ? frozen.startWeight : 1 };
  const watched: Watched = {
    baseline,
    start,
    watch: new VersionWatch(prepareSnapshot(snapshotOf(baseline), localHour), start),
    isDirty: false,
  };
  known.watches.set(baseline.prompt_version, watched);
  return watched;
}

/** Fills a watch that begins before what is read anyway. */
async function fill(
  known: KnownSeries,
  watched: Watched,
  pass: MonitorPass,
  reader: VerdictReader,
  { store }: WatchServingDeps,
): Promise<void> {
  const { baseline, watch, start } = watched;
  const units = await pass.unitsSince(known.series, start.fromHour * HOUR_MS);
  feed(watched, units, pass.nowMs);
  const closed = watch.closeThrough(reader.readFromHour - 1);
  const rows = closed.flatMap((evidence) => evidenceRows(baseline, evidence, pass.nowMs));
  if (rows.length > 0) await store.insertEvidence(rows);
}

async function freeze(
  known: KnownSeries,
  version: ServedVersion,
  pass: MonitorPass,
  { incidents, served, options, registry, logger, freeze: keep }: WatchServingDeps,
): Promise<BaselineInsert | undefined> {
  const retry = known.retries.get(version.prompt_version);
  if (retry !== undefined && known.units < retry.units && pass.nowMs < retry.ms) return undefined;
  const history = incidents.ofSeries(known.series);
  await registry.refresh();
  const choice = chooseBaseline({
    series: known.series,
    version,
    versions: served.of(known.series),
    units: await pass.unitsSince(known.series, pass.nowMs - REFERENCE_REACH_MS),
    regressed: regressedVersions(history),
    incidents: history.flatMap((incident) => incidentHours(incident)),
    earlier: known.baselines,
    deployHours: [...known.deployHours],
    nowMs: pass.nowMs,
    options,
    isCanary: registry.hasShare(known.series, version.prompt_version),
    changedWords: (before, after) => registry.changedWords(known.series, before, after),
    timeZone: zoneOrUtc(registry.timeZone(known.series)),
  });
  if (choice.kind === "not_enough_data") {
    // Each try reads four weeks of units: the next one waits until half of the missing units can have come.
    const missing = Math.min(REFERENCE_MIN - choice.referenceUnits, OWN_REFERENCE_UNITS - choice.ownUnits);
    known.retries.set(version.prompt_version, {
      units: known.units + Math.max(RETRY_UNITS_MIN, missing / 2),
      ms: pass.nowMs + HOUR_MS,
    });
    return undefined;
  }
  keep(choice.row);
  keepBaseline(known, choice.row, pass.nowMs);
  const { snapshot_id, use_case, prompt_version, units } = choice.row;
  logger.info({ snapshot_id, use_case, prompt_version, units }, "monitor.baseline");
  return choice.row;
}
