/**
 * How soon a worse version is seen, and how often a version that is no worse is accused: the simulation
 * behind docs/understand/detection.md, on the detector of packages/stats.
 *
 *   node --conditions=source --import tsx bench/detection/main.ts [--json] [--runs 200] [--short]
 *
 * Each alarm is recomputed from single units with `evidenceOfHour` and `foldHours`, and the first snapshot of
 * each scenario with `freezeSnapshot`; the bench stops when they disagree. The same arguments give the same
 * figures on any number of processes. 200 runs take five to ten minutes on two cores.
 */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type NullOptions, SCENARIOS, VOLUMES, type Volume } from "./scenarios.ts";
import {
  type NullFigures,
  type ScenarioFigures,
  summariseDetections,
  summariseNullYears,
  summariseVerdicts,
} from "./summary.ts";
import { SEED, type Task, type TaskResult, VERDICTS, type VerdictCase, perform } from "./task.ts";

const PROCESSES_MAX = 8;
const RUNS_A_TASK = 10;
const volumes = Object.keys(VOLUMES) as Volume[];

/** Null years a run, so that `--runs` scales everything; 200 runs make 120, 40 and 10 years. */
const NULLS: Readonly<Record<string, NullOptions & { readonly yearsPerRun: number }>> = {
  quiet: { climate: "quiet", yearsPerRun: 0.6 },
  disturbed: { climate: "disturbed", yearsPerRun: 0.6 },
  quiet_without_deploys: { climate: "quiet", deploys: false, yearsPerRun: 0.2 },
  disturbed_without_deploys: { climate: "disturbed", deploys: false, yearsPerRun: 0.2 },
  triples_tempered: { climate: "quiet", copies: 3, yearsPerRun: 0.05 },
  triples_not_tempered: { climate: "quiet", copies: 3, tempered: false, yearsPerRun: 0.05 },
};

if (process.send) {
  process.on("message", (task: Task) => process.send!(perform(task)));
} else {
  await bench();
}

async function bench(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      short: { type: "boolean", default: false },
      runs: { type: "string" },
    },
  });
  const runs = values.runs === undefined ? (values.short ? 40 : 200) : Number(values.runs);
  if (!(Number.isInteger(runs) && runs >= 1 && runs <= 100_000))
    throw new RangeError(`--runs ${values.runs}`);

  const started = performance.now();
  const results = await spread(allTasks(runs));
  const of = (name: string): readonly TaskResult[] =>
    results.filter((result) => result.name === name).toSorted((a, b) => a.from - b.from);

  const nulls: Record<string, NullFigures> = {};
  const scenarios: Record<
    string,
    ScenarioFigures & { false_alarms_per_year: number; false_alarms_per_year_disturbed: number }
  > = {};
  for (const volume of volumes) {
    for (const name of Object.keys(NULLS)) {
      nulls[`${name}_${volume}`] = summariseNullYears(of(`${name}_${volume}`).flatMap(({ years }) => years));
    }
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      const suffix = (scenario.deploy ?? true) ? "" : "_without_deploys";
      scenarios[`${name}_${volume}`] = {
        ...summariseDetections(
          of(`${name}_${volume}`).flatMap(({ detections }) => detections),
          scenario,
        ),
        false_alarms_per_year: nulls[`quiet${suffix}_${volume}`]!.false_alarms_per_year,
        false_alarms_per_year_disturbed: nulls[`disturbed${suffix}_${volume}`]!.false_alarms_per_year,
      };
    }
  }
  const verdicts = Object.fromEntries(
    Object.entries(VERDICTS).map(([name, { slice }]) => [
      name,
      summariseVerdicts(
        of(`verdict_${name}`).flatMap(({ explanations }) => explanations),
        slice,
      ),
    ]),
  );
  const folds = results.flatMap(({ detections, years }) => [...detections, ...years]);
  const difference = folds.map(({ generated, folded }) => generated - folded);
  const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
  const figures = {
    seed: SEED,
    runs,
    seconds: Math.round((performance.now() - started) / 1000),
    /** Units generated and folded, all runs; a run's excess on one side is lost, on the other duplicated. */
    units: total(folds.map(({ generated }) => generated)),
    lost: total(difference.map((d) => Math.max(0, d))),
    duplicated: total(difference.map((d) => Math.max(0, -d))),
    scenarios,
    null_years: nulls,
    verdicts,
  };

  console.log(`${runs} runs, seed ${SEED}; hours: median / 95%\n`);
  for (const [name, row] of Object.entries(scenarios)) {
    const rivals = Object.entries(row.rivals).map(([rival, one]) => `${rival} ${delay(one)}`);
    console.log(
      `${name.padEnd(30)} ${delay(row).padEnd(16)} on top ${row.slice_on_top ?? row.stream_on_top}   [${rivals.join("; ")}]`,
    );
  }
  console.log("\nfalse alarms a year");
  for (const [name, row] of Object.entries(nulls)) {
    const rivals = Object.entries(row.rivals).map(([rival, rate]) => `${rival} ${rate}`);
    console.log(
      `${name.padEnd(30)} ${String(row.false_alarms_per_year).padEnd(8)} (${row.alarms} in ${row.years} years)   [${rivals.join("; ")}]`,
    );
  }
  console.log("\nverdicts");
  for (const [name, row] of Object.entries(verdicts))
    console.log(`${name.padEnd(30)} ${JSON.stringify(row)}`);
  console.log(
    `\nunits ${figures.units}, lost ${figures.lost}, duplicated ${figures.duplicated}; ${figures.seconds} s`,
  );
  if (values.json) console.log(JSON.stringify(figures));
  if (figures.lost > 0 || figures.duplicated > 0) process.exitCode = 1;
}

function delay(row: { median_hours: number | null; p95_hours: number | null; never: number }): string {
  const never = row.never > 0 ? `, ${Math.round(1000 * row.never) / 10}% never` : "";
  return `${row.median_hours ?? "–"} / ${row.p95_hours ?? "–"}${never}`;
}

/** The longest first, so that no process works alone at the end. */
function allTasks(runs: number): Task[] {
  const tasks: Task[] = [];
  for (const volume of volumes.toReversed()) {
    for (const [name, { yearsPerRun, ...options }] of Object.entries(NULLS)) {
      tasks.push(
        ...parts(Math.max(1, Math.round(runs * yearsPerRun)), `${name}_${volume}`, {
          kind: "null",
          volume,
          options,
        }),
      );
    }
    for (const scenario of Object.keys(SCENARIOS)) {
      tasks.push(...parts(runs, `${scenario}_${volume}`, { kind: "detection", scenario, volume }));
    }
  }
  for (const verdict of Object.keys(VERDICTS) as VerdictCase[]) {
    tasks.push(...parts(runs, `verdict_${verdict}`, { kind: "verdict", verdict }));
  }
  return tasks;
}

type Kind = { [K in Task["kind"]]: Omit<Extract<Task, { kind: K }>, "name" | "from" | "to"> }[Task["kind"]];

function parts(runs: number, name: string, kind: Kind): Task[] {
  return Array.from({ length: Math.ceil(runs / RUNS_A_TASK) }, (_, i) => ({
    ...kind,
    name,
    from: i * RUNS_A_TASK,
    to: Math.min(runs, (i + 1) * RUNS_A_TASK),
  }));
}

/** Hands tasks to as many processes as there are cores; one that fails ends the bench. */
async function spread(tasks: readonly Task[]): Promise<TaskResult[]> {
  const results: TaskResult[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    const child = fork(fileURLToPath(import.meta.url), { serialization: "advanced" });
    try {
      await new Promise<void>((resolve, reject) => {
        const give = (): void => {
          const task = tasks[next++];
          if (task === undefined) resolve();
          else child.send(task);
        };
        child.on("message", (result: TaskResult) => {
          results.push(result);
          give();
        });
        child.once("error", reject);
        child.once("exit", (code) => reject(new Error(`a process of the bench ended with code ${code}`)));
        give();
      });
    } finally {
      child.kill();
    }
  };
  await Promise.all(Array.from({ length: Math.min(PROCESSES_MAX, availableParallelism()) }, work));
  return results;
}
