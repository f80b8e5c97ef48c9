import { count } from "../../text/spoken.ts";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { formatProblem } from "@plumbline/prompts";
import { InvalidArgumentError } from "commander";
import { describeTuning, type TuningReport } from "../../cache/describe-tuning.ts";
import { falseHitCurve } from "../../cache/false-hit-curve.ts";
import { labelPairs } from "../../cache/label-pairs.ts";
import { readPairs } from "../../cache/read-pairs.ts";
import { loadEmbed, scorePairs } from "../../cache/score-pairs.ts";
import { createBudget } from "../../eval/budget.ts";
import { openJudge } from "../../eval/judge-answers.ts";
import type { AddCommand, CommandContext } from "../../shell/command.ts";
import { CommandFailure, EXIT } from "../../shell/failure.ts";

interface TuneFlags {
  readonly embed?: string;
  readonly maxFalse: number;
  readonly maxCost: number;
}

const JUDGE_TIMEOUT_MS = 120_000;

export const addCache: AddCommand = (program, context) => {
  const cache = program
    .command("cache")
    .summary("when two questions may share an answer")
    .description("What helps to decide how applications keep answers and use them again.");
  cache
    .command("tune")
    .summary("which similarity is near enough")
    .description(
      "Draws how often an answer found by its meaning would be the wrong one, at each threshold, on your own pairs of questions, with " +
        "intervals; and says which threshold keeps such false hits under a share, or that the pairs can't say. Pairs are kept apart by " +
        "the client's own rules for numbers, names, dates and negations first.",
    )
    .argument(
      "<pairs>",
      'JSON lines: {"a", "b", "same": true or false}, or {"a", "b", "answer_a", "answer_b"}',
    )
    .addHelpText(
      "before",
      `Examples:
  plumbline cache tune pairs.jsonl --embed ./embed.mjs
  plumbline cache tune pairs.jsonl --max-false 0.005 --json
`,
    )
    .option(
      "--embed <module>",
      'module with the application\'s own embed(text) (default: "similarity", or "embedding_a" and "embedding_b", of each line)',
    )
    .option("--max-false <share>", "largest share of false hits, above 0 and below 1", readShare, 0.01)
    .option("--max-cost <usd>", "of a judge that compares answers, US dollars", readDollars, 1)
    .action(async (file: string, flags: TuneFlags) => {
      const report = await tune(file, flags, context);
      context.answer(report, describeTuning(report));
    });
};

async function tune(file: string, flags: TuneFlags, context: CommandContext): Promise<TuningReport> {
  const { io, clock } = context;
  const read = readPairs(await readFile(resolve(io.directory, file), "utf8"), file);
  if ("problems" in read) {
    throw new CommandFailure(EXIT.config, "pairs", read.problems.map(formatProblem).join("\n"), {
      details: read.problems,
    });
  }
  const embed = flags.embed === undefined ? null : await loadEmbed(resolve(io.directory, flags.embed));
  const judged = await openJudge(io, { clock, timeoutMs: JUDGE_TIMEOUT_MS });
  const budget = createBudget(flags.maxCost);
  const labels = await labelPairs(read.pairs, { ...judged, budget, signal: io.signal });
  if (budget.isExhausted)
    context.warn(
      `--max-cost ${flags.maxCost} is spent: ${count(labels.unknown, "pair")} ${labels.unknown === 1 ? "is" : "are"} left out; give more, or fewer pairs`,
    );
  const { scored, ...apart } = await scorePairs(labels.labelled, embed);
  const { repeated, shared_questions } = read;
  return {
    ...falseHitCurve(scored, flags.maxFalse),
    pairs: labels.labelled.length,
    same_pairs: labels.labelled.filter(({ isSame }) => isSame).length,
    repeated,
    shared_questions,
    ...apart,
    judged: labels.judged,
    unknown: labels.unknown,
    judge: labels.judged === 0 ? null : judged.judge.name,
  };
}

function readShare(text: string): number {
  const share = text.trim() === "" ? Number.NaN : Number(text);
  if (!(share > 0 && share < 1))
    throw new InvalidArgumentError("must be a share above 0 and below 1, such as 0.01");
  return share;
}

function readDollars(text: string): number {
  const usd = text.trim() === "" ? Number.NaN : Number(text);
  if (!(usd > 0 && Number.isFinite(usd)))
    throw new InvalidArgumentError("must be US dollars above 0, such as 0.5");
  return usd;
}
