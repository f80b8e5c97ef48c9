/** Runs scenarios, those of production one after another on one stack, and sums up what they found. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { javaProblem } from "../../infra/kafka/broker.ts";
import { startProduction, type Production } from "./processes/production.ts";
import { type ScenarioResult, type SuiteResult, sumUp } from "./report/result.ts";
import { ScenarioRun, SkipError, type Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/index.ts";

export interface SuiteOptions {
  readonly seed: number;
  readonly isShort: boolean;
  /** Only the scenarios of these names, or of these faults; empty: all. */
  readonly only: readonly string[];
  /** No scenario begins after so many minutes. */
  readonly minutes: number;
  readonly say: (line: string) => void;
}

/** @throws Error for a name that is no scenario's; a scenario that fails is in the result */
export async function runSuite(options: SuiteOptions): Promise<SuiteResult> {
  const { seed, isShort, only, minutes, say } = options;
  const chosen = choose(only, isShort);
  const started = performance.now();
  const startedAt = new Date().toISOString();
  const results: ScenarioResult[] = [];
  let production: Promise<Production> | null = null;
  const share = (): Promise<Production> => {
    production ??= startProduction();
    return production;
  };
  await buildServices();
  const withoutKafka = await javaProblem();

  async function runOne(scenario: Scenario, index: number): Promise<void> {
    const run = new ScenarioRun({ seed: seed + index, isShort, production: share });
    const began = performance.now();
    const beganAt = new Date().toISOString();
    let skipped: string | undefined;
    if (performance.now() - started > minutes * 60_000) skipped = `${minutes} minutes were over`;
    else if (scenario.runsOn === "production" && withoutKafka !== null) skipped = withoutKafka;
    else skipped = await outcomeOf(scenario, run);
    results[index] = resultOf(scenario, run, { startedAt: beganAt, skipped, seconds: secondsSince(began) });
    say(lineOf(results[index]));
  }

  // Local mode and production share nothing but the machine, and both wait more than they work: the long form runs them
  // side by side, the short one gives each all of a machine that runs other tests.
  const lanes: readonly (readonly Scenario["runsOn"][])[] = isShort
    ? [["local", "production"]]
    : [["local"], ["production"]];
  await Promise.all(
    lanes.map(async (lane) => {
      for (const [index, scenario] of chosen.entries())
        if (lane.includes(scenario.runsOn)) await runOne(scenario, index);
    }),
  );
  // A stack that did not start is a problem of the scenarios that asked for it.
  const stack = await (production as Promise<Production> | null)?.catch(() => null);
  await stack?.close();

  return sumUp(
    {
      seed,
      form: isShort ? "short" : "long",
      started_at: startedAt,
      seconds: secondsSince(started),
    },
    results,
    only.length === 0,
  );
}

function resultOf(
  { faults, name, runsOn, injects, holds }: Scenario,
  { tally, counts, problems }: ScenarioRun,
  { startedAt, skipped, seconds }: { startedAt: string; skipped: string | undefined; seconds: number },
): ScenarioResult {
  return {
    faults,
    name,
    log: runsOn === "local" ? "lmdb" : "Kafka",
    injects,
    holds,
    started_at: startedAt,
    passed: skipped === undefined && problems.length === 0,
    ...(skipped === undefined ? {} : { skipped }),
    kills: tally.total,
    kills_by_process: tally.byProcess,
    counts,
    problems,
    seconds,
  };
}

function choose(only: readonly string[], isShort: boolean): readonly Scenario[] {
  for (const name of only) {
    if (!SCENARIOS.some((scenario) => isNamed(scenario, name)))
      throw new Error(
        `--scenario ${name}: there is none; there are ${SCENARIOS.map((each) => each.name).join(", ")}`,
      );
  }
  if (only.length > 0) return SCENARIOS.filter((scenario) => only.some((name) => isNamed(scenario, name)));
  return isShort ? SCENARIOS.filter((scenario) => scenario.isInShortForm) : SCENARIOS;
}

function isNamed({ name, faults }: Scenario, wanted: string): boolean {
  return name === wanted || faults.split(", ").includes(wanted);
}

/** Why it was skipped, else undefined. Whatever else it throws is a problem of the run. */
async function outcomeOf(scenario: Scenario, run: ScenarioRun): Promise<string | undefined> {
  try {
    await scenario.run(run);
  } catch (error) {
    if (error instanceof SkipError) return error.message;
    run.problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  return undefined;
}

/** What is killed is what `npm run build` makes: a start from source takes three times as long. */
async function buildServices(): Promise<void> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const build = spawn(process.execPath, ["node_modules/typescript/bin/tsc", "-b", "services"], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [code] = (await once(build, "exit")) as [number | null];
  if (code !== 0) throw new Error("the services do not build; the messages are above");
}

function lineOf({ name, passed, skipped, kills, counts, problems, seconds }: ScenarioResult): string {
  const state = skipped === undefined ? (passed ? "holds" : "FAILS") : `NOT RUN: ${skipped}`;
  const numbers = Object.entries({ kills, ...counts }).map(([key, value]) => `${key} ${value}`);
  return [
    `${name}: ${state}, ${seconds} s, ${numbers.join(", ")}`,
    ...problems.map((each) => `  ${each}`),
  ].join("\n");
}

function secondsSince(began: number): number {
  return Math.round((performance.now() - began) / 1_000);
}
