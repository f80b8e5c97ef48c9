import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@plumbline/adapters/clock/system-clock";

const MAIN = fileURLToPath(new URL("../services/local/main.ts", import.meta.url));
/**
 * Where local mode keeps its data by default, and not the folder of temporary files: ext4 makes files several times slower
 * beside thousands that a test suite has removed in the last minutes.
 */
const DATA = fileURLToPath(new URL("../.plumbline/bench/", import.meta.url));
const READY_MS = 60_000;

export interface LocalProcess {
  readonly pid: number;
  readonly urls: { readonly collector: string; readonly inbox: string; readonly sql: string };
  /** CPU seconds used so far, all threads. */
  cpuSeconds(): number;
  /** Resident memory now, MB. */
  rssMb(): number;
  readonly query: (sql: string) => Promise<readonly Record<string, unknown>[]>;
  /** @param keep leaves the folder for another start */
  stop(options?: { readonly keep: boolean }): Promise<void>;
}

/** A new folder for `startLocal`, on the disk where local mode keeps its data by default. */
export async function newFolder(): Promise<string> {
  await mkdir(DATA, { recursive: true });
  return mkdtemp(join(DATA, "local-"));
}

/**
 * Local mode as a process of its own, on free ports.
 *
 * @param folder its data lie in `data` of it; a new one, removed at its stop, unless given
 */
export async function startLocal(
  environment: Readonly<Record<string, string>> = {},
  folder?: string,
): Promise<LocalProcess> {
  folder ??= await newFolder();
  const readyFile = join(folder, "ready.json");
  const child = spawn(
    process.execPath,
    [
      "--max-semi-space-size=64",
      "--conditions=source",
      "--import",
      "tsx",
      MAIN,
      "--port",
      "0",
      "--data-dir",
      join(folder, "data"),
      "--ready-file",
      readyFile,
    ],
    {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, UV_THREADPOOL_SIZE: "16", ...environment },
    },
  );
  let messages = "";
  child.stderr
    .setEncoding("utf8")
    .on("data", (text: string) => (messages = (messages + text).slice(-10_000)));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const deadline = performance.now() + READY_MS;
  while (!existsSync(readyFile)) {
    if (child.exitCode !== null || performance.now() > deadline)
      throw new Error(`local mode did not start:\n${messages}`);
    await systemClock.sleep(50);
  }
  const urls = JSON.parse(readFileSync(readyFile, "utf8")) as LocalProcess["urls"];
  const pid = child.pid ?? 0;
  return {
    pid,
    urls,
    cpuSeconds() {
      // Fields 14 and 15, counted after the command's name, which may hold spaces: user and system time in ticks of 10 ms.
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    rssMb() {
      const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
      return Math.round(Number(kib) / 1024);
    },
    query: async (sql) => {
      const response = await fetch(`${urls.sql}/?query=${encodeURIComponent(`${sql} FORMAT JSONEachRow`)}`);
      const body = await response.text();
      if (!response.ok) throw new Error(body);
      return body
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    async stop({ keep } = { keep: false }) {
      child.kill("SIGTERM");
      await ended;
      await rm(keep ? readyFile : folder, { recursive: true, force: true });
    },
  };
}
