import { createInterface } from "node:readline/promises";
import type { CommandIo } from "./command.ts";
import { CommandFailure, EXIT } from "./failure.ts";

/**
 * Asks before something that production feels. Without a terminal nobody can answer, so the flag must say it.
 *
 * @throws CommandFailure `unconfirmed`, exit code 6
 */
export async function confirm(
  { stdin, stderr, signal }: CommandIo,
  question: string,
  { yes }: { readonly yes: boolean },
): Promise<void> {
  if (yes) return;
  if (stdin.isTTY !== true) {
    throw new CommandFailure(EXIT.refused, "unconfirmed", `${question} Nobody is here to answer.`, {
      next: "the same command with --yes",
    });
  }
  stderr.write(`${question} [y/N] `);
  const lines = createInterface({ input: stdin });
  try {
    const answer = await lines.question("", { signal });
    if (/^y(?:es)?$/i.test(answer.trim())) return;
  } finally {
    lines.close();
  }
  throw new CommandFailure(EXIT.refused, "unconfirmed", "Nothing was changed.");
}
