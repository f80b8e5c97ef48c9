/**
 * Local mode, stopped and started in the ways that once lost calls: asked to stop while it recovers from kill -9, with an
 * older copy of its ClickHouse folder beside a newer log, and with a log that isn't the store's. An oracle outside the
 * process notes what was acknowledged.
 */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compare } from "./oracle/compare.ts";
import { Ledger } from "./oracle/ledger.ts";
import { createStoreReader } from "./oracle/store-reader.ts";
import { freePorts } from "./processes/free-port.ts";
import { sourceArgs, startProcess, until, type TestedProcess } from "./processes/process.ts";
import { sendOnce, startSenders } from "./senders/sender.ts";

const ROUNDS = 4;
const BATCH = 250;
/** Moments after it serves, ms: the recovery is under way. */
const STOPS_MS = [0, 40, 90, 160];
const PATIENCE_MS = 120_000;

const ledger = new Ledger();
const store = createStoreReader(() => `http://127.0.0.1:${ports[1]}`);
let folder = "";
let ports: readonly number[] = [];
let running: TestedProcess | null = null;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumbline-stops-"));
  ports = await freePorts(4);
});
afterAll(async () => {
  running?.send("SIGKILL");
  await running?.exited;
  await rm(folder, { recursive: true, force: true });
});

function launch(): TestedProcess {
  const [collector, sql, inbox, registry] = ports;
  running = startProcess("local", [
    ...sourceArgs("../../../services/local/main.ts"),
    `--port=${collector}`,
    `--sql-port=${sql}`,
    `--inbox-port=${inbox}`,
    `--registry-port=${registry}`,
    `--data-dir=${join(folder, "data")}`,
  ]);
  return running;
}

const collector = (): string => `http://127.0.0.1:${ports[0]}`;

async function start(): Promise<TestedProcess> {
  const started = launch();
  await until(
    "local mode serves",
    () => {
      if (!started.isAlive()) throw new Error(started.output().slice(-2_000));
      return started.output().includes("Plumbline serves");
    },
    PATIENCE_MS,
  );
  return started;
}

async function end(victim: TestedProcess, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  victim.send(signal);
  const { code } = await victim.exited;
  if (signal === "SIGTERM") expect(code, victim.output().slice(-2_000)).toBe(0);
}

/**
 * Resolves when a call that is sent now is stored with its texts: what lies before it in the log was dealt with by then.
 * Calls and texts are two inserts, so either alone would be too early.
 */
async function untilFresh(): Promise<void> {
  const before = ledger.count("acknowledged");
  await until("a fresh call is taken", () => sendOnce(ledger, collector(), 1), PATIENCE_MS);
  expect(ledger.count("acknowledged")).toBeGreaterThan(before);
  const fresh = ledger.idOf([...ledger.batches()].at(-1)!, 0);
  await until(
    "a fresh call is stored",
    async () => {
      const { calls, texts } = await store.numbers<"calls" | "texts">(
        `SELECT (SELECT count() FROM plumbline_raw.calls WHERE call_id = '${fresh}') AS calls, (SELECT count() FROM plumbline_raw.call_payloads WHERE call_id = '${fresh}') AS texts`,
      );
      return calls === 1 && texts === 1;
    },
    PATIENCE_MS,
    50,
  );
}

async function expectNothingWrong(): Promise<void> {
  const { acknowledged, stored, lost, invented, altered, examples } = await compare(ledger, store);
  expect({ lost, invented, altered }, examples.join("; ")).toEqual({ lost: 0, invented: 0, altered: 0 });
  expect(stored).toBeGreaterThanOrEqual(acknowledged);
}

test(
  "a stop during the recovery from kill -9 loses nothing, several times in a row",
  { timeout: 600_000 },
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const first = await start();
      const senders = startSenders({
        ledger,
        url: collector(),
        senders: 2,
        callsABatch: BATCH,
        repeats: () => false,
      });
      const due = ledger.count("acknowledged") + 2 * BATCH;
      await until("batches are acknowledged", () => ledger.count("acknowledged") >= due, PATIENCE_MS);
      await sleep(40 * round);
      await end(first, "SIGKILL");
      await senders.stop();
      const second = await start();
      await sleep(STOPS_MS[round]!);
      await end(second, "SIGTERM");
    }
    await start();
    await untilFresh();
    await expectNothingWrong();
    expect(ledger.count("acknowledged")).toBeGreaterThan(2 * ROUNDS * BATCH);
  },
);

test(
  "what an older copy of the ClickHouse folder lacks comes again from the log",
  { timeout: 300_000 },
  async () => {
    const clickhouse = join(folder, "data", "clickhouse");
    const copy = join(folder, "older");
    await end(running!, "SIGTERM");
    await cp(clickhouse, copy, { recursive: true });
    await start();
    for (let n = 0; n < 4; n++) expect(await sendOnce(ledger, collector(), BATCH)).toBe(true);
    await untilFresh();
    await end(running!, "SIGTERM");
    await rm(clickhouse, { recursive: true });
    await cp(copy, clickhouse, { recursive: true });
    await start();
    await untilFresh();
    await expectNothingWrong();
  },
);

test(
  "a new log beside an old store is refused in words, with the code of a wrong configuration",
  { timeout: 120_000 },
  async () => {
    await end(running!, "SIGTERM");
    await rm(join(folder, "data", "log"), { recursive: true });
    const refused = launch();
    expect((await refused.exited).code).toBe(3);
    expect(refused.output()).toMatch(
      /ClickHouse was filled from the log lmdb:\S+, and the log here is lmdb:\S+\. /,
    );
    const adopted = /PLUMBLINE_ADOPT_LOG=(lmdb:\S+)/.exec(refused.output())?.[1];
    expect(adopted).toBeDefined();
  },
);
