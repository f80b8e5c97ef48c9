/** What a run of the suite found: one object for `--json`, one table for people. */
import type { Kills } from "../processes/tally.ts";

type KillsByProcess = Readonly<Record<string, Kills & { readonly memory_mb_max: number }>>;

export interface ScenarioResult {
  readonly faults: string;
  readonly name: string;
  readonly log: "lmdb" | "Kafka";
  readonly injects: string;
  readonly holds: string;
  readonly started_at: string;
  readonly passed: boolean;
  /** Why it did not run here; absent when it ran. */
  readonly skipped?: string;
  readonly kills: number;
  readonly kills_by_process: KillsByProcess;
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
  readonly kills_by_process: KillsByProcess;
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

/** Sums up scenarios, and holds them against what the long form asks for when they are all there are. */
export function sumUp(
  run: Pick<SuiteResult, "seed" | "form" | "started_at" | "seconds">,
  scenarios: readonly ScenarioResult[],
  isWhole: boolean,
): SuiteResult {
  const sum = (name: string): number =>
    scenarios.reduce((total, each) => total + (each.counts[name] ?? 0), 0);
  const kills: Record<string, Kills & { readonly memory_mb_max: number }> = {};
  for (const each of scenarios) {
    for (const [name, more] of Object.entries(each.kills_by_process)) {
      const before = kills[name];
      kills[name] = {
        total: (before?.total ?? 0) + more.total,
        sigkill: (before?.sigkill ?? 0) + more.sigkill,
        sigterm: (before?.sigterm ?? 0) + more.sigterm,
        while_starting: (before?.while_starting ?? 0) + more.while_starting,
        memory_mb_max: Math.max(before?.memory_mb_max ?? 0, more.memory_mb_max),
      };
    }
  }
  const result = {
    ...run,
    kills: scenarios.reduce((total, each) => total + each.kills, 0),
    kills_by_process: kills,
    acknowledged: sum("acknowledged"),
    lost: sum("lost"),
    duplicated: sum("duplicated"),
    invented: sum("invented"),
    altered: sum("altered"),
    dead_lettered: sum("dead_lettered"),
    scenarios,
  };
  const missed = isWhole && run.form === "long" ? missedGoals(result) : [];
  return { ...result, missed, passed: missed.length === 0 && scenarios.every((each) => each.passed) };
}

/**
 * withRepeated returns a whole long run with the rows of scenarios that were run again in its place. Null when it is of
 * other scenarios.
 */
export function withRepeated(whole: SuiteResult, again: SuiteResult): SuiteResult | null {
  const isKnown = again.scenarios.every(({ name }) => whole.scenarios.some((each) => each.name === name));
  if (!isKnown || whole.form !== again.form) return null;
  const scenarios = whole.scenarios.map(
    (row) => again.scenarios.find(({ name }) => name === row.name) ?? row,
  );
  return sumUp(whole, scenarios, true);
}

/** The conditions of a whole long run that a run did not meet. */
function missedGoals(result: Omit<SuiteResult, "missed" | "passed">): readonly string[] {
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
