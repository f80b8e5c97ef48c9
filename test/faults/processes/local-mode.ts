/** Local mode as it is installed, started again and again on one folder and the same ports. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createStoreReader, type StoreReader } from "../oracle/store-reader.ts";
import { freePorts } from "./free-port.ts";
import { HopelessError, mainOf, startProcess, until, type TestedProcess } from "./process.ts";
import { WRITER_WORKED, type Supervised } from "./supervise.ts";

export interface LocalMode extends Supervised {
  readonly folder: string;
  readonly dataDir: string;
  readonly urls: { readonly collector: string; readonly sql: string; readonly registry: string };
  readonly store: StoreReader;
  remove(): Promise<void>;
}

const READY_MS = 60_000;

export async function createLocalMode(
  options: { readonly environment?: Readonly<Record<string, string>>; readonly parent?: string } = {},
): Promise<LocalMode> {
  const folder = await mkdtemp(join(options.parent ?? tmpdir(), "plumbline-faults-"));
  const dataDir = join(folder, "data");
  const [port, inbox, sql, registry, metrics] = await freePorts(5);
  const ready = new WeakMap<TestedProcess, string>();
  let starts = 0;
  return {
    name: "local",
    worked: WRITER_WORKED,
    folder,
    dataDir,
    urls: {
      collector: `http://127.0.0.1:${port}`,
      sql: `http://127.0.0.1:${sql}`,
      registry: `http://127.0.0.1:${registry}`,
    },
    store: createStoreReader(() => `http://127.0.0.1:${sql}`),
    start() {
      const readyFile = join(folder, `ready-${++starts}.json`);
      const started = startProcess(
        "local",
        [
          mainOf("local"),
          `--port=${port}`,
          `--inbox-port=${inbox}`,
          `--sql-port=${sql}`,
          `--registry-port=${registry}`,
          `--metrics-port=${metrics}`,
          `--data-dir=${dataDir}`,
          `--ready-file=${readyFile}`,
        ],
        { PLUMBLINE_JUDGE_SAMPLE_RATIO: "0.002", PLUMBLINE_LOG_LEVEL: "info", ...options.environment },
      );
      ready.set(started, readyFile);
      return started;
    },
    serves(started) {
      const readyFile = ready.get(started) ?? "";
      return until(
        "local mode serves",
        () => {
          if (!started.isAlive())
            throw new HopelessError(`${started.name} ended: ${started.output().slice(-2_000)}`);
          return existsSync(readyFile);
        },
        READY_MS,
      );
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
