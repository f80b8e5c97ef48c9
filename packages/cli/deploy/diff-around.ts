/** What surrounds a prompt and changes with it: its policy, and what it is judged by. */
import { diffFields, type ChangedField, type JsonValue } from "@plumbline/prompts";
import { LiveAnswer, UseCaseSettings } from "@plumbline/schemas";
import type { Project } from "../project/load-project.ts";
import { policyOf, settingsOf } from "../project/use-case-settings.ts";
import { readUseCaseIfAny } from "../registry/read-use-case.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import { promptOf } from "./diff-sides.ts";

/**
 * Fields that differ between the registry and the working tree, by dotted path; `policy.` first, then `settings.`.
 * Rubrics and eval sets are known to the registry by their hashes only.
 */
export async function diffAround(
  useCase: string,
  project: Project,
  registry: RegistryClient,
  env: string,
): Promise<readonly ChangedField[]> {
  const query = new URLSearchParams({ use_cases: useCase, env });
  const [known, live] = await Promise.all([
    readUseCaseIfAny(registry, useCase),
    registry.get(`/v1/live?${query.toString()}`, LiveAnswer),
  ]);
  const before = known === null ? {} : UseCaseSettings.parse(known.settings);
  const after = UseCaseSettings.parse(settingsOf(promptOf(project, useCase), project));
  const policy = policyOf(useCase, project)?.policy;
  return [
    // A project without a policy file says nothing about the policy.
    ...(policy === undefined
      ? []
      : diffFields(
          flatten(toJson(live.use_cases[useCase]?.policy?.document ?? {})),
          flatten(toJson(policy)),
          "policy.",
        )),
    ...diffFields(flatten(toJson(before)), flatten(toJson(after)), "settings."),
  ];
}

/** As it would travel: undefined is absent. */
function toJson(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value));
}

/** `{a: {b: 1}}` as `{"a.b": 1}`; lists stay whole. */
function flatten(value: JsonValue, path = ""): Record<string, JsonValue> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { [path]: value };
  return Object.assign(
    {},
    ...Object.entries(value).map(([key, each]) => flatten(each, path === "" ? key : `${path}.${key}`)),
  );
}
