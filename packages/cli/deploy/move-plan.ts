/** What a promotion would change, for whoever is asked to confirm it. */
import { diffPrompts, type PromptDiff } from "@plumbline/prompts";
import {
  VersionAnswer,
  type EnvSummary,
  type UseCaseAnswer,
  type VersionSummary,
} from "../registry/answers.ts";
import { envOf, incumbentOf } from "../registry/read-use-case.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import { labelOf, namesOf } from "../registry/version-reference.ts";
import { formatTable } from "../text/table.ts";
import { ago, count, percent } from "../text/spoken.ts";

export interface MovePlan {
  readonly useCase: UseCaseAnswer;
  readonly envName: string;
  readonly env: EnvSummary;
  readonly version: VersionSummary;
  /** The version that serves everybody now; null when none does. */
  readonly incumbent: VersionSummary | null;
  /** Null without an incumbent. */
  readonly diff: PromptDiff | null;
}

export async function planMove(
  registry: RegistryClient,
  useCase: UseCaseAnswer,
  version: VersionSummary,
  envName: string,
): Promise<MovePlan> {
  const env = envOf(useCase, envName);
  const hash = incumbentOf(env);
  const incumbent = useCase.versions.find(({ prompt_version }) => prompt_version === hash) ?? null;
  if (incumbent === null) return { useCase, envName, env, version, incumbent, diff: null };
  const read = (of: VersionSummary): Promise<VersionAnswer> =>
    registry.get(`/v1/use-cases/${useCase.use_case}/versions/${of.prompt_version}`, VersionAnswer);
  const [before, after] = await Promise.all([read(incumbent), read(version)]);
  return { useCase, envName, env, version, incumbent, diff: diffPrompts(before.document, after.document) };
}

/** @param exposure who gets the version, such as `everybody` */
export function describePlan(plan: MovePlan, exposure: string, now: number): string {
  const { useCase, envName, env, version, incumbent, diff } = plan;
  const canary = env.live.length > 1 ? env.live[0]! : null;
  const rows = [
    [
      "live",
      incumbent === null
        ? "nothing yet"
        : `${namesOf(incumbent)}${env.moved === null ? "" : `  changed ${ago(env.moved.at, now)} by ${env.moved.actor}`}`,
    ],
    ...(canary === null
      ? []
      : [["canary", `${labelOf(useCase, canary.prompt_version)} for ${percent(canary.weight)}`]]),
    ["new", `${namesOf(version)}  for ${exposure}`],
    ...(diff === null ? [] : [["diff", describeDiff(diff)]]),
    ["eval", describeEval(plan, now)],
    ["approved", version.approvals.map(({ actor }) => actor).join(", ") || "by nobody yet"],
    ...(version.quarantined === null
      ? []
      : [["quarantined", `by ${version.quarantined.actor}: ${version.quarantined.reason}`]]),
  ];
  return `${useCase.use_case} in ${envName}, revision ${env.revision}\n${formatTable(rows.map((row) => ["", ...row]))}`;
}

function describeDiff({ is_same, lines_added, lines_removed, fields }: PromptDiff): string {
  if (is_same) return "none";
  const changed = fields.length === 0 ? "" : `; changed: ${fields.map(({ field }) => field).join(", ")}`;
  return `+${lines_added} −${lines_removed} lines${changed}`;
}

function describeEval({ useCase, version: { latest_eval: latest } }: MovePlan, now: number): string {
  if (latest === null) return "none yet";
  const { decision, incumbent, finished_at } = latest;
  const cases = decision.table?.[0] === undefined ? "" : `, ${count(decision.table[0].n, "case")}`;
  const against = incumbent === null ? "nothing" : labelOf(useCase, incumbent);
  return `${decision.passed ? "passed" : "did not pass"} against ${against} ${ago(finished_at, now)}${cases}`;
}
