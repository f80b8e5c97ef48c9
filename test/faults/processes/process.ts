/** A process under test: started from what `npm run build` made, watched by its output, ended by a signal. */
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface TestedProcess {
  readonly name: string;
  readonly pid: number;
  readonly startedAt: number;
  /** The newest output, both streams. */
  output(): string;
  isAlive(): boolean;
  send(signal: NodeJS.Signals): void;
  readonly exited: Promise<Exit>;
  /** Largest resident memory so far, MB; 0 once it is gone. */
  peakMemoryMb(): number;
}

const OUTPUT_CHARS_MAX = 400_000;
const alive = new Set<ChildProcess>();
/** Whatever ends the suite, no process of it outlives it. */
process.once("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

export function startProcess(
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): TestedProcess {
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], UV_THREADPOOL_SIZE: "16", ...environment },
  });
  alive.add(child);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-OUTPUT_CHARS_MAX);
    });
  }
  const pid = child.pid ?? 0;
  return {
    name,
    pid,
    startedAt: performance.now(),
    output: () => said,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    send: (signal) => void child.kill(signal),
    exited: new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        alive.delete(child);
        resolve({ code, signal });
      });
    }),
    peakMemoryMb() {
      try {
        const [, kib] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
        return Math.round(Number(kib ?? 0) / 1024);
      } catch {
        return 0;
      }
    },
  };
}

/** The built main file of a service. */
export function mainOf(service: string): string {
  return fileURLToPath(new URL(`../../../services/dist/${service}/main.js`, import.meta.url));
}

/** Arguments of node for a helper of this folder, which is not built. */
export function sourceArgs(file: string): readonly string[] {
  return ["--conditions=source", "--import", "tsx", fileURLToPath(new URL(file, import.meta.url))];
}

/** Thrown by a condition that can't become true any more. */
export class HopelessError extends Error {}

/**
 * Waits until something is so, asking every few ms.
 *
 * @throws Error saying what was waited for, with the last reason; HopelessError at once
 */
export async function until(
  what: string,
  isSo: () => Promise<boolean> | boolean,
  timeoutMs: number,
  intervalMs = 5,
): Promise<void> {
  let last: unknown = null;
  for (const deadline = performance.now() + timeoutMs; ; await sleep(intervalMs)) {
    try {
      if (await isSo()) return;
    } catch (error) {
      if (error instanceof HopelessError) throw error;
      last = error;
    }
    if (performance.now() > deadline) {
      const reason = last instanceof Error ? `: ${last.message}` : "";
      throw new Error(`waited ${timeoutMs} ms for: ${what}${reason}`, { cause: last });
    }
  }
}

/** Longest stand-still of a number that still counts as waiting: the longest wait of the writer between two tries is 30 s. */
const STILL_MS = 45_000;

/** Waits until a number is reached, or stands still for a while: what is missing then does not come. */
export async function untilStill(
  measure: () => Promise<number> | number,
  goal: number,
  timeoutMs = 600_000,
): Promise<void> {
  let [last, changedAt] = [Number.NaN, performance.now()];
  await until(
    `${goal} are reached`,
    async () => {
      const now = await measure();
      if (now !== last) [last, changedAt] = [now, performance.now()];
      return now >= goal || performance.now() - changedAt > STILL_MS;
    },
    timeoutMs,
    // Asking costs the store as much as an insert does.
    500,
  );
}
