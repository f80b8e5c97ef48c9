/** What the project's files say about one use case beyond its prompt: the settings that a push registers. */
import { policyHash, rubricHash, type EvalCase, type ParsedPrompt } from "@plumbline/prompts";
import type { ConfigFile, GateLimits, PolicyFile, UseCaseSettings } from "@plumbline/schemas";
import type { Project } from "./load-project.ts";

/** Owner and cadence of the eval set: the use case's own, else the project's. */
export function evalSetEntryOf(config: ConfigFile, useCase: string): ConfigFile["eval_set"] {
  return { ...config.eval_set, ...config.use_cases[useCase]?.eval_set };
}

/** Limits that differ from the gate's defaults: the use case's own replace the project's, key by key. */
export function gateLimitsOf(config: ConfigFile, useCase: string): GateLimits {
  return { ...config.gate, ...config.use_cases[useCase]?.gate };
}

/** By whose clock the use case's hours are usual: its own zone, else the project's; undefined when neither says. */
function timeZoneOf(config: ConfigFile, useCase: string): string | undefined {
  return config.use_cases[useCase]?.time_zone ?? config.time_zone;
}

/**
 * Rubrics by which a use case is judged: those of its prompt file, and those that its cases name.
 *
 * @returns name to hash; names without a file are left out, lint has reported them
 */
function rubricHashesOf(prompt: ParsedPrompt, project: Project): Readonly<Record<string, string>> {
  const set = prompt.eval_file === null ? undefined : project.evalSets.get(prompt.eval_file);
  const names = new Set([...prompt.rubrics, ...(set?.cases ?? []).flatMap(rubricsOf)]);
  return Object.fromEntries(
    [...names].toSorted().flatMap((name) => {
      const rubric = project.rubrics.get(name);
      return rubric === undefined ? [] : [[name, rubricHash(rubric)]];
    }),
  );
}

/** Rubrics that a case names as `rubric:<name>`. */
export function rubricsOf({ asserts }: EvalCase): readonly string[] {
  return asserts.flatMap(({ type, value }) => {
    const name =
      type === "llm-rubric" && typeof value === "string"
        ? /^rubric:([a-z][a-z0-9_]*)$/.exec(value.trim())?.[1]
        : undefined;
    return name === undefined ? [] : [name];
  });
}

export function settingsOf(prompt: ParsedPrompt, project: Project): UseCaseSettings {
  const { use_case } = prompt.document;
  const set = prompt.eval_file === null ? undefined : project.evalSets.get(prompt.eval_file);
  const { owner, cadence_ms } = evalSetEntryOf(project.config, use_case);
  const alerts = project.config.use_cases[use_case]?.alerts;
  const timeZone = timeZoneOf(project.config, use_case);
  return {
    owner: prompt.owner,
    eval_set:
      set === undefined
        ? null
        : {
            hash: set.hash,
            cases: set.cases.length,
            owner: owner ?? null,
            cadence_ms: cadence_ms ?? null,
            newest_added: set.newest_added,
          },
    rubrics: { ...rubricHashesOf(prompt, project) },
    gate: gateLimitsOf(project.config, use_case),
    ...(alerts !== undefined && { alerts }),
    ...(timeZone === undefined ? {} : { time_zone: timeZone }),
  };
}

export interface HashedPolicy {
  readonly policy: PolicyFile;
  readonly policy_hash: string;
}

/** Null when the use case has no policy file. */
export function policyOf(useCase: string, project: Project): HashedPolicy | null {
  const found = project.policies.get(useCase);
  if (found === undefined) return null;
  const { file: _file, ...policy } = found;
  return { policy, policy_hash: policyHash(policy) };
}
