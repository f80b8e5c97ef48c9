/** What every command is given and what it may end with. */
import type { Command as Program } from "commander";
import type { Clock } from "@plumbline/ports";

/** Declares one command, with its arguments and options, on the program. */
export type AddCommand = (program: Program, context: CommandContext) => void;

export interface CommandContext {
  readonly io: CommandIo;
  readonly clock: Clock;
  /** `--json` was given. Known once a command runs. */
  readonly isJson: boolean;
  /**
   * The result, once: with `--json` one object `{ok, data, warnings, error}`, else the text.
   *
   * @param exitCode for a result that is an answer and yet a failure, such as a gate that does not pass
   */
  answer(data: unknown, text: string, exitCode?: number): void;
  /** Something the user should know that does not change the result. */
  warn(message: string): void;
  /** For standard error: what is going on. Silent with `--json`. */
  say(message: string): void;
}

/** The whole effect of a command on the world, apart from files and the registry. */
export interface CommandIo {
  /** Data. */
  readonly stdout: Output;
  /** Everything else. */
  readonly stderr: Output;
  /** Answers to questions; asked only when it is a terminal. */
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What stands before a command's name to run it again, such as `npx @plumbline/cli`. Default `plumbline`. */
  readonly invocation?: string;
  /** Where the command was started. */
  readonly directory: string;
  /** Aborts on ctrl-c. */
  readonly signal: AbortSignal;
}

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}
