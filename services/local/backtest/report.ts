/** What a replay found, as the incidents topic and the monitor's states tell it. */
import { foldIncident, type IncidentState } from "@plumbline/alerts";
import { type EventLog, readEvent, readPages } from "@plumbline/ports";
import { type Detection, HOUR_MS, IncidentEvent, type Verdict } from "@plumbline/schemas";
import { REFERENCE_MIN } from "@plumbline/stats";
import { OWN_REFERENCE_UNITS } from "../../monitor/quality/watch/baseline.ts";
import type { VersionState } from "../../monitor/quality/watch/version-states.ts";

const READ_RECORDS = 1_000;

interface FoundIncident {
  readonly kind: Detection["kind"];
  readonly use_case: string;
  readonly candidate: string | null;
  readonly incumbent: string | null;
  /** When it fired, ISO 8601 UTC. */
  readonly detected_at: string;
  /** From the version's first call to then; null when no version is meant. */
  readonly hours_since_version: number | null;
  /** Judged since the version started, then; 0 where nothing is judged. */
  readonly judged_units: number;
  /** Candidate minus incumbent in the metric's unit, newest numbers; the rest of the entry is of the same time. */
  readonly effect: number;
  readonly interval: readonly [number, number];
  readonly metric?: string;
  readonly feature?: string;
  readonly severity: Detection["severity"];
  /** Of quality, by the newest numbers: a ticket needs a tenth of the evidence of a page; null for other kinds. */
  readonly level: "ticket" | "page" | null;
  /** When the evidence was first that of a page, ISO 8601 UTC; null while it is a ticket, and for other kinds. */
  readonly paged_at: string | null;
  /** Judged since the version started, then. */
  readonly paged_units: number | null;
  readonly method: string;
  /** What raised an incident of quality: the detector over traffic and slices, or inputs that both versions answered. */
  readonly detector: "streams" | "same_input_pairs" | null;
  readonly verdict: Detection["verdict"];
  readonly slices: readonly {
    readonly name: string;
    readonly share_of_traffic: number;
    readonly share_of_drop: number;
  }[];
  /** With verdict INCONCLUSIVE: about how many more until it is known where quality fell; else null. */
  readonly units_needed: number | null;
  readonly recovered_at: string | null;
}

interface ClearedVersion {
  readonly version: string;
  readonly at: string;
  readonly units: number;
  readonly metric: string;
}

interface UndecidedVersion {
  readonly version: string;
  readonly units: number;
  /** About how many more until the version is decided. */
  readonly units_needed: number;
  readonly metric: string;
  /**
   * Mean score minus the predecessor's over the whole history, with its 95% interval: valid because history does not
   * grow, and for one look. Null with fewer than 30 units on a side.
   */
  readonly effect: number | null;
  readonly interval: readonly [number, number] | null;
}

interface BacktestCoverage {
  /** Share of conversations that were selected for judging. */
  readonly rate: number;
  /** Calls; the states add up to `sampled`. */
  readonly sampled: number;
  readonly scored: number;
  readonly cannot_judge: number;
  readonly failed: number;
  readonly expired: number;
  readonly over_budget: number;
  readonly unjudged: number;
  /** Calls that could not become a row. */
  readonly dead_letters: number;
}

export interface BacktestReport {
  readonly calls: number;
  /** Calls with at least one score. */
  readonly judged: number;
  readonly incidents: readonly FoundIncident[];
  readonly cleared: readonly ClearedVersion[];
  readonly inconclusive: readonly UndecidedVersion[];
  readonly coverage: BacktestCoverage;
}

interface Episode {
  readonly first: Detection;
  /** The first page. */
  readonly page: { readonly at: string; readonly detection: Detection } | null;
  readonly state: IncidentState;
}

/**
 * Every incident of the log, in the order of firing. One that fired again long after its end is two.
 *
 * @param onEvent gets every event of every incident, in the order of the log
 */
export async function readIncidents(
  log: Pick<EventLog, "read">,
  onEvent: (event: IncidentEvent) => void = () => undefined,
): Promise<readonly FoundIncident[]> {
  const found = new Map<string, Episode>();
  const states = new Map<string, IncidentState>();
  for await (const records of readPages(log, "plumbline.incidents", 0, {
    from: 0,
    recordsMax: READ_RECORDS,
  })) {
    for (const record of records) {
      const event = readEvent(record, IncidentEvent);
      if (event === null) throw new Error(`record ${record.offset} of plumbline.incidents is no event`);
      onEvent(event);
      const state = foldIncident(states.get(event.incident_id) ?? null, event);
      if (state === null) continue;
      states.set(event.incident_id, state);
      const key = `${event.incident_id} ${state.episode}`;
      const known = found.get(key);
      const page =
        known?.page ??
        (levelOf(state.detection) === "page" ? { at: event.at, detection: state.detection } : null);
      found.set(key, { first: known?.first ?? state.detection, page, state });
    }
  }
  return [...found.values()]
    .map((episode) => describe(episode))
    .sort((a, b) => a.detected_at.localeCompare(b.detected_at) || a.kind.localeCompare(b.kind));
}

function describe({ first, page, state }: Episode): FoundIncident {
  const { detection } = state;
  const detectedAt = state.opened_at;
  const startedAt = first.version_started_at;
  const isDrift = detection.kind === "input_drift" || detection.kind === "output_drift";
  return {
    kind: detection.kind,
    use_case: detection.use_case,
    candidate: detection.candidate.prompt_version || null,
    incumbent: detection.incumbent?.prompt_version || null,
    detected_at: detectedAt,
    hours_since_version:
      startedAt === null ? null : round((Date.parse(detectedAt) - Date.parse(startedAt)) / HOUR_MS, 2),
    judged_units: judgedUnits(first),
    effect: round(detection.effect, 6),
    interval: [round(detection.interval[0], 6), round(detection.interval[1], 6)],
    ...(isDrift ? { feature: detection.metric.name } : { metric: detection.metric.name }),
    severity: detection.severity,
    level: levelOf(detection),
    paged_at: page?.at ?? null,
    paged_units: page === null ? null : judgedUnits(page.detection),
    method: detection.method,
    detector: detection.kind === "quality" ? (detection.evidence.detector?.kind ?? null) : null,
    verdict: detection.verdict,
    slices: detection.slices.map(({ name, share_of_traffic, share_of_drop }) => ({
      name,
      share_of_traffic: round(share_of_traffic, 4),
      share_of_drop: round(share_of_drop, 4),
    })),
    units_needed: detection.verdict === "INCONCLUSIVE" ? unitsNeeded(detection) : null,
    recovered_at: state.state === "resolved" ? state.state_changed_at : null,
  };
}

function levelOf(detection: Detection): "ticket" | "page" | null {
  return detection.kind === "quality" ? (detection.evidence.detector?.level ?? null) : null;
}

/** Of a watched version since it started; 0 where nothing is judged. */
function judgedUnits(detection: Detection): number {
  return detection.kind === "quality" ? detection.evidence.units_watched : 0;
}

function unitsNeeded(detection: Detection): number | null {
  return detection.kind === "quality" ? (detection.evidence.explanation?.units_needed ?? null) : null;
}

interface VersionScores {
  readonly series: string;
  readonly version: string;
  readonly metric: string;
  units: number;
  sum: number;
  squares: number;
}

const DIFFERENCE_UNITS_MIN = 30;
const Z_95 = 1.959964;

function difference(
  before: VersionScores | undefined,
  now: VersionScores,
): Pick<UndecidedVersion, "effect" | "interval"> {
  if (before === undefined || before.units < DIFFERENCE_UNITS_MIN || now.units < DIFFERENCE_UNITS_MIN) {
    return { effect: null, interval: null };
  }
  const effect = now.sum / now.units - before.sum / before.units;
  const half = Z_95 * Math.sqrt(varianceOfMean(before) + varianceOfMean(now));
  return { effect: round(effect, 6), interval: [round(effect - half, 6), round(effect + half, 6)] };
}

function varianceOfMean({ units, sum, squares }: VersionScores): number {
  return Math.max(0, squares - (sum * sum) / units) / (units - 1) / units;
}

/** Scored units by use case, criterion and version, and when each version came: what the states don't tell. */
export class JudgedVersions {
  readonly #units = new Map<string, VersionScores>();
  readonly #versions = new Map<string, string[]>();
  readonly #calls = new Set<string>();

  /** Calls with at least one score. */
  get judgedCalls(): number {
    return this.#calls.size;
  }

  add({ use_case, criterion, prompt_version, state, call_id, score }: Verdict): void {
    if (prompt_version !== "") {
      const series = JSON.stringify([use_case, criterion]);
      const known = this.#versions.get(series) ?? [];
      if (!known.includes(prompt_version)) this.#versions.set(series, [...known, prompt_version]);
      const key = JSON.stringify([series, prompt_version]);
      const row = this.#units.get(key) ?? {
        series,
        version: prompt_version,
        metric: criterion,
        units: 0,
        sum: 0,
        squares: 0,
      };
      if (state === "scored" && score !== null) {
        row.units += 1;
        row.sum += score;
        row.squares += score * score;
      }
      this.#units.set(key, row);
    }
    if (state === "scored") this.#calls.add(call_id);
  }

  /** Versions with a predecessor that are neither cleared nor found worse, and those that are still watched. */
  undecided(
    states: readonly VersionState[],
    incidents: readonly FoundIncident[],
  ): readonly UndecidedVersion[] {
    const result: UndecidedVersion[] = [];
    for (const scores of this.#units.values()) {
      const { series, version, metric, units } = scores;
      const [useCase] = JSON.parse(series) as [string];
      const isFound = incidents.some(
        (each) =>
          each.kind === "quality" &&
          each.use_case === useCase &&
          each.metric === metric &&
          each.candidate === version,
      );
      if (isFound) continue;
      const own = states.filter(
        (row) => row.use_case === useCase && row.criterion === metric && row.prompt_version === version,
      );
      const state = own.at(-1);
      if (state !== undefined && state.state !== "WATCHING") continue;
      const versions = this.#versions.get(series) ?? [];
      const position = versions.indexOf(version);
      if (state === undefined && position === 0 && versions.length > 1) continue;
      result.push({
        version,
        metric,
        units,
        units_needed: state?.units_needed ?? this.#untilBaseline(series, versions.slice(0, position), units),
        ...difference(this.#units.get(JSON.stringify([series, versions[position - 1]])), scores),
      });
    }
    return result;
  }

  /** Without a baseline: until the predecessors, or the version itself, have enough to be one. */
  #untilBaseline(series: string, before: readonly string[], own: number): number {
    const reference = before.reduce(
      (sum, version) => sum + (this.#units.get(JSON.stringify([series, version]))?.units ?? 0),
      0,
    );
    const untilOwn = OWN_REFERENCE_UNITS - own;
    return Math.max(1, before.length === 0 ? untilOwn : Math.min(untilOwn, REFERENCE_MIN - reference));
  }
}

export function clearedVersions(states: readonly VersionState[]): readonly ClearedVersion[] {
  return states
    .filter(({ state }) => state === "CLEARED")
    .map(({ prompt_version, at, units, criterion }) => ({
      version: prompt_version,
      at,
      units,
      metric: criterion,
    }));
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
