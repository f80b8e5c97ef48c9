import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LocalUrls } from "@plumbline/services/local/compose";

const MAIN = fileURLToPath(new URL("../../services/local/main.ts", import.meta.url));
const READY_MS = 120_000;

export interface LocalProcess {
  readonly urls: LocalUrls;
  /** Lines of its log so far. */
  output(): string;
  /** @returns its exit code after SIGTERM */
  stop(): Promise<number | null>;
}

/**
 * Local mode as a process, on free ports; its data in `folder`.
 *
 * @param main of another checkout; default: this one's
 */
export async function startLocal(
  folder: string,
  environment: Readonly<Record<string, string>> = {},
  main = MAIN,
): Promise<LocalProcess> {
  const readyFile = join(folder, `ready-${process.pid}-${performance.now()}.json`);
  const args = ["--port", "0", "--data-dir", join(folder, "data"), "--ready-file", readyFile];
  const child = spawn(process.execPath, ["--conditions=source", "--import", "tsx", main, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], UV_THREADPOOL_SIZE: "16", ...environment },
  });
  const exit = once(child, "exit").then(([code]) => code as number | null);
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  for (const deadline = performance.now() + READY_MS; !existsSync(readyFile);) {
    if (child.exitCode !== null || performance.now() > deadline)
      throw new Error(`local mode did not start:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    urls: JSON.parse(readFileSync(readyFile, "utf8")) as LocalUrls,
    output: () => output,
    stop: () => {
      child.kill("SIGTERM");
      return exit;
    },
  };
}
