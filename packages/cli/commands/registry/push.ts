import { CommandAccepted } from "@plumbline/schemas";
import type { AddCommand } from "../../shell/command.ts";
import { readOrigin, selectPrompts, type Origin } from "../../deploy/push-checks.ts";
import { isUnchanged, planPush, type PushPlan } from "../../deploy/push-plan.ts";
import { CommandFailure } from "../../shell/failure.ts";
import {
  addRegistryOptions,
  checkEnv,
  openProject,
  openRegistry,
  type RegistryFlags,
} from "../../project/project-options.ts";
import { readUseCaseIfAny } from "../../registry/read-use-case.ts";
import type { RegistryClient } from "../../registry/registry-client.ts";

interface PushFlags extends RegistryFlags {
  readonly env?: string;
  readonly dryRun?: boolean;
  readonly allowDirty?: boolean;
}

export const addPush: AddCommand = (program, context) => {
  const command = program
    .command("push")
    .summary("register prompts, their settings and policies")
    .description(
      "Registers each prompt as an immutable version, with what it is judged by (owner, eval set, rubrics, gate limits), and sets its policy. A new version serves nobody until it is promoted; a policy is served at once. Pushing the same files again changes nothing.",
    )
    .argument("[use-case...]", "push only these (default: all)")
    .addHelpText(
      "before",
      `Examples:
  plumbline push
  plumbline push ticket-summary --dry-run
`,
    );
  addRegistryOptions(command)
    .option("--env <name>", "set policies only here (default: every environment of the configuration)")
    .option("--dry-run", "show what would change, and change nothing")
    .option("--allow-dirty", "push files that are not committed")
    .action(async (useCases: readonly string[], flags: PushFlags) => {
      const { dryRun: isDryRun = false, allowDirty = false } = flags;
      const project = await openProject(context, flags);
      const { environments } = project.config;
      const envs = flags.env === undefined ? environments : [checkEnv({ env: flags.env }, project.config)];
      const prompts = selectPrompts(project, useCases, context);
      const origin = await readOrigin(project, { allowDirty: allowDirty || isDryRun });
      if (isDryRun && origin.isDirty)
        context.warn("Some of these files are not committed; the push itself will ask for --allow-dirty.");
      const registry = await openRegistry(context, flags, project);
      const pushed: Pushed[] = [];
      for (const prompt of prompts) {
        const known = await readUseCaseIfAny(registry, prompt.document.use_case);
        const plan = planPush(prompt, project, known, envs);
        pushed.push(isDryRun || isUnchanged(plan) ? describe(plan) : await push(plan, origin, registry));
      }
      context.answer(
        { is_dry_run: isDryRun, pushed },
        pushed.map((each) => toText(each, isDryRun)).join("\n"),
      );
    });
};

interface Pushed {
  readonly use_case: string;
  readonly prompt_version: string;
  readonly short: string;
  /** Null for a new version that was not sent. */
  readonly number: number | null;
  readonly is_new: boolean;
  readonly changed_settings: readonly string[];
  /** Environments whose policy changes. */
  readonly changed_policies: readonly string[];
}

function describe(plan: PushPlan): Pushed {
  return {
    use_case: plan.useCase,
    prompt_version: plan.version,
    short: plan.short,
    number: plan.number,
    is_new: plan.number === null,
    changed_settings: plan.changedSettings,
    changed_policies: plan.policies.flatMap(({ env, isChange }) => (isChange ? [env] : [])),
  };
}

async function push(plan: PushPlan, origin: Origin, registry: RegistryClient): Promise<Pushed> {
  const path = `/v1/use-cases/${plan.useCase}`;
  const author = await origin.authorOf(plan.prompt);
  const { number } = await registry.post(
    `${path}/versions`,
    {
      prompt_version: plan.version,
      document: plan.prompt.document,
      commit: origin.commit,
      settings: plan.settings,
      ...(author !== undefined && { author }),
    },
    CommandAccepted,
  );
  for (const { env, policy, policy_hash, revision, isChange } of plan.policies) {
    if (!isChange) continue;
    const body = { env, policy, policy_hash, expected_revision: revision };
    try {
      await registry.post(`${path}/policies`, body, CommandAccepted);
    } catch (error) {
      if (!(error instanceof CommandFailure) || error.code !== "stale-revision") throw error;
      throw new CommandFailure(
        error.exitCode,
        error.code,
        `v${number} of ${plan.useCase} is registered, but its policy is not set: ${error.message}`,
        { cause: error, next: `plumbline push ${plan.useCase}` },
      );
    }
  }
  return { ...describe(plan), number };
}

function toText(pushed: Pushed, isDryRun: boolean): string {
  const { use_case, short, number, is_new, changed_settings, changed_policies } = pushed;
  const name = number === null ? "a new version" : `v${number}`;
  const news = [
    ...(is_new ? ["new version"] : []),
    ...(changed_settings.length > 0 ? [`settings changed: ${changed_settings.join(", ")}`] : []),
    ...(changed_policies.length > 0 ? [`policy of ${changed_policies.join(", ")} changed`] : []),
  ];
  const said = news.length === 0 ? "unchanged" : news.join("; ");
  const line = `${use_case}  ${name}  ${short}  ${isDryRun && news.length > 0 ? "would push: " : ""}${said}`;
  return is_new && !isDryRun ? `${line}\n  next: plumbline eval ${short}` : line;
}
