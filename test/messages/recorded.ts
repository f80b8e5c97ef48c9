/** Incidents of the backtests of docs/understand/backtest.md, recorded by `npm run messages -- --record`. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { foldIncident, type IncidentState } from "@plumbline/alerts";
import { createLogger } from "@plumbline/runtime/logger";
import { IncidentEvent } from "@plumbline/schemas";
import { backtest, type BacktestOptions } from "@plumbline/services/local/backtest/replay";

const FILE = new URL("backtest-incidents.jsonl", import.meta.url);
const DATA = fileURLToPath(new URL("../../../shared/data/open/", import.meta.url));
const HOUR_MS = 3_600_000;

type Run = Pick<BacktestOptions, "events"> & Partial<BacktestOptions>;

/** The whole files but for the first: its first days hold all that it has to say before the rollback. */
const RUNS: readonly Run[] = [
  {
    events: "incident_money_qmsum",
    arrivals: `${DATA}incident_money_qmsum.arrivals.csv.gz`,
    judgeNoise: 0.3,
    until: "2024-01-17T00:00:00Z",
    stepMs: 3 * HOUR_MS,
  },
  { events: "modeldrift_prime_gpt4", stepMs: 6 * HOUR_MS },
  { events: "quality_frank_a", stepMs: 6 * HOUR_MS },
  { events: "quality_refchecker_a", stepMs: 6 * HOUR_MS },
  { events: "quality_xsum_a", stepMs: 6 * HOUR_MS },
  { events: "quality_mtsdialog_a", stepMs: 6 * HOUR_MS },
  { events: "drift_banking77", stepMs: 6 * HOUR_MS },
];

/** One alert as it stood after one of its events. */
export interface RecordedAlert {
  /** The file that was replayed. */
  readonly run: string;
  readonly state: IncidentState;
}

/**
 * Replays the files and writes what became of each incident: its first and newest detection, and its end. What was recorded
 * of other files stays.
 *
 * @param names of the files; all when there are none
 */
export async function recordIncidents(
  names: readonly string[],
  onRun: (name: string, incidents: number) => void,
): Promise<void> {
  if (!existsSync(DATA)) throw new Error(`the data of the backtests is not at ${DATA}`);
  for (const { events: name, ...options } of RUNS) {
    if (names.length > 0 && !names.includes(name)) continue;
    const events: IncidentEvent[] = [];
    await backtest({
      judge: "labels",
      environment: {},
      logger: createLogger("backtest", "error"),
      ...options,
      events: `${DATA}${name}.events.jsonl.gz`,
      onIncident: (event) => void events.push(event),
    });
    const kept = events.filter((event, i) => isKept(event, events.slice(0, i), events.slice(i + 1)));
    const lines = kept.map((event) => JSON.stringify({ run: name, event }));
    const others = readLines().filter((line) => (JSON.parse(line) as { run: string }).run !== name);
    writeFileSync(FILE, `${[...others, ...lines].join("\n")}\n`);
    onRun(name, new Set(events.map(({ incident_id }) => incident_id)).size);
  }
}

function readLines(): readonly string[] {
  if (!existsSync(FILE)) return [];
  return readFileSync(FILE, "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

/** Every alert after each of its recorded events, in their order. */
export function readAlerts(): readonly RecordedAlert[] {
  const states = new Map<string, IncidentState>();
  return readLines().flatMap((line) => {
    const { run, event: recorded } = JSON.parse(line) as { run: string; event: unknown };
    const event = IncidentEvent.parse(recorded);
    const key = `${run} ${event.incident_id}`;
    const state = foldIncident(states.get(key) ?? null, event);
    if (state === null) return [];
    states.set(key, state);
    return [{ run, state }];
  });
}

/** Names of the files' own: of the use case, and of attributes with their values. */
export function namesOf({ detection }: IncidentState): readonly string[] {
  const slices = detection.slices.map(({ name }) => name).filter((name) => name.includes("="));
  return [detection.use_case, ...slices];
}

/** What lies between the first and the newest numbers of an incident reads like them. */
function isKept(
  event: IncidentEvent,
  before: readonly IncidentEvent[],
  after: readonly IncidentEvent[],
): boolean {
  const isSame = (other: IncidentEvent): boolean =>
    other.incident_id === event.incident_id && other.type === event.type;
  return !before.some(isSame) || !after.some(isSame);
}
