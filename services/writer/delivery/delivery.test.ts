/**
 * The delivery protocol against a store that fails in every way that a real one was seen to fail: refused blocks,
 * half-written blocks, answers that got lost, rows that are gone, and the end of the process between any two steps.
 */
import { StoreError } from "@plumbline/ports";
import { refuseGap } from "@plumbline/ports/refuse-gap.fixture";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { World, TOPIC, upTo, type Fault } from "./delivery-world.fixture.ts";

test("every record is stored exactly once through refused, half-written, unanswered and orphaned inserts and ends of the process", async () => {
  const faults = fc.array(
    fc.constantFrom<Fault>(
      "none",
      "refuse_all",
      "half",
      "lost_answer",
      "goes_on",
      "end_of_process",
      "orphaned",
    ),
    { maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(faults, fc.integer({ min: 1, max: 60 }), async (plan, count) => {
      const world = new World();
      await world.append(upTo(count).map((i) => `v${i}`));
      world.faults.push(...plan);
      await world.liveUntilDone();
      expect(world.offsets()).toEqual(upTo(count));
    }),
    { numRuns: 60, seed: 7 },
  );
});

describe("a stop during a recovery", () => {
  /** A half-written batch of seven with dead letters among them, left by a process that ended. */
  async function leftOpen(): Promise<World> {
    const world = new World();
    await world.append(upTo(20).map((i) => (i % 6 === 5 ? `bad ${i}` : `v${i}`)));
    world.faults.push("none", "half", "end_of_process");
    await world.live();
    return world;
  }

  test("loses nothing and repeats nothing, wherever it strikes", async () => {
    const steps: string[] = [];
    const counted = await leftOpen();
    expect(await counted.isDone()).toBe(false);
    counted.onStep = (name) => steps.push(name);
    await counted.live();
    expect(steps).toContain("after read");
    expect(steps.length).toBeGreaterThan(20);

    for (let first = 0; first < steps.length; first++) {
      const world = await leftOpen();
      // Twice in a row, a little later the second time.
      for (const at of [first, first + 1]) {
        let step = 0;
        world.onStep = () => {
          if (step++ === at) world.life.abort.abort();
        };
        await world.live();
      }
      world.onStep = () => undefined;
      await world.liveUntilDone();
      const good = upTo(20).filter((i) => i % 6 !== 5);
      expect(world.offsets(), `aborted ${steps[first]}, step ${first}`).toEqual(good);
      const letters = new Set((await world.deadLetters()).map(({ headers }) => headers["offset"]));
      expect(letters, `aborted ${steps[first]}, step ${first}`).toEqual(new Set(["5", "11", "17"]));
    }
  });

  test("an answer of nothing from the log is no end of an intent", async () => {
    const world = await leftOpen();
    const read = world.log.read.bind(world.log);
    let empty = 0;
    world.log.read = async (...given) => (empty++ < 12 ? [] : read(...given));
    await world.liveUntilDone();
    expect(empty).toBeGreaterThan(12);
    expect(world.offsets()).toEqual(upTo(20).filter((i) => i % 6 !== 5));
  });
});

test("an intent of the release before, which said nothing of what has settled, is finished", async () => {
  const world = new World();
  await world.append(upTo(9).map((i) => `v${i}`));
  const metadata = JSON.stringify({ v: 1, from: 2, to: 6 });
  const stop = new AbortController();
  await world.log.subscribe(TOPIC, { group: "writer", signal: stop.signal, onGap: refuseGap }, async () => {
    await world.log.commit("writer", TOPIC, 0, { offset: 2, metadata });
    stop.abort();
  });
  world.rows.push(
    ...[0, 1, 3].map((log_offset) => ({ log_partition: 0, log_offset, ingested_at: "", value: "" })),
  );
  await world.liveUntilDone();
  expect(world.offsets()).toEqual(upTo(9));
});

test("records that expired before they were delivered are noted as a range without outcomes, and the rest is delivered", async () => {
  const world = new World();
  await world.append(upTo(9).map((i) => `v${i}`));
  await world.liveUntilDone();
  await world.append(upTo(9).map((i) => `w${i}`));
  world.log.trim(TOPIC, 0, 15);
  await world.liveUntilDone();
  expect(world.offsets()).toEqual([...upTo(9), ...upTo(18).slice(15)]);
  const missing = world.audits.filter((each) => each.rows + each.duplicates + each.dead_letters === 0);
  expect(missing).toMatchObject([{ from_offset: 9, to_offset: 14 }]);
});

test("rows of the last minutes that a loss of power took from the store come again from the log, and no others", async () => {
  const world = new World();
  for (const minute of upTo(20)) {
    await world.append([`v${minute}`, minute % 4 === 0 ? "bad" : `w${minute}`]);
    await world.live();
  }
  expect(world.rows).toHaveLength(35);
  const letters = (await world.deadLetters()).length;
  const reads: number[] = [];
  const read = world.log.read.bind(world.log);
  world.log.read = async (topic, partition, from, limits) => {
    reads.push(from);
    return read(topic, partition, from, limits);
  };

  world.rows.splice(30);
  await world.append(["after"]);
  await world.live();
  expect(world.rows).toHaveLength(36);
  expect(new Set(world.offsets()).size).toBe(36);
  expect(Math.min(...reads)).toBeGreaterThan(20);
  expect((await world.deadLetters()).length).toBe(letters);

  // Nothing is read again while nothing is missing: finished batches say why offsets have no row.
  reads.length = 0;
  await world.append(["once more"]);
  await world.live();
  expect(world.rows).toHaveLength(37);
  expect(reads).toEqual([]);
});

test("a store that was put back from an older copy is filled from where it ends", async () => {
  const world = new World();
  for (const hour of upTo(10)) {
    await world.append([`v${hour}`, `w${hour}`]);
    await world.live();
    await world.clock.advance(3_600_000);
  }
  world.rows.splice(4);
  // Nothing new has to arrive for it.
  await world.live();
  expect(world.offsets()).toEqual(upTo(20));
});

test("records that a power cut could still take are kept by the log", async () => {
  const world = new World();
  const kept: unknown[] = [];
  const commit = world.log.commit.bind(world.log);
  world.log.commit = async (group, topic, partition, committed) => {
    kept.push(committed.keepFrom);
    await commit(group, topic, partition, committed);
  };
  await world.append(["a", "b"]);
  await world.live();
  expect(kept).toEqual([0, 0]);
});

describe("a record that can't become a row", () => {
  test("goes to the dead letters with its bytes and reason, and its neighbours are stored", async () => {
    const world = new World();
    await world.append(["a", "bad one", "b"]);
    await world.liveUntilDone();
    expect(world.rows.map((row) => row.value)).toEqual(["a", "b"]);
    expect(await world.deadLetters()).toMatchObject([
      {
        value: "bad one",
        headers: { topic: TOPIC, offset: "1", reason: "schema:value", detail: "value: is bad" },
      },
    ]);
  });

  test("because our own code failed on it is one too, and nothing of it is quoted", async () => {
    const world = new World();
    await world.append(["a", "throw", "b"]);
    await world.liveUntilDone();
    expect(world.rows.map((row) => row.value)).toEqual(["a", "b"]);
    const [letter] = await world.deadLetters();
    expect(letter!.headers).toMatchObject({ reason: "exception:TypeError" });
    expect(letter!.headers["detail"]).not.toContain("throw");
  });

  test.each([
    { name: "a code of the data", code: "store_data", clickhouseCode: 27 },
    { name: "a violated constraint", code: "store_data", clickhouseCode: 469 },
    { name: "a code that nobody knows", code: "store_unclassified", clickhouseCode: 4_711 },
  ] as const)(
    "because the store refuses it with $name is cut out alone, wherever it stands in its block",
    async ({ code, clickhouseCode }) => {
      const world = new World();
      const values = upTo(40).map((i) => (i === 3 || i === 28 ? `poison ${i}` : `v${i}`));
      await world.append(values);
      world.refuse = (rows) => {
        if (rows.some((row) => row.value.startsWith("poison")))
          throw new StoreError(code, "refused", { clickhouseCode });
      };
      await world.liveUntilDone();
      expect(world.offsets()).toEqual(upTo(40).filter((i) => i !== 3 && i !== 28));
      const letters = await world.deadLetters();
      expect(letters.map(({ headers }) => headers["offset"])).toEqual(["3", "28"]);
      expect(letters[0]!.headers["reason"]).toBe(`store:${clickhouseCode}`);
    },
  );

  test("and stands in numbers that the store named is cut out without halving its block", async () => {
    const world = new World();
    await world.append(["a", "b", "poison", "c", "d", "e"]);
    let inserts = 0;
    world.refuse = (rows) => {
      inserts += 1;
      const failedRow = rows.findIndex((row) => row.value === "poison");
      if (failedRow >= 0) throw new StoreError("store_data", "refused", { failedRow });
    };
    await world.liveUntilDone();
    expect(world.offsets()).toEqual([0, 1, 3, 4, 5]);
    expect(inserts).toBe(2);
  });
});

describe("many records that can't become rows", () => {
  test("pause the partition in words, and it passes by itself: those after them are stored", async () => {
    const world = new World();
    await world.append([...upTo(1_000).map((i) => `bad ${i}`), "good"]);
    const paused: (string | null)[] = [];
    const { health } = world;
    world.onStep = () => {
      const [delivery] = health.deliveries();
      if (delivery?.state === "paused" && paused.at(-1) !== delivery.reason) paused.push(delivery.reason);
    };
    await world.live(1_000);
    expect(world.rows.map(({ value }) => value)).toEqual(["good"]);
    const letters = await world.deadLetters();
    expect(letters.map(({ headers }) => Number(headers["offset"]))).toEqual(upTo(1_000));
    expect(paused[0]).toMatch(
      /^100 records of plumbline.calls\/0 could not be read in a row.*schema:value.*paused for 10 s/,
    );
    expect(paused).toHaveLength(3);
    expect(health.deliveries()).toEqual([expect.objectContaining({ state: "running", reason: null })]);
  });

  test("that the store refuses pause it as well, and each is a dead letter once", async () => {
    const world = new World();
    await world.append([...upTo(300).map((i) => `poison ${i}`), "good"]);
    world.refuse = (rows) => {
      if (rows.some((row) => row.value.startsWith("poison"))) throw new StoreError("store_data", "refused");
    };
    await world.live(1_000);
    expect(world.rows.map(({ value }) => value)).toEqual(["good"]);
    const letters = await world.deadLetters();
    expect(letters.map(({ headers }) => Number(headers["offset"]))).toEqual(upTo(300));
  });
});

test("wrong credentials pause the partition, commit nothing past the batch, and it goes on when they are mended", async () => {
  const world = new World();
  await world.append(["a", "b"]);
  world.refuse = () => {
    throw new StoreError("store_config", "authentication failed", { clickhouseCode: 516 });
  };
  await world.live(5);
  expect((await world.log.committed("writer", TOPIC, 0)).offset).toBe(0);

  let isMended = false;
  const states: unknown[] = [];
  world.refuse = () => {
    states.push(world.health.deliveries()[0]);
    if (!isMended && states.length > 3) isMended = true;
    if (!isMended) throw new StoreError("store_config", "authentication failed", { clickhouseCode: 516 });
  };
  await world.live();
  expect(states.at(-1)).toMatchObject({ state: "paused", reason: "authentication failed" });
  expect(world.offsets()).toEqual([0, 1]);
});
