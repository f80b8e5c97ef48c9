/** The terminal of somebody who follows a page: one shell, so that variables, folders and background jobs stay. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const CHECKOUT = fileURLToPath(new URL("../../", import.meta.url));
/** Local mode's, and the pretend model's. */
const USUAL_PORTS = { collector: 4319, inbox: 4320, sql: 4321, registry: 4800, provider: 4900 } as const;
/** What still runs at the end is asked to stop, and stopped after this long. */
const STOP_MS = 20_000;

export interface ReaderShell {
  /** @returns what the commands wrote to standard output and standard error, in the order in which it came */
  run(commands: string): Promise<string>;
  /** Ends the shell and everything that was started in it. */
  close(): Promise<void>;
}

/**
 * Other processes may hold the usual ports, so the services are given free ones by their variables, and the usual ones
 * are replaced by those wherever commands name them.
 */
export async function openReaderShell(): Promise<ReaderShell> {
  const folder = await mkdtemp(join(tmpdir(), "plumbline-reader-"));
  const ports = new Map<string, number>();
  for (const port of Object.values(USUAL_PORTS)) ports.set(String(port), await freePort());
  const portOf = (name: keyof typeof USUAL_PORTS): string => String(ports.get(String(USUAL_PORTS[name])));
  const urlOf = (name: keyof typeof USUAL_PORTS): string => `http://127.0.0.1:${portOf(name)}`;
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:PLUMBLINE|VITEST|GIT)_/.test(name));
  const shell = spawn("sh", [], {
    cwd: CHECKOUT,
    // A group of its own, so that what runs in the background can be ended with it.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      ...Object.fromEntries(inherited),
      TMPDIR: folder,
      PLUMBLINE_PORT: portOf("collector"),
      PLUMBLINE_INBOX_PORT: portOf("inbox"),
      PLUMBLINE_SQL_PORT: portOf("sql"),
      PLUMBLINE_METRICS_PORT: "0",
      PLUMBLINE_REGISTRY_PORT: portOf("registry"),
      PLUMBLINE_COLLECTOR_URL: urlOf("collector"),
      PLUMBLINE_SQL_URL: urlOf("sql"),
      PLUMBLINE_REGISTRY_URL: urlOf("registry"),
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
      await writeFile(
        file,
        commands.replaceAll(/\b\d{4}\b/g, (digits) => String(ports.get(digits) ?? digits)),
      );
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
