/** Watches a rollout until it serves everybody or was taken back. */
import type { CommandContext } from "../shell/command.ts";
import { createProgress } from "../shell/progress.ts";
import type { EnvSummary, UseCaseAnswer, VersionSummary } from "../registry/answers.ts";
import { envOf, readUseCase } from "../registry/read-use-case.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import { percent } from "../text/spoken.ts";

/** A step takes minutes at least. */
const LOOK_MS = 3000;

interface RolloutEnd {
  readonly end: "serves_everybody" | "taken_back" | "replaced";
  /** Why, when the registry says it; who and when are in the history. */
  readonly reason: string | null;
}

/** @throws CommandFailure when the registry stays away; the rollout goes on without us */
export async function followRollout(
  registry: RegistryClient,
  { use_case }: UseCaseAnswer,
  { prompt_version }: VersionSummary,
  env: string,
  context: CommandContext,
): Promise<RolloutEnd> {
  const { io, clock } = context;
  const progress = createProgress(io.stderr, () => clock.now());
  let said = "";
  try {
    for (;;) {
      const now = await readUseCase(registry, use_case);
      const state = envOf(now, env);
      if (state.rollout?.prompt_version !== prompt_version) return endOf(now, state, prompt_version);
      const line = describeRollout(state);
      const { steps, step } = state.rollout;
      progress.update(step, steps.length, line);
      if (line !== said && io.stderr.isTTY !== true) context.say(line);
      said = line;
      await clock.sleep(LOOK_MS, io.signal);
      io.signal.throwIfAborted();
    }
  } finally {
    progress.end();
  }
}

function endOf(useCase: UseCaseAnswer, { live }: EnvSummary, promptVersion: string): RolloutEnd {
  if (live.at(-1)?.prompt_version === promptVersion) return { end: "serves_everybody", reason: null };
  const version = useCase.versions.find(({ prompt_version }) => prompt_version === promptVersion);
  const quarantined = version?.quarantined ?? null;
  return quarantined === null
    ? { end: "replaced", reason: null }
    : { end: "taken_back", reason: `${quarantined.actor}: ${quarantined.reason}` };
}

/** `step 1 of 3, 5%: waits for evidence, 120 judged, about 80 more`; empty without a rollout. */
export function describeRollout({ rollout, canary }: EnvSummary): string {
  if (rollout === null) return "";
  const { steps, step, prompt_version } = rollout;
  const place = `step ${step + 1} of ${steps.length}, ${percent(steps[step] ?? 1)}`;
  if (canary === null || canary.prompt_version !== prompt_version) return `${place}: nothing judged yet`;
  const { state, waits_for, units, units_needed } = canary.decision;
  if (state !== "WATCHING") return `${place}: ${state.toLowerCase()}`;
  const more = units_needed > 0 ? `, about ${units_needed} more` : "";
  return `${place}: waits for ${waits_for === "person" ? "a person" : (waits_for ?? "evidence")}, ${units} judged${more}`;
}
