import { CommandAccepted } from "@plumbline/schemas";
import type { AddCommand } from "../../shell/command.ts";
import { CommandFailure } from "../../shell/failure.ts";
import { addRegistryOptions, openRegistry, type RegistryFlags } from "../../project/project-options.ts";
import { readUseCase } from "../../registry/read-use-case.ts";
import { findVersion, readTarget } from "../../registry/version-reference.ts";

interface ApproveFlags extends RegistryFlags {
  readonly reason?: string;
}

export const addApprove: AddCommand = (program, context) => {
  const command = program
    .command("approve")
    .summary("say that you read a version and stand behind it")
    .description(
      "Records that you read a version. The gate asks for one person besides the author and whoever pushed it.",
    )
    .argument("<use-case>", "or use-case@<12 hex> alone")
    .argument("[version]", "v3 or 12 or more hex digits")
    .addHelpText(
      "before",
      `Examples:
  plumbline diff live v3
  plumbline approve ticket-summary v3
  plumbline approve ticket-summary@9be07d1f00aa --reason "read with the support team"
`,
    );
  addRegistryOptions(command)
    .option("--reason <text>", "kept in the history", "")
    .action(async (first: string, second: string | undefined, flags: ApproveFlags) => {
      const { useCase, version: reference } = readTarget(first, second);
      const registry = await openRegistry(context, flags);
      const known = await readUseCase(registry, useCase);
      const version = findVersion(known, reference);
      const accepted = await registry
        .post(
          `/v1/use-cases/${useCase}/approvals`,
          { prompt_version: version.prompt_version, reason: flags.reason },
          CommandAccepted,
        )
        .catch((error: unknown) => {
          throw withNextStep(error, useCase, version.number);
        });
      const said = accepted.changed ? "approved" : "was approved by you already";
      context.answer(accepted, `${useCase}  v${version.number}  ${version.short}  ${said}`);
      context.say(
        version.latest_eval?.decision.passed === true
          ? `Next: plumbline promote ${useCase} v${version.number}`
          : `Next: plumbline eval ${version.short}`,
      );
    });
};

function withNextStep(error: unknown, useCase: string, number: number): unknown {
  if (!(error instanceof CommandFailure) || error.code !== "approval-by-author") return error;
  return new CommandFailure(error.exitCode, error.code, error.message, {
    cause: error,
    next: `a colleague runs: plumbline approve ${useCase} v${number}`,
  });
}
