import { appendFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import type { AddCommand, CommandContext } from "../shell/command.ts";
import { describeEval } from "../eval/describe-eval.ts";
import { toJunit } from "../eval/junit.ts";
import { toMarkdown } from "../eval/markdown.ts";
import { type EvalReport, toEvidence, toJson } from "../eval/report.ts";
import { DEFAULT_CACHE, type EvalFlags, runEvals } from "../eval/run-evals.ts";
import { GATE_SPLIT } from "../eval/plan.ts";
import { EXIT } from "../shell/failure.ts";
import { gateExitCode } from "../shell/gate-exit-code.ts";
import { addEnvOption, addRegistryOptions } from "../project/project-options.ts";

export const addEval: AddCommand = (program, context) => {
  const command = program
    .command("eval")
    .summary("compare the working tree's prompt with what is live")
    .description(
      "Sends every case of the eval set through the candidate and through the live version, checks the answers, and asks the registry's gate. Exit code 0: the gate passed; 10: it refused.",
    )
    .argument(
      "[use-case...]",
      "use cases of the project, or registered versions such as ticket-summary@9be07d1f00aa (default: every use case with an eval set)",
    )
    .addHelpText(
      "before",
      `Examples:
  plumbline eval ticket-summary
  plumbline eval ticket-summary --limit 10 --no-record
  plumbline eval ticket-summary --against v3 --repeat 3 --max-cost 2
  plumbline eval --junit eval.xml --markdown eval.md --json
`,
    )
    .addHelpText(
      "after",
      `
Providers: OPENAI_API_KEY and ANTHROPIC_API_KEY, or for any provider NAME of a prompt's model NAME/…:
  PLUMBLINE_PROVIDER_<NAME>_URL, _KEY (or _KEY_FILE), _STYLE (openai or anthropic),
  _USD_PER_MILLION_INPUT and _USD_PER_MILLION_OUTPUT
The judge of llm-rubric asserts: PLUMBLINE_JUDGE_PROVIDER and friends; without them "lexical, no LLM".`,
    )
    .option("--against <version>", "live, none, or a registered version", "live")
    .option("--split <name>", "cases with this split; the gate reads split test", GATE_SPLIT)
    .option("--limit <n>", "only the first n cases: a trial run, not recorded", wholeNumber(1, 10_000))
    .option("--repeat <n>", "answers per case (default: the config's eval.repeat)", wholeNumber(1, 20))
    .option("--concurrency <n>", "requests at once (default: the config's)", wholeNumber(1, 64))
    .option(
      "--max-cost <usd>",
      "stop before the run costs more (default: the config's eval.max_cost_usd)",
      dollars,
    )
    .option("--no-record", "decide here by the gate's rules, and leave the registry alone")
    .option("--junit <file>", "write the candidate's cases as JUnit XML")
    .option("--markdown <file>", "write a pull request comment")
    .option("--out <file>", "write the whole evidence as JSON, with every answer")
    .option("--cache <dir>", "answers of the last day are kept here", DEFAULT_CACHE)
    .option("--no-cache", "ask for every answer again");
  addEnvOption(addRegistryOptions(command)).action(async (targets: readonly string[], flags: EvalFlags) => {
    const { reports, unchanged } = await runEvals(targets, flags, context);
    await writeFiles(reports, flags, context);
    const text = [
      ...unchanged.map((useCase) => `${useCase}: unchanged, this prompt is live. Nothing to compare.\n`),
      ...reports.map(describeEval),
    ].join("\n");
    const isRefused = reports.some(({ gate }) => gate?.passed === false);
    context.answer(
      { evals: reports.map(toJson), unchanged },
      text,
      isRefused ? gateExitCode(context.io) : EXIT.ok,
    );
  });
};

async function writeFiles(
  reports: readonly EvalReport[],
  { junit, markdown, out }: EvalFlags,
  { io }: CommandContext,
): Promise<void> {
  const write = (file: string, text: string): Promise<void> => writeFile(resolve(io.directory, file), text);
  if (junit !== undefined) await write(junit, toJunit(reports));
  if (markdown !== undefined) await write(markdown, toMarkdown(reports));
  if (out !== undefined) await write(out, `${JSON.stringify({ evals: reports.map(toEvidence) }, null, 2)}\n`);
  const summary = io.environment["GITHUB_STEP_SUMMARY"];
  if (summary !== undefined && summary !== "" && reports.length > 0)
    await appendFile(summary, toMarkdown(reports));
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`must be a whole number from ${min} to ${max}`);
  };
}

function dollars(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("must be US dollars above 0, such as 2.50");
}
