/** What a run of the suite found: one object for `--json`, one table for people. */
import type { Kills } from "../processes/tally.ts";

export interface ScenarioResult {
  readonly faults: string;
  readonly name: string;
  readonly log: "lmdb" | "Kafka";
  readonly injects: string;
  readonly holds: string;
  readonly passed: boolean;
  /** Why it did not run here; absent when it ran. */
  readonly skipped?: string;
  readonly kills: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
  readonly seconds: number;
}

export interface SuiteResult {
  readonly seed: number;
  readonly form: "long" | "short";
  readonly started_at: string;
  readonly seconds: number;
  readonly passed: boolean;
  readonly kills: number;
  readonly kills_by_process: Readonly<Record<string, Kills & { readonly memory_mb_max: number }>>;
  readonly acknowledged: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly invented: number;
  readonly altered: number;
  readonly dead_lettered: number;
  readonly scenarios: readonly ScenarioResult[];
  /** What the long form asks for and this run did not reach. */
  readonly missed: readonly string[];
}

/** The long form shows little with fewer. */
const ACKNOWLEDGED_MIN = 1_000_000;
const KILLS_MIN = 1_000;
const KILLS_A_PROCESS_MIN = 50;
const WRITER_KILLS_MIN = 400;
const SECONDS_MAX = 3_600;
const PROCESSES = ["local", "collector", "writer", "judge", "monitor", "notifier", "registry", "policy"];

/** The conditions of a whole long run that a run did not meet. */
export function missedGoals(result: Omit<SuiteResult, "missed" | "passed">): readonly string[] {
  const missed: string[] = [];
  const atLeast = (what: string, actual: number, least: number): void => {
    if (actual < least) missed.push(`${what}: ${actual}, at least ${least}`);
  };
  atLeast("acknowledged", result.acknowledged, ACKNOWLEDGED_MIN);
  atLeast("kills", result.kills, KILLS_MIN);
  for (const name of PROCESSES) {
    const least = name === "writer" ? WRITER_KILLS_MIN : KILLS_A_PROCESS_MIN;
    atLeast(`kills of ${name}`, result.kills_by_process[name]?.total ?? 0, least);
  }
  if (result.seconds > SECONDS_MAX) missed.push(`seconds: ${result.seconds}, at most ${SECONDS_MAX}`);
  return missed;
}
