import { InvalidArgumentError } from "commander";
import type { AddCommand } from "../../shell/command.ts";
import { addRegistryOptions, openRegistry, type RegistryFlags } from "../../project/project-options.ts";
import { HistoryAnswer, type HistoryLine } from "../../registry/answers.ts";
import { minute, percent } from "../../text/spoken.ts";
import { formatTable } from "../../text/table.ts";

interface HistoryFlags extends RegistryFlags {
  readonly env?: string;
  readonly limit: number;
}

const LIMIT_MAX = 500;

export const addHistory: AddCommand = (program, context) => {
  const command = program
    .command("history")
    .summary("who changed what, when and why")
    .description(
      "Every command that the registry was given for a use case, the refused ones too; newest first.",
    )
    .argument("<use-case>")
    .addHelpText(
      "before",
      `Examples:
  plumbline history ticket-summary
  plumbline history ticket-summary --env production --limit 200 --json
`,
    );
  addRegistryOptions(command)
    .option("--env <name>", "only what concerns this environment (default: all)")
    .option("--limit <n>", `newest entries, at most ${LIMIT_MAX}`, readLimit, 20)
    .action(async (useCase: string, { env, limit, ...flags }: HistoryFlags) => {
      const registry = await openRegistry(context, flags);
      const query = new URLSearchParams({ limit: String(limit), ...(env !== undefined && { env }) });
      const history = await registry.get(
        `/v1/use-cases/${encodeURIComponent(useCase)}/history?${query.toString()}`,
        HistoryAnswer,
      );
      const { entries, next_before } = history;
      context.answer(history, formatTable([HEAD, ...entries.map(toRow)]));
      if (next_before !== null && limit < LIMIT_MAX)
        context.say(`There are older entries: --limit ${Math.min(limit * 5, LIMIT_MAX)}`);
    });
};

const HEAD = ["WHEN", "WHO", "ENV", "WHAT", "WHY"];

function toRow(entry: HistoryLine): readonly string[] {
  return [minute(entry.at), entry.actor, entry.env === "" ? "all" : entry.env, whatOf(entry), whyOf(entry)];
}

function whatOf({ type, number, weight, live, outcome }: HistoryLine): string {
  const version = number === null ? "" : ` v${number}`;
  const share = type === "promoted" && weight !== null && weight < 1 ? ` for ${percent(weight)}` : "";
  const target = type === "rolled_back" && live !== null ? `, v${live.at(-1)!.number} is live` : "";
  const words = `${type.replaceAll("_", " ")}${version}${share}`;
  if (outcome.kind === "unknown") return `${words} (${outcome.said.kind}: newer than this command)`;
  if (outcome.kind === "rejected") return `refused: ${words}`;
  if (!outcome.changed) return `${words} (no change)`;
  return `${words}${target}${outcome.overridden.length > 0 ? ", gate bypassed" : ""}`;
}

function whyOf({ reason, outcome }: HistoryLine): string {
  const overridden = outcome.kind === "accepted" ? outcome.overridden.map(({ code }) => code).join(", ") : "";
  const parts = [
    reason,
    outcome.kind === "rejected" ? outcome.message : "",
    overridden === "" ? "" : `overridden: ${overridden}`,
  ];
  return parts.filter((part) => part !== "").join("; ");
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw new InvalidArgumentError(`must be a whole number from 1 to ${LIMIT_MAX}`);
}
