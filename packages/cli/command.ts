/** One word after `plumbline`. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly help: string;
  /** @throws UsageError, or any error whose `exitCode` says how the process ends */
  run(args: readonly string[], io: CommandIo): Promise<void>;
}

/** The whole effect of a command on the world, apart from its files. */
export interface CommandIo {
  /** Data. */
  readonly stdout: Output;
  /** Everything else. */
  readonly stderr: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborts on ctrl-c. */
  readonly signal: AbortSignal;
}

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** The command line was wrong; the message says what, and the command's help what is right. */
export class UsageError extends Error {
  readonly exitCode = 2;
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}
