/** What a push would change, told from the project's files and the registry's answer. Pure. */
import { canonicalJson, promptVersion, shortVersion, type ParsedPrompt } from "@plumbline/prompts";
import { UseCaseSettings } from "@plumbline/schemas";
import type { Project } from "../project/load-project.ts";
import { policyOf, settingsOf, type HashedPolicy } from "../project/use-case-settings.ts";
import type { UseCaseAnswer } from "../registry/answers.ts";
import { envOf } from "../registry/read-use-case.ts";

export interface PushPlan {
  readonly prompt: ParsedPrompt;
  readonly useCase: string;
  readonly version: string;
  readonly short: string;
  /** Known to the registry already: its number; null when it is new. */
  readonly number: number | null;
  readonly settings: UseCaseSettings;
  /** Names of the settings that differ from the registered ones. */
  readonly changedSettings: readonly string[];
  readonly policies: readonly PolicyPlan[];
}

interface PolicyPlan extends HashedPolicy {
  readonly env: string;
  /** Revision of the environment that the plan was made from. */
  readonly revision: number;
  readonly isChange: boolean;
}

/** @param known null when the registry does not know the use case */
export function planPush(
  prompt: ParsedPrompt,
  project: Project,
  known: UseCaseAnswer | null,
  envs: readonly string[],
): PushPlan {
  const { document } = prompt;
  const version = promptVersion(document);
  const settings = settingsOf(prompt, project);
  const policy = policyOf(document.use_case, project);
  return {
    prompt,
    useCase: document.use_case,
    version,
    short: shortVersion(document.use_case, version),
    number: known?.versions.find(({ prompt_version }) => prompt_version === version)?.number ?? null,
    settings,
    changedSettings: changedKeys(settings, known),
    policies:
      policy === null
        ? []
        : envs.map((env) => {
            const { revision, policy_hash } = envOf(known, env);
            return { ...policy, env, revision, isChange: policy_hash !== policy.policy_hash };
          }),
  };
}

/** Compared as the registry stores them, with its defaults filled in. */
function changedKeys(settings: UseCaseSettings, known: UseCaseAnswer | null): readonly string[] {
  if (known === null) return [];
  const before = UseCaseSettings.parse(known.settings);
  const after = UseCaseSettings.parse(settings);
  return (["owner", "eval_set", "rubrics", "gate", "alerts", "time_zone"] as const).filter(
    (key) => canonicalJson(before[key] ?? null) !== canonicalJson(after[key] ?? null),
  );
}

export function isUnchanged({ number, changedSettings, policies }: PushPlan): boolean {
  return number !== null && changedSettings.length === 0 && policies.every(({ isChange }) => !isChange);
}
