import type { AddCommand } from "../../shell/command.ts";
import { drillNote } from "../../drill/drill-note.ts";
import { describeRollout } from "../../deploy/follow-rollout.ts";
import { addRegistryOptions, openRegistry, type RegistryFlags } from "../../project/project-options.ts";
import { UseCasesAnswer, type EnvSummary, type UseCaseAnswer } from "../../registry/answers.ts";
import { readUseCase } from "../../registry/read-use-case.ts";
import { labelOf } from "../../registry/version-reference.ts";
import { ago, count, percent } from "../../text/spoken.ts";
import { printableLine } from "../../text/printable.ts";
import { formatTable } from "../../text/table.ts";

interface StatusFlags extends RegistryFlags {
  readonly env?: string;
}

/** Use cases that are read at the same time. */
const READ_AT_ONCE = 8;

export const addStatus: AddCommand = (program, context) => {
  const command = program
    .command("status")
    .summary("what is live, since when, by whom")
    .description(
      "What is live of each use case and environment, with its share, its last change, its owner and its newest evaluation; then what deserves a look: rollouts, quarantined and bypassed versions, degradation that nobody rehearses.",
    )
    .argument("[use-case]", "only this one (default: all)")
    .addHelpText(
      "before",
      `Examples:
  plumbline status
  plumbline status ticket-summary --env production
`,
    );
  addRegistryOptions(command)
    .option("--env <name>", "only this environment (default: all)")
    .action(async (name: string | undefined, flags: StatusFlags) => {
      const registry = await openRegistry(context, flags);
      const names =
        name === undefined
          ? (await registry.get("/v1/use-cases", UseCasesAnswer)).use_cases.map(({ use_case }) => use_case)
          : [name];
      const useCases: UseCaseAnswer[] = [];
      for (let i = 0; i < names.length; i += READ_AT_ONCE) {
        const some = names.slice(i, i + READ_AT_ONCE);
        useCases.push(...(await Promise.all(some.map((each) => readUseCase(registry, each)))));
      }
      const now = context.clock.now();
      const rows = useCases.flatMap((useCase) => rowsOf(useCase, flags.env, now));
      const notes = useCases.flatMap((useCase) => notesOf(useCase, flags.env, now));
      context.answer(
        { use_cases: useCases },
        [formatTable([HEAD, ...rows]), ...notes.map(printableLine)].join("\n"),
      );
      if (useCases.length === 0) context.say("The registry is empty. Next: plumbline push");
    });
};

const HEAD = ["USE CASE", "ENV", "LIVE", "SHARE", "VERSION", "CHANGED", "OWNER", "NEWEST EVAL"];

function envsOf(useCase: UseCaseAnswer, only: string | undefined): readonly [string, EnvSummary][] {
  return Object.entries(useCase.envs).filter(([env]) => only === undefined || env === only);
}

/** One row an arm; one with a dash for a use case of which nothing is live. */
function rowsOf(
  useCase: UseCaseAnswer,
  only: string | undefined,
  now: number,
): readonly (readonly string[])[] {
  const { use_case, settings, versions } = useCase;
  const owner = settings.owner ?? "nobody";
  const rows = envsOf(useCase, only).flatMap(([env, { live, moved }]) =>
    live.map(({ prompt_version, weight }) => [
      use_case,
      env,
      labelOf(useCase, prompt_version),
      percent(weight),
      versions.find((each) => each.prompt_version === prompt_version)?.short ?? "",
      moved === null ? "" : `${ago(moved.at, now)} by ${moved.actor}`,
      owner,
      evalOf(useCase, prompt_version, now),
    ]),
  );
  if (rows.length > 0) return rows;
  return [
    [use_case, only ?? "any", "nothing", "", `${count(versions.length, "version")} known`, "", owner, ""],
  ];
}

function evalOf({ versions }: UseCaseAnswer, hash: string, now: number): string {
  const latest = versions.find(({ prompt_version }) => prompt_version === hash)?.latest_eval ?? null;
  if (latest === null) return "never";
  return `${latest.decision.passed ? "passed" : "failed"} ${ago(latest.finished_at, now)}`;
}

function notesOf(useCase: UseCaseAnswer, only: string | undefined, now: number): readonly string[] {
  const { use_case, versions } = useCase;
  const rollouts = envsOf(useCase, only).flatMap(([env, state]) =>
    state.rollout === null
      ? []
      : [`rollout      ${use_case} v${state.rollout.number} in ${env}: ${describeRollout(state)}`],
  );
  const quarantines = versions.flatMap(({ number, quarantined }) =>
    quarantined === null
      ? []
      : [
          `quarantined  ${use_case} v${number} ${ago(quarantined.at, now)} by ${quarantined.actor}: ${quarantined.reason}`,
        ],
  );
  const bypasses = envsOf(useCase, only).flatMap(([env, state]) =>
    state.bypasses.map(
      ({ prompt_version, at, actor, reason, overridden }) =>
        `bypassed     ${use_case} ${labelOf(useCase, prompt_version)} in ${env} ${ago(at, now)} by ${actor}: ${reason} (${overridden.map(({ code }) => code).join(", ")})`,
    ),
  );
  const drills = envsOf(useCase, only).flatMap(([env, state]) => {
    const said = drillNote(state, now);
    return said === null ? [] : [`drill        ${use_case} in ${env}: ${said}. plumbline drill ${use_case}`];
  });
  return [...rollouts, ...quarantines, ...bypasses, ...drills];
}
