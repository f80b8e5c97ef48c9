#!/usr/bin/env node
/** `plumbline <command>`: finds the command, runs it, and turns what went wrong into an exit code. */
import { stopOnSignal } from "@plumbline/runtime/run";
import { backtestCommand } from "./backtest.ts";
import type { Command, CommandIo } from "./command.ts";

const COMMANDS: readonly Command[] = [backtestCommand];
const UNEXPECTED = 1;
const USAGE = 2;
/** By the names of errors of the ports; other errors carry their own code. */
const CONFIG = 3;
const REMOTE = 5;

process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  signal: stopOnSignal(),
});

async function main([name, ...args]: readonly string[], io: CommandIo): Promise<number> {
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    (name === undefined ? io.stderr : io.stdout).write(`${overview()}\n`);
    return name === undefined ? USAGE : 0;
  }
  const command = COMMANDS.find((each) => each.name === name);
  if (command === undefined) {
    io.stderr.write(`plumbline: there is no command "${name}"\n\n${overview()}\n`);
    return USAGE;
  }
  if (args.includes("--help") || args.includes("-h")) {
    io.stdout.write(`plumbline ${command.name}: ${command.summary}\n\n${command.help}\n`);
    return 0;
  }
  try {
    await command.run(args, io);
    return 0;
  } catch (error) {
    const code = exitCodeOf(error);
    const message =
      error instanceof Error ? (code === UNEXPECTED ? error.stack : error.message) : String(error);
    io.stderr.write(`plumbline ${command.name}: ${message}\n`);
    if (code === USAGE) io.stderr.write(`Try: plumbline ${command.name} --help\n`);
    return code;
  }
}

function exitCodeOf(error: unknown): number {
  if (!(error instanceof Error)) return UNEXPECTED;
  if ("exitCode" in error && typeof error.exitCode === "number") return error.exitCode;
  if (error.name === "ConfigError") return CONFIG;
  return error.name === "ExternalError" ? REMOTE : UNEXPECTED;
}

function overview(): string {
  const width = Math.max(...COMMANDS.map((command) => command.name.length));
  const list = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return ["Usage: plumbline <command>", "", ...list, "", "plumbline <command> --help tells more."].join("\n");
}
