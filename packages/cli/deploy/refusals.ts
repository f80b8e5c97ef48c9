/** What the registry refused, with everything that the user can do about it. */
import { z } from "zod";
import type { CommandIo } from "../shell/command.ts";
import { CommandFailure } from "../shell/failure.ts";
import { gateExitCode } from "../shell/gate-exit-code.ts";

/** Of a problem: `field` is the reason's code. */
const GateReasons = z.array(z.object({ field: z.string(), message: z.string() }));

/** The registry says the first reason in its sentence; here are all of them, one a line. */
export function explainRefusal(
  error: unknown,
  { name, useCase, io }: { readonly name: string; readonly useCase: string; readonly io: CommandIo },
): unknown {
  if (!(error instanceof CommandFailure)) return error;
  if (error.code === "stale-revision") return withNext(error, `plumbline status ${useCase}`);
  const reasons = GateReasons.safeParse(error.details);
  if (error.code !== "gate-refused" || !reasons.success) return error;
  const failures = reasons.data.map(({ field, message }) => ({ code: field, message }));
  return new CommandFailure(
    gateExitCode(io),
    error.code,
    `The gate refuses ${name}:\n${failures.map(({ code, message }) => `  ${code}: ${message}`).join("\n")}`,
    {
      cause: error,
      details: failures,
      next: 'mend these; or --bypass-reason "…", which the history shows to everybody',
    },
  );
}

function withNext(error: CommandFailure, next: string): CommandFailure {
  return new CommandFailure(error.exitCode, error.code, error.message, {
    cause: error,
    next,
    details: error.details,
  });
}
