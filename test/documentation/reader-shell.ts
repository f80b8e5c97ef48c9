/** The terminal of somebody who follows a page: one shell, so that variables, folders and background jobs stay. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const CHECKOUT = fileURLToPath(new URL("../../", import.meta.url));
/** What still runs at the end is asked to stop, and stopped after this long. */
const STOP_MS = 20_000;

export interface ReaderShell {
  /** @returns what the commands wrote to standard output and standard error, in the order in which it came */
  run(commands: string): Promise<string>;
  /** Ends the shell and everything that was started in it. */
  close(): Promise<void>;
}

export interface ReaderOptions {
  /** Of the page. Other processes may hold them, so free ones take their place wherever commands name them. */
  readonly ports: readonly number[];
  /** @param portOf the free port in the place of one of `ports`; @param home a folder that goes with the shell */
  readonly environment: (portOf: (port: number) => string, home: string) => Readonly<Record<string, string>>;
  /** Other texts of the page, such as addresses, and what takes their place. */
  readonly replace?: Readonly<Record<string, string>>;
}

export async function openReaderShell(options: ReaderOptions): Promise<ReaderShell> {
  const folder = await mkdtemp(join(tmpdir(), "plumbline-reader-"));
  const ports = new Map<string, string>();
  for (const port of options.ports) ports.set(String(port), String(await freePort()));
  const portOf = (port: number): string => ports.get(String(port)) ?? String(port);
  const toOwn = (commands: string): string =>
    Object.entries(options.replace ?? {}).reduce(
      (own, [text, other]) => own.replaceAll(text, other),
      commands.replaceAll(/(?<!internal:)\b\d{4}\b/g, (digits) => ports.get(digits) ?? digits),
    );
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:PLUMBLINE|VITEST|GIT)_/.test(name));
  const shell = spawn("sh", [], {
    cwd: CHECKOUT,
    // A group of its own, so that what runs in the background can be ended with it.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      ...Object.fromEntries(inherited),
      TMPDIR: folder,
      ...options.environment(portOf, folder),
    },
  });
  const ended = new Promise<void>((resolve) => shell.once("close", () => resolve()));
  let output = "";
  let onOutput = (): void => undefined;
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      onOutput();
    });
  }
  let runs = 0;

  return {
    async run(commands) {
      runs += 1;
      const file = join(folder, `commands-${runs}.sh`);
      const done = `-- end of ${runs} --\n`;
      await writeFile(file, toOwn(commands));
      output = "";
      const isDone = new Promise<void>((resolve) => {
        onOutput = () => {
          if (output.includes(done)) resolve();
        };
      });
      shell.stdin.write(`. '${file}' < /dev/null 2>&1\nprintf '%s\\n' '${done.trim()}'\n`);
      await Promise.race([isDone, ended]);
      return output.replace(done, "");
    },
    async close() {
      const group = -shell.pid!;
      const until = performance.now() + STOP_MS;
      signalTo(group, "SIGTERM");
      while (signalTo(group, 0) && performance.now() < until) await sleep(50);
      signalTo(group, "SIGKILL");
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/** @returns whether there was anybody to hear it */
function signalTo(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(group, signal);
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
