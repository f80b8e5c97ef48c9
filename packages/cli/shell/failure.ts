import { EXIT } from "@plumbline/runtime/exit-code";

export { EXIT };

/** An expected failure: what happened, why, and what to do next. */
export class CommandFailure extends Error {
  readonly exitCode: number;
  /** Stable, for scripts: `version-unknown`. */
  readonly code: string;
  /** One command or step that mends it. */
  readonly next: string | undefined;
  /** For `--json`, such as every reason of the gate. */
  readonly details: unknown;

  constructor(
    exitCode: number,
    code: string,
    message: string,
    { next, details, cause }: { next?: string; details?: unknown; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.exitCode = exitCode;
    this.code = code;
    this.next = next;
    this.details = details;
  }
}

/** The command line was wrong; the message says what, and the command's help what is right. */
export class UsageError extends CommandFailure {
  constructor(message: string) {
    super(EXIT.usage, "usage", message);
  }
}
