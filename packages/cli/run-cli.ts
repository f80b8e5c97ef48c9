/** `plumbline <command>`: finds the command, runs it, and turns what went wrong into words and an exit code. */
import { Command as Program, CommanderError } from "commander";
import type { Clock } from "@plumbline/ports";
import type { AddCommand, CommandContext, CommandIo } from "./shell/command.ts";
import { addBacktest } from "./commands/backtest.ts";
import { addEval } from "./commands/eval.ts";
import { addConfig } from "./commands/config.ts";
import { addBundle } from "./commands/bundle.ts";
import { addExport } from "./commands/export.ts";
import { addImport } from "./commands/import.ts";
import { addReplay } from "./commands/replay.ts";
import { addDeadLetters } from "./commands/dead-letters.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addTail } from "./commands/tail.ts";
import { addCache } from "./commands/cache/tune.ts";
import { addInit } from "./commands/init.ts";
import { addLint } from "./commands/lint.ts";
import { addDiff } from "./commands/diff.ts";
import { addErase } from "./commands/erase.ts";
import { addKeys } from "./commands/keys.ts";
import { addPush } from "./commands/registry/push.ts";
import { addApprove } from "./commands/registry/approve.ts";
import { addPromote } from "./commands/registry/promote.ts";
import { addRollback } from "./commands/registry/rollback.ts";
import { addIncidents } from "./commands/registry/incidents.ts";
import { addStatus } from "./commands/registry/status.ts";
import { addPolicy } from "./commands/registry/policy.ts";
import { addDrill } from "./commands/registry/drill.ts";
import { addHistory } from "./commands/registry/history.ts";
import { exitCodeOf } from "@plumbline/runtime/exit-code";
import { productVersion } from "@plumbline/runtime/process/product-version";
import { isFileError, whyOf } from "@plumbline/runtime/system-error";
import { describeUnknown, findUnknown } from "@plumbline/runtime/variables/unknown-variables";
import { CommandFailure, EXIT } from "./shell/failure.ts";
import { type Advised, commandLine, withInvocation, withInvocationOfHints } from "./shell/invocation.ts";
import { printable, printableJson } from "./text/printable.ts";

/** In the order of the help: a prompt's way to production, then what looks at it. */
const COMMANDS: readonly AddCommand[] = [
  addInit,
  addLint,
  addDiff,
  addPush,
  addEval,
  addApprove,
  addPromote,
  addRollback,
  addIncidents,
  addStatus,
  addPolicy,
  addDrill,
  addDoctor,
  addConfig,
  addHistory,
  addTail,
  addReplay,
  addBacktest,
  addCache,
  addDeadLetters,
  addBundle,
  addImport,
  addExport,
  addKeys,
  addErase,
];

const HELP_COLUMNS = 110;

/** @returns the exit code */
export async function runCli(args: readonly string[], io: CommandIo, clock: Clock): Promise<number> {
  const context = createContext(io, clock);
  const program = createProgram(io, context);
  try {
    await program.parseAsync([...args], { from: "user" });
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    // Commander has written its own message by now.
    if (error instanceof CommanderError) return EXIT.usage;
    return explain(error, io, context);
  }
}

function createProgram(io: CommandIo, context: Context): Program {
  const program = new Program("plumbline")
    .description("Prompts in production: versioned, evaluated, observed, and put back in seconds.")
    .version(productVersion(), "--version", "print the version")
    // So that --version after a command's name is the command's own.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(printable(text)),
      getOutHelpWidth: () => HELP_COLUMNS,
      getErrHelpWidth: () => HELP_COLUMNS,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      outputError: (text, write) => write(text.replace(/^error: /, "plumbline: ")),
    })
    .showHelpAfterError("(--help tells more)")
    .helpCommand("help [command]", "how to use a command")
    .hook("preAction", (_program, command) => {
      context.isJson = command.opts()["json"] === true;
      context.advised = adviceOf(program, command, io.invocation);
      // `config` lists them in its own answer.
      if (command.parent?.name() === "config") return;
      for (const unknown of findUnknown(io.environment)) context.warn(describeUnknown(unknown));
    });
  for (const add of COMMANDS) add(program, context);
  for (const command of program.commands.flatMap((each) => [each, ...each.commands])) {
    if (command.commands.length > 0) continue;
    command.option("--json", "the result as one JSON object on standard output");
  }
  return program;
}

/** Options that say where project and registry are: a command that is advised gets those that were given. */
const PLACES = ["project", "registry"];

function adviceOf(program: Program, given: Program, invocation = "plumbline"): Advised {
  const places = PLACES.filter((option) => given.getOptionValueSource(option) === "cli");
  const flagsOf = (command: Program): string =>
    places
      .filter((option) => command.options.some((each) => each.attributeName() === option))
      .map((option) => ` ${commandLine([`--${option}`, String(given.opts()[option])])}`)
      .join("");
  return { invocation, commands: new Map(program.commands.map((each) => [each.name(), flagsOf(each)])) };
}

interface Context extends CommandContext {
  isJson: boolean;
  exitCode: number;
  /** How to run a command again. */
  advised: Advised;
  readonly warnings: string[];
}

/** What people read: without controls, and with commands that can be pasted. */
function readable(text: string, context: Context): string {
  return printable(withInvocation(text, context.advised));
}

function createContext(io: CommandIo, clock: Clock): Context {
  const context: Context = {
    io,
    clock,
    isJson: false,
    exitCode: EXIT.ok,
    advised: { invocation: "plumbline", commands: new Map() },
    warnings: [],
    answer(data, text, exitCode = EXIT.ok) {
      context.exitCode = exitCode;
      if (context.isJson) {
        const { warnings } = context;
        io.stdout.write(`${printableJson({ ok: exitCode === EXIT.ok, data, warnings, error: null })}\n`);
      } else if (text !== "") {
        const shown = printable(withInvocationOfHints(text, context.advised));
        io.stdout.write(shown.endsWith("\n") ? shown : `${shown}\n`);
      }
    },
    warn(message) {
      context.warnings.push(message);
      io.stderr.write(`warning: ${readable(message, context)}\n`);
    },
    say(message) {
      if (!context.isJson) io.stderr.write(`${readable(message, context)}\n`);
    },
  };
  return context;
}

function explain(thrown: unknown, io: CommandIo, context: Context): number {
  const error = isFileError(thrown)
    ? new CommandFailure(EXIT.config, "file", `${thrown.path}: ${whyOf(thrown)}`, { cause: thrown })
    : thrown;
  const exitCode = io.signal.aborted ? EXIT.interrupted : exitCodeOf(error);
  const failure = error instanceof CommandFailure ? error : undefined;
  const message = messageOf(error, exitCode);
  io.stderr.write(`plumbline: ${readable(message, context)}\n`);
  if (failure?.next !== undefined) io.stderr.write(`Next: ${readable(failure.next, context)}\n`);
  if (exitCode === EXIT.usage) io.stderr.write("(--help tells more)\n");
  if (context.isJson) {
    const described = {
      code: failure?.code ?? CODES[exitCode] ?? "unexpected",
      message,
      next: failure?.next ?? null,
      details: failure?.details ?? null,
    };
    io.stdout.write(
      `${printableJson({ ok: false, data: null, warnings: context.warnings, error: described })}\n`,
    );
  }
  return exitCode;
}

const CODES: Readonly<Record<number, string>> = {
  [EXIT.config]: "config",
  [EXIT.unavailable]: "unavailable",
  [EXIT.interrupted]: "interrupted",
};

function messageOf(error: unknown, exitCode: number): string {
  if (exitCode === EXIT.interrupted) return "interrupted";
  if (!(error instanceof Error)) return String(error);
  // Only what nobody foresaw needs the stack.
  return exitCode === EXIT.unexpected ? (error.stack ?? error.message) : error.message;
}
