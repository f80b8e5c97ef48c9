/** The command line in this process, with what it wrote. */
import { PassThrough } from "node:stream";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import type { Clock } from "@plumbline/ports";
import { runCli } from "../../packages/cli/run-cli.ts";

export interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly directory?: string;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** Sees standard output as it is written. */
  readonly onOutput?: (text: string) => void;
}

export async function runPlumbline(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const { environment = {}, directory = "/", clock = systemClock, onOutput } = options;
  const { signal = new AbortController().signal } = options;
  let stdout = "";
  let stderr = "";
  const exitCode = await runCli(
    args,
    {
      stdout: {
        write: (text) => {
          stdout += text;
          onOutput?.(text);
        },
      },
      stderr: { write: (text) => void (stderr += text) },
      stdin: new PassThrough(),
      environment,
      directory,
      signal,
    },
    clock,
  );
  return { exitCode, stdout, stderr };
}
