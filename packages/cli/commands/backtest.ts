import { count } from "../text/spoken.ts";
import { MINUTE_MS } from "@plumbline/schemas";
import { InvalidArgumentError } from "commander";
import { createLogger } from "@plumbline/runtime/logger";
import { backtest, JUDGES } from "@plumbline/services/local/backtest/replay";
import type { AddCommand } from "../shell/command.ts";
import { UsageError } from "../shell/failure.ts";
import { createProgress } from "../shell/progress.ts";
import { secretOf } from "../project/project-options.ts";
import { readTime } from "../sql/read-window.ts";
import { describeReport } from "./describe-report.ts";

const DAY_MINUTES = 1_440;

type Judge = (typeof JUDGES)[number];

interface BacktestFlags {
  readonly events: string;
  readonly arrivals?: string;
  readonly judge: Judge;
  readonly judgeNoise: number;
  readonly criterion?: readonly string[];
  readonly rate?: number;
  readonly step: number;
  readonly until?: string;
}

export const addBacktest: AddCommand = (program, context) => {
  program
    .command("backtest")
    .summary("replay history and see what would have fired")
    .description(
      "Replays history through the writer, the judge and the monitor, with event time as the clock, and prints each incident that would have fired: when, after how many hours and judged conversations, how large, in which slice.",
    )
    .usage("--events FILE [options]")
    .addHelpText(
      "before",
      `Examples:
  plumbline backtest --events history.events.jsonl.gz
  plumbline backtest --events texts.jsonl.gz --arrivals traffic.csv.gz --judge-noise 0.3 --json
  plumbline backtest --events history.jsonl --judge lexical --rate 0.2
`,
    )
    .requiredOption("--events <file>", "events, one JSON object a line, sorted by ts; gzip or plain")
    .option("--arrivals <file>", "ts,item_id,prompt_version,output_version: a traffic plan over the events")
    .option(
      "--judge <who>",
      "labels (of the file), lexical, or llm (PLUMBLINE_JUDGE_PROVIDER and friends)",
      readJudge,
      "labels" satisfies Judge,
    )
    .option(
      "--judge-noise <sd>",
      "normal error on every label, then clipped to 0..1",
      numberIn((sd) => sd >= 0 && sd <= 1, "0 to 1"),
      0,
    )
    .option(
      "--criterion <name=field>",
      "with --judge labels: judge this field of the event; may be repeated.\nElse quality=label.quality, faithfulness=label.faithful, completeness=meta.fact_recall",
      readCriterion,
    )
    .option(
      "--rate <r>",
      "share of conversations judged, 0 < r <= 1 (default: 0.05, and 1 below 20,000 calls)",
      numberIn((rate) => rate > 0 && rate <= 1, "above 0, at most 1"),
    )
    .option(
      "--step <minutes>",
      "event time between two looks of the monitor",
      numberIn(isStep, "whole minutes that divide a day"),
      60,
    )
    .option(
      "--until <time>",
      "leave out what is at or after this time (ISO 8601, UTC unless it says otherwise)",
      readUntil,
    )
    .action(async (flags: BacktestFlags) => {
      const { judge, judgeNoise, criterion: criteria = [] } = flags;
      if (judgeNoise > 0 && judge !== "labels") throw new UsageError("--judge-noise is for --judge labels");
      if (criteria.length > 0 && judge !== "labels")
        throw new UsageError("--criterion is for --judge labels");
      const { stdout, stderr, signal } = context.io;
      const environment =
        judge === "llm"
          ? {
              ...context.io.environment,
              PLUMBLINE_JUDGE_API_KEY: await secretOf(context.io, "PLUMBLINE_JUDGE_API_KEY"),
            }
          : context.io.environment;
      const progress = createProgress(stderr, () => performance.now());
      const report = await backtest({
        events: flags.events,
        arrivals: flags.arrivals,
        judge,
        judgeNoise,
        criteria,
        rate: flags.rate,
        stepMs: flags.step * MINUTE_MS,
        until: flags.until,
        environment,
        logger: createLogger("backtest", environment["PLUMBLINE_LOG_LEVEL"] ?? "error"),
        signal,
        onProgress: ({ calls, of, at }) =>
          progress.update(calls, of, `${count(calls, "call")}, ${new Date(at).toISOString().slice(0, 16)}`),
      }).finally(() => progress.end());
      const text = describeReport(report);
      if (!context.isJson) return void stdout.write(text);
      // The report itself is the last line, without an envelope: tools that tune rules read it as it is.
      stderr.write(text);
      stdout.write(`${JSON.stringify(report)}\n`);
    });
};

function isStep(minutes: number): boolean {
  return Number.isInteger(minutes) && minutes >= 1 && DAY_MINUTES % minutes === 0;
}

function readJudge(text: string): Judge {
  const who = JUDGES.find((name) => name === text);
  if (who === undefined) throw new InvalidArgumentError(`must be one of ${JUDGES.join(", ")}`);
  return who;
}

function readCriterion(text: string, earlier: readonly string[] = []): readonly string[] {
  if (!/^[\w-]+=[\w.-]+$/.test(text))
    throw new InvalidArgumentError("must be NAME=FIELD, such as recall=meta.fact_recall");
  return [...earlier, text];
}

function readUntil(text: string): string {
  return new Date(readTime(text)).toISOString();
}

function numberIn(isValid: (value: number) => boolean, rule: string): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (Number.isNaN(value) || !isValid(value)) throw new InvalidArgumentError(`must be ${rule}`);
    return value;
  };
}
