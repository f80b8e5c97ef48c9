/**
 * `npm start` and `npm run demo`: local mode, and the founding incident played on it.
 *
 * The scripts set UV_THREADPOOL_SIZE: every running statement of the embedded engine holds one of libuv's threads,
 * whose number is read before the first line here runs.
 */
import { rmSync } from "node:fs";
import { mkdtemp, readdir, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { OPEN_PATH } from "@plumbline/access";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { EXIT, exitCodeOf, isDescribed } from "@plumbline/runtime/exit-code";
import { allowHosts } from "@plumbline/runtime/http/allowed-hosts";
import { invalidConfig, loadConfig } from "@plumbline/runtime/variables/load-config";
import { createLogger } from "@plumbline/runtime/logger";
import { productVersion } from "@plumbline/runtime/process/product-version";
import { exitOnFault, runProcess, stopOnSignal, type Service } from "@plumbline/runtime/run";
import { redactSecrets } from "@plumbline/runtime/secrets";
import { describeUnknown, findUnknown } from "@plumbline/runtime/variables/unknown-variables";
import { ConfigError } from "@plumbline/ports";
import { whyOf } from "@plumbline/runtime/system-error";
import { untilAborted } from "@plumbline/runtime/until-aborted";
import { composeLocal, type LocalMode } from "./compose.ts";
import { LocalConfig } from "./config.ts";
import { DEFAULT_DATA_DIR, readFlags, USAGE, UsageError, type Flags } from "./flags.ts";
import { PROCESS_CONFIGS } from "./process-configs.ts";
import { runDemo } from "./run-demo.ts";
import { findUnread } from "./unread-variables.ts";
import { runLoop } from "./run-loop.ts";

exitOnFault("local");
// Log, store and inbox hold customers' texts: nothing that this process writes is for other users of the machine.
process.umask(0o077);
try {
  process.exitCode = await main(readFlags(process.argv.slice(2), process.env));
} catch (error) {
  if (!isDescribed(error)) throw error;
  process.stderr.write(`plumbline: ${redactSecrets(error.message)}\n`);
  process.exitCode = exitCodeOf(error);
}

async function main(flags: Flags): Promise<number> {
  if (flags.help || flags.version) {
    process.stdout.write(flags.help ? USAGE : `${productVersion()}\n`);
    return EXIT.ok;
  }
  const config = loadConfig(LocalConfig, process.env);
  for (const unknown of findUnknown(process.env)) {
    process.stderr.write(`plumbline: warning: ${describeUnknown(unknown)}\n`);
  }
  const unread = findUnread(process.env, PROCESS_CONFIGS);
  if (unread.problems.length > 0) throw invalidConfig(unread.problems);
  if (unread.ignored.length > 0) {
    process.stderr.write(
      `plumbline: warning: local mode keeps log and store in its own folder and does not read ${unread.ignored.join(", ")}\n`,
    );
  }
  allowHosts(config.PLUMBLINE_ALLOWED_HOSTS);
  const logger = createLogger("local", config.PLUMBLINE_LOG_LEVEL);
  const signalled = stopOnSignal();
  const ended = new AbortController();
  const stop = AbortSignal.any([signalled, ended.signal]);
  const dataDir = await chooseDataDir(flags);
  const local = await composeLocal({ dataDir: dataDir.path, ports: flags.ports, config, logger, stop });

  let exitCode = 0;
  const front: Service = {
    name: "front",
    async run(signal) {
      const urls = await local.urls;
      if (flags.readyFile !== null) await writeReadyFile(flags.readyFile, urls);
      process.stderr.write(greeting(urls, dataDir, local.issueLink()));
      if (flags.demo) {
        const play = { local, urls, flags, environment: process.env, clock: systemClock, signal };
        const isDone = await (flags.closeTheLoop ? runLoop(play) : runDemo(play));
        if (flags.untilAlert || flags.untilResolved || flags.closeTheLoop) {
          exitCode = isDone ? EXIT.ok : EXIT.unexpected;
          ended.abort();
        }
      }
      await untilAborted(signal);
    },
  };
  await runProcess([...local.services, front], {
    logger,
    stop,
    drainMs: config.PLUMBLINE_DRAIN_MS,
    resources: local.resources,
  });
  return exitCode;
}

/** The demo plays into an empty folder of its own: a second play into the first one's data would find its alert there. */
async function chooseDataDir(flags: Flags): Promise<DataDir> {
  if (flags.dataDir === null && flags.demo) {
    const path = await mkdtemp(join(tmpdir(), "plumbline-demo-"));
    // At every end, a second ctrl-c included.
    process.on("exit", () => rmSync(path, { recursive: true, force: true }));
    return { path, isTemporary: true };
  }
  const path = resolve(flags.dataDir ?? DEFAULT_DATA_DIR);
  if (flags.demo && (await readdir(path).catch(() => [])).length > 0) {
    throw new UsageError(
      `--data-dir ${path}: the demo needs an empty folder; name another one, or leave the flag out`,
    );
  }
  return { path, isTemporary: false };
}

interface DataDir {
  readonly path: string;
  /** Removed when the process ends. */
  readonly isTemporary: boolean;
}

type Urls = Awaited<LocalMode["urls"]>;

/** Whole or not at all: whoever waits for the file must not read half of it. */
async function writeReadyFile(file: string, urls: Urls): Promise<void> {
  try {
    await writeFile(`${file}.part`, `${JSON.stringify(urls)}\n`);
    await rename(`${file}.part`, file);
  } catch (cause) {
    throw new ConfigError(`--ready-file ${file} can't be written: ${whyOf(cause)}`, { cause });
  }
}

function greeting(urls: Urls, { path, isTemporary }: DataDir, token: string): string {
  const event = JSON.stringify({
    app: "my-app",
    use_case: "first-prompt",
    prompt_version: "v1",
    model: "gpt-5-mini",
    status: "ok",
    latency_ms: 840,
    input: "Customer was charged $40 twice on 3 May.",
    output: "Charged $40 twice on 3 May.",
  });
  return `
Plumbline serves; ${isTemporary ? `this play is kept in ${path} until it is stopped` : `everything is kept in ${path}`}
  inbox      ${urls.inbox}
             ${urls.inbox}${OPEN_PATH}?token=${token}  (signs you in, once)
  collector  ${urls.collector}
  SQL        ${urls.sql}  (read-only)
  registry   ${urls.registry}
  health     ${urls.metrics}/readyz?verbose  (and /metrics)

Send a first call, then look at it:
  curl -sS ${urls.collector}/v1/calls -H 'content-type: application/json' -d '${event}'
  sleep 1; curl -sS '${urls.sql}/?query=SELECT+*+FROM+plumbline.calls_v1+FORMAT+Vertical'

Version a first prompt, in a folder of your own git repository:
  npm run -s plumbline -- init FOLDER
  npm run -s plumbline -- push --project FOLDER --registry ${urls.registry}
  npm run -s plumbline -- status --registry ${urls.registry}

`;
}
