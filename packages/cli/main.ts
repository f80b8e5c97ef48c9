#!/usr/bin/env node
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { stopOnSignal } from "@plumbline/runtime/run";
import { invocationOf } from "./shell/invocation.ts";
import { runCli } from "./run-cli.ts";

/** A reader that has seen enough, such as `head`, closes the pipe; what still runs then stops as on ctrl-c. */
const unread = new AbortController();
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  unread.abort();
});

process.exitCode = await runCli(
  process.argv.slice(2),
  {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    environment: process.env,
    directory: process.cwd(),
    invocation: invocationOf({
      argv: process.argv,
      execArgv: process.execArgv,
      environment: process.env,
      directory: process.cwd(),
    }),
    signal: AbortSignal.any([stopOnSignal(), unread.signal]),
  },
  systemClock,
);
