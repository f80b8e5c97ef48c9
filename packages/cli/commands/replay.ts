import { count } from "../text/spoken.ts";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import type { AddCommand } from "../shell/command.ts";
import { UsageError } from "../shell/failure.ts";
import { addRegistryOptions } from "../project/project-options.ts";
import { describeReplay } from "../replay/describe-replay.ts";
import { type ReplayFlags, runReplay } from "../replay/run-replay.ts";
import { readTime, wholeNumber } from "../sql/read-window.ts";

const LIMIT_MAX = 5_000;
const JUDGES = ["lexical", "openai", "anthropic"];

export const addReplay: AddCommand = (program, context) => {
  addRegistryOptions(
    program
      .command("replay")
      .summary("stored calls again, by another version or judge")
      .description(
        "Takes a sample of stored calls, the same each time for the same window, and asks another version of the prompt " +
          "what they were asked; one judge scores the stored and the new answer. Without --version only the judge is " +
          "another, and its scores stand beside the stored ones. Nothing is written to the store.",
      )
      .argument("<use-case>", "whose calls")
      .usage("<use-case> --version VERSION | --judge [who] [options]")
      .addHelpText(
        "before",
        `Examples:
  plumbline replay ticket-summary --version v4 --from 2026-11-23 --to 2026-11-24 --limit 100
  plumbline replay ticket-summary --judge anthropic --limit 50
  plumbline replay ticket-summary --version v4 --max-cost 0.5 --out answers.jsonl
`,
      )
      .option(
        "--version <version>",
        "v4, ticket-summary@4f1c9a2b77d0 or a hash; asked at PLUMBLINE_PROVIDER_<NAME>_URL",
      )
      .option(
        "--judge [who]",
        `${JUDGES.join(", ")}; its settings are PLUMBLINE_JUDGE_MODEL and friends (default: PLUMBLINE_JUDGE_PROVIDER)`,
        readJudge,
      )
      .option("--rubric <name>", "of the project (default: production's faithfulness)")
      .option("--env <name>", "only calls of this environment (default: all)")
      .option(
        "--from <time>",
        "first call, ISO 8601, UTC unless it says otherwise (default: a day before --to)",
        readTime,
      )
      .option("--to <time>", "before this time (default: now)", readTime)
      .option("--limit <n>", `most calls, 1 to ${LIMIT_MAX}`, wholeNumber(1, LIMIT_MAX), 100)
      .option(
        "--max-cost <usd>",
        "ends before it costs more (default: the config's eval.max_cost_usd)",
        readDollars,
      )
      .option("--out <file>", "both answers of every call, JSON lines; these are your customers' texts")
      .option(
        "--sql <url>",
        "ClickHouse's HTTP interface, with user:password@ where it asks for them (default: PLUMBLINE_SQL_URL, then local mode's)",
      ),
  ).action(async (useCase: string, flags: ReplayFlags & { readonly out?: string }) => {
    if (flags.version === undefined && flags.judge === undefined)
      throw new UsageError("Replay through what? Give --version, --judge, or both");
    const { report, calls } = await runReplay(useCase, flags, context);
    if (flags.out !== undefined) {
      const lines = calls.map((call) => `${JSON.stringify(call)}\n`).join("");
      await writeFile(resolve(context.io.directory, flags.out), lines, { mode: 0o600 });
      context.say(`Both answers of ${count(calls.length, "call")} are in ${flags.out}.`);
    }
    context.answer(report, describeReplay(report));
  });
};

function readJudge(text: string): string {
  if (!JUDGES.includes(text)) throw new InvalidArgumentError(`must be one of ${JUDGES.join(", ")}`);
  return text;
}

function readDollars(text: string): number {
  const usd = text.trim() === "" ? Number.NaN : Number(text);
  if (!(usd > 0 && Number.isFinite(usd)))
    throw new InvalidArgumentError("must be US dollars above 0, such as 0.5");
  return usd;
}
