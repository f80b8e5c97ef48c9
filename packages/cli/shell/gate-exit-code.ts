import type { CommandIo } from "./command.ts";
import { EXIT, UsageError } from "./failure.ts";

/**
 * How a command ends when the gate does not pass: 10, or what `PLUMBLINE_GATE_EXIT_CODE` says, for pipelines that
 * keep 10 for something else.
 *
 * @throws UsageError when the variable is no exit code
 */
export function gateExitCode({ environment }: Pick<CommandIo, "environment">): number {
  const text = environment["PLUMBLINE_GATE_EXIT_CODE"];
  if (text === undefined || text === "") return EXIT.gate;
  const code = Number(text);
  if (Number.isInteger(code) && code >= 1 && code <= 255) return code;
  throw new UsageError(`PLUMBLINE_GATE_EXIT_CODE: "${text}" must be a whole number from 1 to 255`);
}
