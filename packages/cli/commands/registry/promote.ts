import { CommandAccepted, type Ramp } from "@plumbline/schemas";
import type { AddCommand } from "../../shell/command.ts";
import { confirm } from "../../shell/confirm.ts";
import { describeExposure, readRamp, readWeight } from "../../deploy/exposure.ts";
import { followRollout } from "../../deploy/follow-rollout.ts";
import { describePlan, planMove, type MovePlan } from "../../deploy/move-plan.ts";
import { explainRefusal } from "../../deploy/refusals.ts";
import { UsageError } from "../../shell/failure.ts";
import { gateExitCode } from "../../shell/gate-exit-code.ts";
import {
  addEnvOption,
  addRegistryOptions,
  checkEnv,
  openConfigIfAny,
  openRegistry,
  type EnvFlags,
  type RegistryFlags,
} from "../../project/project-options.ts";
import { readUseCase } from "../../registry/read-use-case.ts";
import { findVersion, readTarget } from "../../registry/version-reference.ts";

interface PromoteFlags extends RegistryFlags, EnvFlags {
  readonly weight?: number;
  readonly ramp?: Ramp;
  readonly reason: string;
  readonly bypassReason?: string;
  readonly yes: boolean;
  readonly wait: boolean;
}

export const addPromote: AddCommand = (program, context) => {
  const command = program
    .command("promote")
    .summary("make a version live")
    .description(
      "Makes a version live, if the gate lets it: a fresh passing evaluation against what is live now, and somebody else's approval. Shows what changes and asks first. The move is refused when somebody else changed the environment in between.",
    )
    .argument("<use-case>", "or use-case@<12 hex> alone")
    .argument("[version]", "v3 or 12 or more hex digits")
    .addHelpText(
      "before",
      `Examples:
  plumbline promote ticket-summary v3
  plumbline promote ticket-summary v3 --ramp 5,25,100
  plumbline promote ticket-summary v3 --weight 0.1 --env staging --yes
`,
    );
  addEnvOption(addRegistryOptions(command))
    .option("--weight <share>", "serve it to a share of the conversations only: 0.1", readWeight)
    .option("--ramp <percent,…>", "serve it to rising shares, each step once the last is cleared", readRamp)
    .option("--reason <text>", "kept in the history", "")
    .option("--bypass-reason <text>", "override the gate for this reason, visibly to everybody")
    .option("--yes", "do not ask", false)
    .option("--no-wait", "with --ramp: end after the first step, and let the rest go on by itself")
    .action(async (first: string, second: string | undefined, flags: PromoteFlags) => {
      checkFlags(flags);
      const { useCase: name, version: reference } = readTarget(first, second);
      const found = await openConfigIfAny(context, flags);
      const env = checkEnv(flags, found?.config);
      const registry = await openRegistry(context, flags, found ?? undefined);
      const useCase = await readUseCase(registry, name);
      const version = findVersion(useCase, reference);
      const plan = await planMove(registry, useCase, version, env);
      const exposure = describeExposure(flags);
      context.say(describePlan(plan, exposure, context.clock.now()));
      await confirm(context.io, `Promote v${version.number} of ${name} in ${env} for ${exposure}?`, flags);

      const { weight, ramp, reason, bypassReason } = flags;
      const accepted = await registry
        .post(
          `/v1/use-cases/${name}/promote`,
          {
            env,
            prompt_version: version.prompt_version,
            expected_revision: plan.env.revision,
            reason,
            ...(weight !== undefined && { weight }),
            ...(ramp !== undefined && { ramp }),
            ...(bypassReason !== undefined && { bypass: { reason: bypassReason } }),
          },
          CommandAccepted,
        )
        .catch((error: unknown) => {
          throw explainRefusal(error, { name: `v${version.number}`, useCase: name, io: context.io });
        });
      for (const { code, message } of accepted.overridden) context.warn(`overridden: ${code}: ${message}`);
      const reverse = reverseOf(plan);
      if (reverse !== null) context.say(`Reverse: ${reverse}`);

      const line = `${name}  v${version.number}  ${version.short}  ${accepted.changed ? "live" : "was live already"} in ${env} for ${exposure}`;
      if (ramp === undefined || !flags.wait || !accepted.changed) {
        context.answer({ ...accepted, reverse }, line);
        return;
      }
      context.say("Following the rollout; ctrl-c leaves it running.");
      const end = await followRollout(registry, useCase, version, env, context);
      const isLive = end.end === "serves_everybody";
      context.answer(
        { ...accepted, reverse, rollout: end },
        `${name}  v${version.number}  ${version.short}  ${isLive ? `serves everybody in ${env}` : `${end.end.replaceAll("_", " ")} in ${env}${end.reason === null ? "" : ` by ${end.reason}`}`}`,
        isLive ? undefined : gateExitCode(context.io),
      );
    });
};

function checkFlags({ weight, ramp, bypassReason }: PromoteFlags): void {
  if (weight !== undefined && ramp !== undefined)
    throw new UsageError("--weight and --ramp exclude each other: the first step of --ramp is its weight");
  if (bypassReason?.trim() === "") throw new UsageError("--bypass-reason must say why");
}

/** Null when nothing was live before: there is nothing to go back to. */
function reverseOf({ useCase, envName, incumbent }: MovePlan): string | null {
  if (incumbent === null) return null;
  return `plumbline rollback ${useCase.use_case} --env ${envName} --to v${incumbent.number} --reason "…"`;
}
