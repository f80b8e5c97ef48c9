/** Runs a command line that a message prints, as somebody would who pastes it into a terminal. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Environment } from "@plumbline/runtime/variables/read-settings";

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * @param command begins with `plumbline` or `npx @plumbline/cli`; its words are quoted as for a shell
 * @param more words beside it, such as `--yes`
 */
export async function runPrintedCommand(
  command: string,
  more: readonly string[],
  environment: Environment,
  signal: AbortSignal,
): Promise<Ran> {
  const words = [...wordsOf(command.replace(/^(?:npx @plumbline\/cli|plumbline)\s+/, "")), ...more];
  // Under the options of this process, which say whether source or build is run.
  const child = spawn(process.execPath, [...process.execArgv, entry(), ...words], {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
    signal,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

function entry(): string {
  const folder = dirname(createRequire(import.meta.url).resolve("@plumbline/cli/package.json"));
  return join(folder, import.meta.url.endsWith(".ts") ? "main.ts" : "dist/main.js");
}

/** Words of a command line: bare, in single or in double quotes. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? "",
  );
}
