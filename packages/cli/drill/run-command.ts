/** Runs the application's own command, and everything that it starts, to its end. */
import { spawn } from "node:child_process";

interface CommandRun {
  /** Null when it was ended from outside. */
  readonly exitCode: number | null;
  readonly isTimedOut: boolean;
  /** The last line that it wrote to standard error; "" without one. */
  readonly lastWords: string;
}

/** Of what the command writes to standard error, characters. */
const WORDS_MAX = 10_000;

export interface CommandOptions {
  readonly command: readonly [string, ...string[]];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** @throws Error when it can't be started */
export function runCommand(options: CommandOptions): Promise<CommandRun> {
  const { command, directory, environment, timeoutMs, signal } = options;
  const [file, ...args] = command;
  return new Promise((resolve, reject) => {
    // A group of its own, so that what it starts ends with it.
    const child = spawn(file, args, {
      cwd: directory,
      env: environment,
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    });
    let words = "";
    let isTimedOut = false;
    const end = (): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    };
    const timer = setTimeout(() => {
      isTimedOut = true;
      end();
    }, timeoutMs);
    signal.addEventListener("abort", end, { once: true });
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
    };
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      words = (words + text).slice(-WORDS_MAX);
    });
    child.once("error", (error) => {
      settle();
      reject(error);
    });
    child.once("close", (exitCode) => {
      settle();
      const lastWords = words.trimEnd().split("\n").at(-1) ?? "";
      resolve({ exitCode, isTimedOut, lastWords });
    });
  });
}
