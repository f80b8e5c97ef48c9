import { parseArgs } from "node:util";
import { createLogger } from "@plumbline/runtime/logger";
import { backtest, JUDGES } from "@plumbline/services/local/backtest/replay";
import { type Command, UsageError } from "./command.ts";
import { describeReport } from "./describe-report.ts";
import { createProgress } from "./progress.ts";

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;

const HELP = `Examples:
  plumbline backtest --events history.events.jsonl.gz
  plumbline backtest --events texts.jsonl.gz --arrivals traffic.csv.gz --judge-noise 0.3 --json
  plumbline backtest --events history.jsonl --judge lexical --rate 0.2

Replays history through the writer, the judge and the monitor, with event time as the clock, and prints each
incident that would have fired: when, after how many hours and judged conversations, how large, and in which slice.

  --events FILE        events, one JSON object a line, sorted by ts; gzip or plain
  --arrivals FILE      ts,item_id,prompt_version,output_version: a traffic plan over the events
  --judge WHO          labels (of the file; default), lexical, or llm (PLUMBLINE_JUDGE_PROVIDER and friends)
  --judge-noise SD     normal error on every label, then clipped to 0..1; default 0
  --criterion N=FIELD  with --judge labels: judge FIELD of the event as criterion N; may be repeated.
                       Default: quality=label.quality, faithfulness=label.faithful, completeness=meta.fact_recall
  --rate R             share of conversations judged, 0 < R <= 1; default 0.05, and 1 below 20,000 calls
  --step MINUTES       event time between two looks of the monitor; default 60
  --until TIME         leave out what is at or after TIME (ISO 8601)
  --json               the result as one JSON object, the last line of standard output`;

export const backtestCommand: Command = {
  name: "backtest",
  summary: "replay history and see what would have fired",
  help: HELP,
  async run(args, { stdout, stderr, environment, signal }) {
    const options = readOptions(args);
    const progress = createProgress(stderr, () => performance.now());
    const report = await backtest({
      ...options,
      environment,
      logger: createLogger("backtest", environment["PLUMBLINE_LOG_LEVEL"] ?? "error"),
      signal,
      onProgress: ({ calls, of, at }) =>
        progress.update(
          calls,
          of,
          `${calls.toLocaleString("en")} calls, ${new Date(at).toISOString().slice(0, 16)}`,
        ),
    }).finally(() => progress.end());
    const text = describeReport(report);
    if (!options.json) return void stdout.write(text);
    stderr.write(text);
    stdout.write(`${JSON.stringify(report)}\n`);
  },
};

function readOptions(args: readonly string[]) {
  const { values } = parse(args);
  const { events, arrivals, judge = "labels", until, criterion: criteria = [] } = values;
  if (events === undefined || events === "") throw new UsageError("--events FILE is needed");
  const who = JUDGES.find((name) => name === judge);
  if (who === undefined) throw new UsageError(`--judge ${judge}: must be one of ${JUDGES.join(", ")}`);
  const rate =
    values.rate === undefined
      ? undefined
      : numberOf("--rate", values.rate, (r) => r > 0 && r <= 1, "0 < R <= 1");
  const judgeNoise = numberOf(
    "--judge-noise",
    values["judge-noise"] ?? "0",
    (sd) => sd >= 0 && sd <= 1,
    "0 to 1",
  );
  if (judgeNoise > 0 && who !== "labels") throw new UsageError("--judge-noise is for --judge labels");
  if (criteria.length > 0 && who !== "labels") throw new UsageError("--criterion is for --judge labels");
  const wrong = criteria.find((each) => !/^[\w-]+=[\w.-]+$/.test(each));
  if (wrong !== undefined)
    throw new UsageError(`--criterion ${wrong}: must be NAME=FIELD, such as recall=meta.fact_recall`);
  const isStep = (minutes: number) =>
    Number.isInteger(minutes) && minutes >= 1 && DAY_MINUTES % minutes === 0;
  const minutes = numberOf("--step", values.step ?? "60", isStep, "whole minutes that divide a day");
  if (until !== undefined && Number.isNaN(Date.parse(until)))
    throw new UsageError(`--until ${until}: is not a time`);
  return {
    events,
    arrivals,
    judge: who,
    judgeNoise,
    rate,
    criteria,
    stepMs: minutes * MINUTE_MS,
    until,
    json: values.json,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        events: { type: "string" },
        arrivals: { type: "string" },
        judge: { type: "string" },
        "judge-noise": { type: "string" },
        criterion: { type: "string", multiple: true },
        rate: { type: "string" },
        step: { type: "string" },
        until: { type: "string" },
        json: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function numberOf(flag: string, text: string, isValid: (value: number) => boolean, rule: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isNaN(value) || !isValid(value)) throw new UsageError(`${flag} ${text}: must be ${rule}`);
  return value;
}
