/** What happens to partitions, and to commits, when a group changes. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { openKafkaEventLog } from "@plumbline/adapters/kafka/event-log";
import { createClient } from "@plumbline/adapters/kafka/client";
import { SILENT } from "@plumbline/adapters/kafka/driver-log";
import { groupIdOf } from "@plumbline/adapters/kafka/membership";
import type { Batch, EventLog } from "@plumbline/ports";
import { refuseGap } from "@plumbline/ports/refuse-gap.fixture";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { brokerForTests } from "./broker-for-tests.ts";

const kafka = await brokerForTests();
afterAll(() => kafka?.stop());

const PATIENCE = { timeout: 60_000 };
const TOPIC = "plumbline.calls";
const ascending = (a: number, b: number): number => a - b;
/** The shortest that a broker allows. */
const SESSION_MS = 6_000;

describe.skipIf(kafka === null)("a group on Kafka", { timeout: 120_000 }, () => {
  const cleanUp: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const step of cleanUp.splice(0).toReversed()) await step();
  });

  function openLog(): EventLog {
    const log = openKafkaEventLog({ brokers: kafka!.brokers, clientId: "group", sessionMs: SESSION_MS });
    cleanUp.push(() => log.close());
    return log;
  }

  function startReader(
    log: EventLog,
    group: string,
    handle: (batch: Batch) => Promise<void> = async () => undefined,
  ) {
    const batches: Batch[] = [];
    const stop = new AbortController();
    const finished = log.subscribe(TOPIC, { group, signal: stop.signal, onGap: refuseGap }, async (batch) => {
      batches.push(batch);
      await handle(batch);
    });
    finished.catch(() => undefined);
    const leave = (): Promise<void> => {
      stop.abort();
      return finished;
    };
    cleanUp.push(() => leave().catch(() => undefined));
    /** Partitions of the newest assignment that had anything to read. */
    const partitions = (): number[] => {
      const newest = Math.max(...batches.map((batch) => batch.assignment));
      const current = batches.filter((batch) => batch.assignment === newest);
      return [...new Set(current.map((batch) => batch.partition))].toSorted(ascending);
    };
    return { batches, leave, partitions, finished };
  }

  const appendToAll = async (log: EventLog): Promise<void> => {
    await log.append(
      TOPIC,
      Array.from({ length: 64 }, () => ({ key: randomUUID(), value: new Uint8Array(10) })),
    );
  };

  test("divides its partitions between two members, and gives them all to the one that stays", async () => {
    const group = `group-${randomUUID()}`;
    const [stayLog, leaveLog] = [openLog(), openLog()];
    const all = (await stayLog.watermarks(TOPIC)).map((each) => each.partition);
    await appendToAll(stayLog);
    const stay = startReader(stayLog, group);
    await expect.poll(() => stay.partitions(), PATIENCE).toEqual(all);

    const leave = startReader(leaveLog, group);
    await expect
      .poll(async () => {
        await appendToAll(stayLog);
        return leave.batches.length > 0 && [...stay.partitions(), ...leave.partitions()].toSorted(ascending);
      }, PATIENCE)
      .toEqual(all);
    const assignmentBefore = stay.batches.at(-1)!.assignment;

    await leave.leave();
    await expect
      .poll(async () => {
        await appendToAll(stayLog);
        return stay.partitions();
      }, PATIENCE)
      .toEqual(all);
    expect(stay.batches.at(-1)!.assignment).toBeGreaterThan(assignmentBefore);
  });

  test("lets a batch in flight finish and commit before its partition moves", async () => {
    const group = `group-${randomUUID()}`;
    const log = openLog();
    await appendToAll(log);
    let outcome: unknown;
    let release = (): void => undefined;
    const joined = new Promise<void>((resolve) => (release = resolve));
    const first = startReader(log, group, async (batch) => {
      if (outcome !== undefined || batch.partition !== 0) return;
      await joined;
      outcome = await log
        .commit(group, TOPIC, 0, { offset: batch.records.at(-1)!.offset + 1, metadata: "mine" })
        .then(() => batch.signal.aborted)
        .catch((error: unknown) => error);
      outcome ??= "committed";
    });
    await expect.poll(() => first.batches.some((batch) => batch.partition === 0), PATIENCE).toBe(true);
    const admin = createClient({ brokers: kafka!.brokers, clientId: "group-admin" }, SILENT).admin();
    await admin.connect();
    cleanUp.push(() => admin.disconnect());
    startReader(openLog(), group);
    // The group waits for the first member: its partitions are about to move.
    await expect
      .poll(async () => (await admin.describeGroups([groupIdOf(group, TOPIC)])).groups[0]?.state, PATIENCE)
      .toBe("PreparingRebalance");
    release();
    await expect.poll(() => outcome, PATIENCE).toBe(false);
    expect(await log.committed(group, TOPIC, 0)).toMatchObject({ metadata: "mine" });
  });

  test("takes a partition away from a batch that does not finish, and refuses its commit", async () => {
    const group = `group-${randomUUID()}`;
    const log = openLog();
    await appendToAll(log);
    let refusal: unknown;
    const slow = startReader(log, group, async (batch) => {
      if (refusal !== undefined || batch.partition !== 0) return;
      await once(batch.signal, "abort");
      refusal = await log
        .commit(group, TOPIC, 0, { offset: 1, metadata: "late" })
        .catch((error: unknown) => error);
    });
    await expect.poll(() => slow.batches.some((batch) => batch.partition === 0), PATIENCE).toBe(true);
    const other = startReader(openLog(), group);

    await expect.poll(() => refusal, PATIENCE).toMatchObject({ code: "not_assigned" });
    await expect.poll(() => other.batches.length, PATIENCE).toBeGreaterThan(0);
    expect(await log.committed(group, TOPIC, 0)).toEqual({ offset: 0, metadata: "" });
  });

  test("refuses the commit of a process that was frozen for longer than its session", async () => {
    const group = `group-${randomUUID()}`;
    const log = openLog();
    await appendToAll(log);
    const script = path.join(import.meta.dirname, "frozen-reader.ts");
    const args = [
      "--conditions=source",
      "--import",
      "tsx",
      script,
      kafka!.brokers.join(","),
      group,
      String(SESSION_MS),
    ];
    const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    cleanUp.push(async () => child.kill("SIGKILL"));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe("holding");

    child.kill("SIGSTOP");
    const heir = startReader(log, group, async (batch) => {
      await log.commit(group, TOPIC, batch.partition, {
        offset: batch.records.at(-1)!.offset + 1,
        metadata: "heir",
      });
    });
    await expect.poll(() => heir.partitions(), PATIENCE).toContain(0);
    child.stdin.write("commit\n");
    child.kill("SIGCONT");

    expect((await lines.next()).value).toBe("not_assigned");
    expect((await log.committed(group, TOPIC, 0)).metadata).toBe("heir");
  });
});
