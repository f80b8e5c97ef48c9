import { CommandFailure, EXIT } from "../shell/failure.ts";
import type { UseCaseAnswer, VersionSummary } from "../registry/answers.ts";
import { envOf } from "../registry/read-use-case.ts";
import { findVersion, labelOf } from "../registry/version-reference.ts";

export interface RollbackPlan {
  readonly useCase: string;
  readonly env: string;
  readonly from: VersionSummary;
  readonly to: VersionSummary;
  /** Of the environment; the command is refused when it has moved on. */
  readonly revision: number;
}

/**
 * What is taken back and what takes its place, as the registry would choose it.
 *
 * @param to reference of the target; undefined: the last good version
 * @throws CommandFailure exit code 4 when nothing is live or nothing is there to go back to
 */
export function planRollback(useCase: UseCaseAnswer, env: string, to: string | undefined): RollbackPlan {
  const { live, previous_good, revision } = envOf(useCase, env);
  const newest = live[0];
  if (newest === undefined) {
    const others = Object.keys(useCase.envs).filter((each) => envOf(useCase, each).live.length > 0);
    throw new CommandFailure(
      EXIT.precondition,
      "nothing-live",
      `Nothing of ${useCase.use_case} is live in ${env}${others.length === 0 ? "" : `; it is in ${others.join(", ")}`}.`,
      { next: `plumbline status ${useCase.use_case}` },
    );
  }
  const from = findVersion(useCase, newest.prompt_version);
  const target = to ?? previous_good;
  if (target === null) {
    throw new CommandFailure(
      EXIT.precondition,
      "nothing-before",
      `No good version of ${useCase.use_case} was live in ${env} before ${labelOf(useCase, newest.prompt_version)}.`,
      { next: "name one with --to, or push a mended prompt" },
    );
  }
  return { useCase: useCase.use_case, env, from, to: findVersion(useCase, target), revision };
}
