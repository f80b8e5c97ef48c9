import { InvalidArgumentError, Option } from "commander";
import type { AddCommand, CommandContext } from "../shell/command.ts";
import { UsageError } from "../shell/failure.ts";
import { printableJson, printableLine } from "../text/printable.ts";
import { addRegistryOptions, type RegistryFlags } from "../project/project-options.ts";
import { followRows, type Window } from "../sql/follow-rows.ts";
import { readSpan, storeTime, wholeNumber } from "../sql/read-window.ts";
import { resolveVersion } from "../sql/resolve-version.ts";
import { openSqlEndpoint, type SqlEndpoint, type SqlValue } from "../sql/sql-endpoint.ts";
import { describeRow, type TailedRow, TailedCall, TailedScore } from "../sql/tail-rows.ts";

interface TailFlags extends RegistryFlags {
  readonly sql?: string;
  readonly useCase?: string;
  readonly env?: string;
  readonly version?: string;
  readonly failed: boolean;
  readonly score?: ScoreRange;
  readonly since: number;
  readonly limit: number;
  readonly follow: boolean;
}

interface ScoreRange {
  readonly comparison: string;
  readonly bound: number;
}

const LIMIT_MAX = 10_000;

export const addTail: AddCommand = (program, context) => {
  addRegistryOptions(
    program
      .command("tail")
      .summary("live calls, as they are stored")
      .description(
        "Prints calls as the store receives them, a line each: first the newest of --since, then what comes, until ctrl-c, " +
          "which ends it with exit code 0. With --score, judged answers instead, when they are judged.\n" +
          "With --json each line of standard output is one JSON object, without an envelope; what fails is told in an " +
          "envelope on the last line.",
      )
      .usage("[options]")
      .addHelpText(
        "before",
        `Examples:
  plumbline tail --use-case ticket-summary
  plumbline tail --failed --since 1h --no-follow
  plumbline tail --score "<0.5" --version ticket-summary@4f1c9a2b77d0
  plumbline tail --json | jq -r '[.use_case, .latency_ms] | @tsv'
`,
      )
      .option("--use-case <name>", "only this feature")
      .option("--env <name>", "only this environment (default: all)")
      .option(
        "--version <version>",
        "only this version: v3 with --use-case, ticket-summary@4f1c9a2b77d0, or a hash",
      )
      .option("--failed", "only calls whose status is not ok", false)
      .option("--score <range>", 'judged answers with such a score: "<0.5", ">=0.9"', readRange)
      .addOption(
        new Option("--since <span>", "how far back to begin: 90s, 10m, 2h")
          .argParser(readSpan)
          .default(readSpan("10m"), "10m"),
      )
      .option(
        "--limit <n>",
        `most of the past that is shown, the newest; 0 to ${LIMIT_MAX}`,
        wholeNumber(0, LIMIT_MAX),
        20,
      )
      .option("--no-follow", "end after the past")
      .option(
        "--sql <url>",
        "ClickHouse's HTTP interface, with user:password@ where it asks for them (default: PLUMBLINE_SQL_URL, then local mode's)",
      ),
  ).action(async (flags: TailFlags) => {
    if (flags.failed && flags.score !== undefined)
      throw new UsageError("--failed and --score exclude each other: a call that failed has no score");
    const endpoint = openSqlEndpoint(context.io, flags.sql);
    const read = await reader(flags, endpoint, context);
    const { clock, io, isJson } = context;
    const rows = followRows<TailedRow>({
      read,
      since: clock.now() - flags.since,
      limit: flags.limit,
      isFollowing: flags.follow,
      clock,
      signal: io.signal,
    });
    let shown = 0;
    try {
      for await (const row of rows) {
        shown += 1;
        io.stdout.write(`${isJson ? printableJson(row) : printableLine(describeRow(row))}\n`);
      }
    } catch (error) {
      // Ctrl-c in the middle of a poll: following has ended as it always does.
      if (!io.signal.aborted) throw error;
    }
    if (shown === 0) context.say(`Nothing of that kind was stored at ${endpoint.url}.`);
  });
};

async function reader(
  flags: TailFlags,
  endpoint: SqlEndpoint,
  context: CommandContext,
): Promise<(window: Window) => Promise<readonly TailedRow[]>> {
  const { score, failed } = flags;
  const filters = {
    use_case: flags.useCase ?? "",
    env: flags.env ?? "",
    prompt_version: await resolveVersion(context, flags, flags.useCase, flags.version),
  };
  return ({ after, limit, isNewestFirst }) => {
    const parameters: Record<string, SqlValue> = {
      ...filters,
      since: storeTime(Date.parse(after.at)),
      after: storeTime(Date.parse(after.at)),
      after_id: after.id,
      limit,
      is_newest_first: isNewestFirst,
    };
    return score === undefined
      ? endpoint.query("tail_calls", { ...parameters, is_failed: failed }, TailedCall)
      : endpoint.query("tail_scores", { ...parameters, ...score }, TailedScore);
  };
}

function readRange(text: string): ScoreRange {
  const match = /^\s*(<=|>=|<|>|=)?\s*(\d*\.?\d+)\s*$/.exec(text);
  const bound = Number(match?.[2]);
  if (match === null || !(bound >= 0 && bound <= 1))
    throw new InvalidArgumentError('must be a comparison with a number from 0 to 1, in quotes: "<0.5"');
  return { comparison: match[1] ?? "=", bound };
}
