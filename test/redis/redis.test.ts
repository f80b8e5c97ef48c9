/** The Redis store against a real Redis: shared, bounded, purged for everybody, and away without harm. */
import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type AnswerCache, type CacheQuestion, createAnswerCache } from "@plumbline/client/cache";
import { createRedisStore, type RedisStoreOptions } from "@plumbline/client/redis";
import { redisProblem, type RedisForTests, startRedis } from "./redis-for-tests.ts";
import { byMeaning } from "@plumbline/client/semantic";

const WEEK_MS = 604_800_000;

const ask = (ticket: string, promptHash = "sha256:aa"): CacheQuestion => ({
  useCase: "ticket-summary",
  promptHash,
  model: "gpt-5-mini",
  config: {},
  vars: { ticket },
  vary: {},
});

describe.skipIf(redisProblem() !== null)("Redis", () => {
  let redis: RedisForTests;
  let names = 0;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  async function connect(port = redis.port) {
    const client = createClient({ url: `redis://127.0.0.1:${port}`, disableOfflineQueue: true });
    onTestFinished(() => client.destroy());
    const store = (options: RedisStoreOptions = {}) =>
      createRedisStore(client, { timeoutMs: 60_000, ...options });
    // A listener of errors is there before the first can come.
    store();
    await client.connect();
    return { client, store };
  }

  /** A cache of its own. */
  async function cache(options: RedisStoreOptions = {}): Promise<AnswerCache> {
    const { store } = await connect();
    return createAnswerCache({ store: store({ name: `t${names++}`, ...options }), timeoutMs: 60_000 });
  }

  const find = (from: AnswerCache, question: CacheQuestion) => from.find(question, { maxAgeMs: WEEK_MS });
  const keep = (to: AnswerCache, question: CacheQuestion, text: string, ttlMs = WEEK_MS) =>
    to.store(question, text, { ttlMs });

  test("processes share answers, and a purge of one is everybody's", async () => {
    const name = "shared";
    const [one, other] = [await cache({ name }), await cache({ name })];
    await keep(one, ask("a"), "answer ü 🙂");
    await keep(one, ask("a", "sha256:bb"), "of another prompt");
    expect(await find(other, ask("a"))).toMatchObject({ text: "answer ü 🙂", kind: "exact" });
    expect(await find(other, ask("b"))).toBeNull();
    await other.purge("sha256:aa");
    expect(await find(one, ask("a"))).toBeNull();
    expect(await find(one, ask("a", "sha256:bb"))).toMatchObject({ text: "of another prompt" });
    expect(other.stats()).toMatchObject({ hits: 1, misses: 1, errors: 0, entries: 1 });
  });

  test("answers are found by their meaning, with vectors as they were", async () => {
    const { store } = await connect();
    const vector = Array.from({ length: 1_536 }, (_, i) => Math.sin(i));
    const shared = createAnswerCache({
      store: store({ name: "meaning" }),
      semantic: byMeaning({ embed: async () => vector }),
      timeoutMs: 60_000,
    });
    const semantic = { threshold: 0.99 };
    const question = ask("What is the refund policy?");
    await shared.find(question, { maxAgeMs: WEEK_MS, semantic });
    await keep(shared, question, "30 days");
    const found = await shared.find(ask("What's the refund policy?"), { maxAgeMs: WEEK_MS, semantic });
    expect(found).toMatchObject({ text: "30 days", kind: "semantic" });
    expect(found?.similarity).toBeCloseTo(1, 5);
    expect(
      await shared.find(ask("What is not the refund policy?"), { maxAgeMs: WEEK_MS, semantic }),
    ).toBeNull();
    await shared.purge("sha256:aa");
    expect(await shared.find(ask("What's the refund policy?"), { maxAgeMs: WEEK_MS, semantic })).toBeNull();
    expect(shared.stats()).toMatchObject({ errors: 0, entries: 0, bytes: 0 });
  });

  test("the least recently used gives way, in entries and in bytes, whoever used it", async () => {
    const name = "bounds";
    const [one, other] = [await cache({ name, maxEntries: 3 }), await cache({ name, maxEntries: 3 })];
    for (const each of ["a", "b", "c"]) await keep(one, ask(each), each);
    expect(await find(other, ask("a"))).not.toBeNull();
    await keep(one, ask("d"), "d");
    expect(await find(one, ask("b"))).toBeNull();
    for (const each of ["a", "c", "d"]) expect(await find(one, ask(each))).toMatchObject({ text: each });
    expect(one.stats()).toMatchObject({ evictions: 1, entries: 3 });

    const small = await cache({ maxBytes: 10_000 });
    for (let i = 0; i < 40; i++) {
      await keep(small, ask(String(i % 13)), "x".repeat((i * 97) % 2_500));
      expect(small.stats().bytes).toBeLessThanOrEqual(10_000);
    }
    expect(small.stats()).toMatchObject({ errors: 0 });
    expect(small.stats().evictions).toBeGreaterThan(10);
    const { entries } = small.stats();
    await keep(small, ask("large"), "x".repeat(10_000));
    expect(await find(small, ask("large"))).toBeNull();
    expect(small.stats().entries).toBe(entries);
    await small.purge("sha256:aa");
    expect(small.stats()).toMatchObject({ entries: 0, bytes: 0 });
  });

  test("what Redis itself removed is forgotten, and what is over is gone with all that names it", async () => {
    const { client, store } = await connect();
    const name = "over";
    const shared = createAnswerCache({ store: store({ name }), timeoutMs: 60_000 });
    await keep(shared, ask("a"), "a");
    const [answer] = await client.keys("{over}:a:*");
    await client.del(answer!);
    expect(await find(shared, ask("a"))).toBeNull();
    await keep(shared, ask("b"), "b", 200);
    expect(shared.stats()).toMatchObject({ entries: 1, expired: 1 });
    // Only Redis' own clock removes them: nobody asks.
    await expect.poll(() => client.keys("{over}:a:*"), { timeout: 60_000 }).toEqual([]);
    for (const key of await client.keys("{over}:*")) expect(await client.pTTL(key)).toBeGreaterThan(0);
  });

  test("a Redis that is killed is a miss and never an error, and is used again when it is back", async () => {
    const own = await startRedis();
    const { client, store } = await connect(own.port);
    const shared = createAnswerCache({ store: store({ restMs: 1 }), timeoutMs: 60_000 });
    await keep(shared, ask("a"), "answer");
    expect(await find(shared, ask("a"))).not.toBeNull();
    await own.stop();
    await expect.poll(() => client.isReady, { timeout: 60_000 }).toBe(false);
    for (let i = 0; i < 20; i++) {
      expect(await find(shared, ask("a"))).toBeNull();
      await keep(shared, ask("a"), "lost");
      await shared.purge("sha256:bb");
    }
    expect(await shared.once(ask("a"), async () => "asked")).toBe("asked");
    expect(shared.stats()).toMatchObject({ hits: 1, misses: 20, errors: 60 });
    const again = await startRedis(own.port);
    onTestFinished(() => again.stop());
    await expect
      .poll(
        async () => {
          await keep(shared, ask("a"), "back");
          return (await find(shared, ask("a")))?.text;
        },
        { timeout: 60_000 },
      )
      .toBe("back");
  });

  test("a Redis that takes questions and says nothing holds nobody up, and rests before it is asked again", async () => {
    const own = await startRedis();
    onTestFinished(() => own.stop());
    const { store } = await connect(own.port);
    let at = 0;
    const shared = createAnswerCache({ store: store({ timeoutMs: 30, restMs: 1_000, now: () => at }) });
    await keep(shared, ask("a"), "answer");
    own.process.kill("SIGSTOP");
    expect(await find(shared, ask("a"))).toBeNull();
    // Not asked: were it, each would wait.
    for (let i = 0; i < 1_000; i++) expect(await find(shared, ask("a"))).toBeNull();
    own.process.kill("SIGCONT");
    at = 1_001;
    await expect
      .poll(
        async () => {
          at += 1_001;
          return (await find(shared, ask("a")))?.text;
        },
        { timeout: 60_000 },
      )
      .toBe("answer");
  });

  test("without a client that connects, every question is a miss", async () => {
    const client = createClient({ url: "redis://127.0.0.1:1", disableOfflineQueue: true });
    onTestFinished(() => client.destroy());
    const shared = createAnswerCache({ store: createRedisStore(client) });
    client.connect().catch(() => undefined);
    expect(await find(shared, ask("a"))).toBeNull();
    expect(shared.stats()).toMatchObject({ misses: 1, errors: 1 });
  });
});
