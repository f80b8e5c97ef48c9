/** How this command line was started, so that the commands that it advises can be pasted. */
import { accessSync, constants } from "node:fs";
import { basename, delimiter, dirname, join, relative } from "node:path";

interface Started {
  /** Of node, the script's path second: `process.argv`. */
  readonly argv: readonly string[];
  /** Options of node itself: `process.execArgv`. */
  readonly execArgv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
}

/**
 * invocationOf returns what stands before a command's name to run it again from the same folder: `plumbline` where that is
 * on the PATH, `npx @plumbline/cli`, `npm run -s plumbline --` or `node <path>` otherwise.
 */
export function invocationOf({ argv, execArgv, environment, directory }: Started): string {
  if (environment["npm_lifecycle_event"] === "plumbline") return "npm run -s plumbline --";
  const script = argv[1] ?? "";
  // Whatever else npx has started hands its variables on, such as a test runner.
  if (environment["npm_command"] === "exec" && basename(script) === NAME) return "npx @plumbline/cli";
  if (basename(script) === NAME) {
    const folder = dirname(script);
    const first = (environment["PATH"] ?? "").split(delimiter).find((each) => isExecutable(join(each, NAME)));
    return first === folder ? NAME : quoted(shown(script, directory));
  }
  return commandLine(["node", ...execArgv, shown(script, directory)]);
}

/** What a command that is advised needs to find the same project and registry. */
export interface Advised {
  readonly invocation: string;
  /** By the command's name: the flags, such as ` --project shop`, that it takes of those that were given here; may be empty. */
  readonly commands: ReadonlyMap<string, string>;
}

/** withInvocation names the commands of `text` as they can be pasted: `plumbline lint` becomes `npx @plumbline/cli lint`. */
export function withInvocation(text: string, { invocation, commands }: Advised): string {
  if (commands.size === 0) return text;
  const named = new RegExp(String.raw`(?<![\w/@.-])${NAME} (${[...commands.keys()].join("|")})\b(?!-)`, "g");
  return text.replaceAll(named, (_, name: string) => `${invocation} ${name}${commands.get(name) ?? ""}`);
}

/** withInvocationOfHints changes the lines that say what comes next, and no others: they may be data. */
export function withInvocationOfHints(text: string, advised: Advised): string {
  return text.replaceAll(/^ *next: .*$/gim, (line) => withInvocation(line, advised));
}

/** @param words of a command line, quoted where a shell needs it */
export function commandLine(words: readonly string[]): string {
  return words.map(quoted).join(" ");
}

const NAME = "plumbline";

function shown(script: string, directory: string): string {
  const path = relative(directory, script);
  return path === "" || path.startsWith("..") ? script : path.includes("/") ? path : `./${path}`;
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
