import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const children = new Set<ChildProcess>();

/** Kills every service that this file's importer started and that still runs. */
export function killServices(): void {
  for (const child of children) child.kill("SIGKILL");
}

/** A service in a process of its own, from its source. */
export interface ServiceProcess {
  /** Where it listens, for those that do. */
  readonly url: Promise<string>;
  /** Where it answers about itself. */
  readonly metricsUrl: Promise<string>;
  readonly exitCode: Promise<number | null>;
  /** Everything it said. */
  output(): string;
  isAlive(): boolean;
  kill(): Promise<void>;
  /** @returns the exit code after SIGTERM */
  terminate(): Promise<number | null>;
}

export function startService(name: string, environment: Readonly<Record<string, string>>): ServiceProcess {
  const main = fileURLToPath(new URL(`../../services/${name}/main.ts`, import.meta.url));
  const child = spawn(process.execPath, ["--conditions=source", "--import", "tsx", main], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...environment },
  });
  children.add(child);
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const exitCode = once(child, "exit").then(([code]) => {
    children.delete(child);
    return code as number | null;
  });
  const urls = { own: resolvable<string>(), metrics: resolvable<string>() };
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      const [, url, service] = /"url":"(http:[^"]+)","msg":"([a-z-]+)\.listening"/.exec(line) ?? [];
      if (url !== undefined) urls[service === "metrics" ? "metrics" : "own"].resolve(url);
    });
  }
  return {
    url: urls.own.promise,
    metricsUrl: urls.metrics.promise,
    exitCode,
    output: () => `${name}: ${said}`,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    async kill() {
      child.kill("SIGKILL");
      await exitCode;
    },
    terminate() {
      child.kill("SIGTERM");
      return exitCode;
    },
  };
}

function resolvable<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
