/** The cache against a simple model of itself, and against stores and questions that misbehave. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesOf, type AnswerStore } from "./answer-store.ts";
import { type AnswerCache, type CacheQuestion, createAnswerCache } from "./index.ts";
import { byMeaning } from "./semantic/by-meaning.ts";

const QUESTION: CacheQuestion = {
  useCase: "ticket-summary",
  promptHash: "sha256:aa",
  model: "gpt-5-mini",
  config: { temperature: 0 },
  vars: { ticket: "What is the refund policy?" },
  vary: {},
};

function clock(): { now: () => number; pass: (ms: number) => void } {
  let at = 1_000_000;
  return { now: () => at, pass: (ms) => void (at += ms) };
}

/** Everything is near everything: only the rules are left. */
const SAME = byMeaning({ embed: async () => [1, 0] });

/** Few, so that they come again; each differs from the others in one thing or two. */
const question = fc.constantFrom<CacheQuestion>(
  QUESTION,
  { ...QUESTION, useCase: "other" },
  { ...QUESTION, promptHash: "sha256:bb" },
  { ...QUESTION, model: null },
  { ...QUESTION, config: { temperature: 1 } },
  { ...QUESTION, vars: { ticket: "other" } },
  { ...QUESTION, vary: { user: "u" } },
  { ...QUESTION, promptHash: "sha256:bb", vary: { user: "u" } },
);

type Step =
  | { readonly kind: "find"; readonly question: CacheQuestion; readonly maxAgeMs: number }
  | {
      readonly kind: "store";
      readonly question: CacheQuestion;
      readonly text: string;
      readonly ttlMs: number;
    }
  | { readonly kind: "purge"; readonly promptHash: string }
  | { readonly kind: "pass"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("find" as const), question, maxAgeMs: fc.nat(60) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("store" as const),
      question,
      text: fc.string({ maxLength: 2_000 }),
      ttlMs: fc.integer({ min: -1, max: 50 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("purge" as const),
      promptHash: fc.constantFrom("sha256:aa", "sha256:bb"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(30) }) },
);

/** What the cache promises, as a list: the least recently used first. */
class Model {
  entries: { key: string; promptHash: string; text: string; storedAt: number; over: number }[] = [];
  counts = { hits: 0, misses: 0, stale: 0, evictions: 0, expired: 0, errors: 0 };
  purged = new Set<string>();
  readonly #maxEntries: number;
  readonly #maxBytes: number;

  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.entries.reduce((sum, { text }) => sum + bytesOf({ text, meaning: null }), 0);
  }

  find(of: CacheQuestion, maxAgeMs: number, now: number): string | null {
    this.purged.delete(of.promptHash);
    const at = this.entries.findIndex(({ key }) => key === JSON.stringify(of));
    const entry = this.entries[at];
    if (entry !== undefined) {
      this.entries.splice(at, 1);
      if (entry.over <= now) this.counts.expired++;
      else {
        this.entries.push(entry);
        if (now - entry.storedAt <= maxAgeMs) {
          this.counts.hits++;
          return entry.text;
        }
        this.counts.stale++;
      }
    }
    this.counts.misses++;
    return null;
  }

  store(of: CacheQuestion, text: string, ttlMs: number, now: number): void {
    if (ttlMs <= 0 || this.purged.has(of.promptHash)) return;
    const key = JSON.stringify(of);
    this.entries = this.entries.filter((each) => each.key !== key);
    const size = bytesOf({ text, meaning: null });
    if (size > this.#maxBytes) {
      this.counts.evictions++;
      return;
    }
    while (this.entries.length >= this.#maxEntries || this.bytes + size > this.#maxBytes) {
      const { over } = this.entries.shift()!;
      if (over <= now) this.counts.expired++;
      else this.counts.evictions++;
    }
    this.entries.push({ key, promptHash: of.promptHash, text, storedAt: now, over: now + ttlMs });
  }

  purge(promptHash: string): void {
    this.purged.add(promptHash);
    this.entries = this.entries.filter((each) => each.promptHash !== promptHash);
  }
}

test("any steps give what the model gives, with the same counters, and never more than the bounds", async () => {
  let hits = 0;
  let evictions = 0;
  const steps = fc.array(step, { minLength: 20, maxLength: 120 });
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1_000, max: 12_000 }),
      async (run, maxEntries, maxBytes) => {
        const { now, pass } = clock();
        const cache = createAnswerCache({ maxEntries, maxBytes, now });
        const model = new Model(maxEntries, maxBytes);
        for (const each of run) {
          if (each.kind === "pass") pass(each.ms);
          else if (each.kind === "find") {
            const found = await cache.find(each.question, { maxAgeMs: each.maxAgeMs });
            expect(found?.text ?? null).toBe(model.find(each.question, each.maxAgeMs, now()));
          } else if (each.kind === "store") {
            await cache.store(each.question, each.text, { ttlMs: each.ttlMs });
            model.store(each.question, each.text, each.ttlMs, now());
          } else {
            await cache.purge(each.promptHash);
            model.purge(each.promptHash);
          }
          const stats = cache.stats();
          expect(stats).toEqual({ ...model.counts, entries: model.entries.length, bytes: model.bytes });
          expect(stats.entries).toBeLessThanOrEqual(maxEntries);
          expect(stats.bytes).toBeLessThanOrEqual(maxBytes);
        }
        hits += model.counts.hits;
        evictions += model.counts.evictions;
      },
    ),
    { numRuns: 200, seed: 20_261_130 },
  );
  // The steps would prove nothing if they met nothing.
  expect(hits).toBeGreaterThan(200);
  expect(evictions).toBeGreaterThan(200);
});

test("an answer serves nothing that differs in prompt, model, config, vars, vary or use case, by meaning or not", async () => {
  const differing: readonly Partial<CacheQuestion>[] = [
    { useCase: "other" },
    { promptHash: "sha256:bb" },
    { model: null },
    { model: "other" },
    { config: { temperature: 1 } },
    { config: null },
    { vars: { ticket: "Where is the nearest shop of this city in which we can pay?", locale: "de" } },
    { vars: { other: "What is the refund policy?" } },
    { vary: { user: "u" } },
    { vary: { ticket: "What is the refund policy?" } },
  ];
  for (const semantic of [undefined, { threshold: -1 }]) {
    const cache = createAnswerCache({ semantic: SAME });
    await cache.find(QUESTION, { maxAgeMs: 1_000, semantic });
    await cache.store(QUESTION, "answer", { ttlMs: 60_000 });
    for (const each of differing) {
      const asked = { ...QUESTION, ...each };
      expect(await cache.find(asked, { maxAgeMs: 60_000, semantic }), JSON.stringify(each)).toBeNull();
    }
    expect(await cache.find({ ...QUESTION }, { maxAgeMs: 60_000, semantic })).toMatchObject({
      kind: "exact",
    });
    expect(cache.stats()).toMatchObject({ hits: 1, misses: differing.length + 1 });
  }
});

describe("by meaning", () => {
  const ask = (ticket: string): CacheQuestion => ({ ...QUESTION, vars: { ticket } });
  const semantic = { threshold: 0.9 };
  /** Two dimensions: the angle is the length of the text. */
  const angle = byMeaning({
    embed: async (text) => [Math.cos(text.length / 10), Math.sin(text.length / 10)],
  });

  async function filled(cache: AnswerCache, asked: CacheQuestion, text: string): Promise<void> {
    await cache.find(asked, { maxAgeMs: 1_000, semantic });
    await cache.store(asked, text, { ttlMs: 60_000 });
  }

  test("the nearest above the threshold answers, with its cosine", async () => {
    const cache = createAnswerCache({ semantic: angle });
    await filled(cache, ask("What is the refund policy please?"), "far");
    await filled(cache, ask("What's the refund policy"), "near");
    const found = await cache.find(ask("What is the refund policy"), { maxAgeMs: 1_000, semantic });
    expect(found).toMatchObject({ text: "near", kind: "semantic" });
    expect(found?.similarity).toBeCloseTo(Math.cos(0.1), 6);
    expect(cache.stats()).toMatchObject({ hits: 1, misses: 2, entries: 2, errors: 0 });
    expect(
      await cache.find(ask("is the refund policy"), { maxAgeMs: 1_000, semantic: { threshold: 0.999 } }),
    ).toBeNull();
  });

  test("numbers, names, dates and negations must match, however near the vectors are", async () => {
    const cache = createAnswerCache({ semantic: SAME });
    await filled(cache, ask("Is the refund of 50 € for Anna on Monday possible?"), "yes");
    for (const other of [
      "Is the refund of 500 € for Anna on Monday possible?",
      "Is the refund of 50 € for Berta on Monday possible?",
      "Is the refund of 50 € for Anna on Sunday possible?",
      "Is the refund of 50 € for Anna on Monday not possible?",
      "Ist die Rückzahlung von 50 € für Anna am Montag möglich?",
    ])
      expect(await cache.find(ask(other), { maxAgeMs: 1_000, semantic }), other).toBeNull();
    const same = ask("Is a refund of 50 € for Anna on Monday possible please?");
    expect(await cache.find(same, { maxAgeMs: 1_000, semantic })).toMatchObject({ text: "yes" });
  });

  test("other variables must be equal, and what is short is no text to compare", async () => {
    const cache = createAnswerCache({ semantic: SAME });
    const asked = (vars: Record<string, unknown>): CacheQuestion => ({ ...QUESTION, vars });
    await filled(cache, asked({ ticket: "What is the refund policy?", tone: "formal", n: 1 }), "answer");
    const other = "What's the refund policy?";
    for (const vars of [
      { ticket: other, tone: "casual", n: 1 },
      { ticket: other, tone: "formal", n: 2 },
      { ticket: other, tone: "formal" },
      { body: other, tone: "formal", n: 1 },
    ])
      expect(await cache.find(asked(vars), { maxAgeMs: 1_000, semantic })).toBeNull();
    const same = asked({ ticket: other, tone: "formal", n: 1 });
    expect(await cache.find(same, { maxAgeMs: 1_000, semantic })).toMatchObject({ kind: "semantic" });
  });

  test("an answer that is too old, over or purged is not found by its meaning", async () => {
    const { now, pass } = clock();
    const cache = createAnswerCache({ semantic: SAME, now });
    const other = ask("What's the refund policy?");
    const find = (maxAgeMs: number) => cache.find(other, { maxAgeMs, semantic });
    await filled(cache, QUESTION, "answer");
    pass(2_000);
    expect(await find(1_999)).toBeNull();
    expect(await find(2_000)).toMatchObject({ ageMs: 2_000 });
    pass(58_000);
    expect(await find(Infinity)).toBeNull();
    await filled(cache, QUESTION, "answer");
    await cache.purge(QUESTION.promptHash);
    expect(await find(Infinity)).toBeNull();
    expect(cache.stats().entries).toBe(0);
  });

  test("an embedding that fails, has no direction or never comes is a miss, and nothing else", async () => {
    const embeds: readonly (() => Promise<number[]>)[] = [
      () => Promise.reject(new Error("down")),
      async () => [],
      async () => [0, 0],
      async () => [Number.NaN, 1],
      () => new Promise(() => undefined),
      () => {
        throw new Error("at once");
      },
    ];
    for (const embed of embeds) {
      const cache = createAnswerCache({ semantic: byMeaning({ embed }), timeoutMs: 20 });
      expect(await cache.find(QUESTION, { maxAgeMs: 1_000, semantic })).toBeNull();
      await cache.store(QUESTION, "answer", { ttlMs: 1_000_000 });
      expect(await cache.find(QUESTION, { maxAgeMs: 1_000_000, semantic })).toMatchObject({ kind: "exact" });
      expect(cache.stats()).toMatchObject({ hits: 1, misses: 1, errors: 1 });
    }
  });

  test("without a comparison, or without being asked to, nothing is compared", async () => {
    let embedded = 0;
    const counted = byMeaning({
      embed: async () => {
        embedded++;
        return [1];
      },
    });
    const cache = createAnswerCache({ semantic: counted });
    await cache.find(QUESTION, { maxAgeMs: 1_000 });
    await cache.store(QUESTION, "answer", { ttlMs: 1_000 });
    expect(embedded).toBe(0);
    const plain = createAnswerCache();
    expect(await plain.find(QUESTION, { maxAgeMs: 1_000, semantic })).toBeNull();
    expect(plain.stats()).toMatchObject({ misses: 1, errors: 0 });
  });
});

describe("one flight a key", () => {
  test("whoever asks meanwhile gets the same answer, whoever asks later another, at any interleaving", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(3), { minLength: 1, maxLength: 30 }),
        fc.scheduler(),
        async (asked, s) => {
          const cache = createAnswerCache();
          const flying = new Map<number, number>();
          let flights = 0;
          const produce = (i: number) => async () => {
            flying.set(i, (flying.get(i) ?? 0) + 1);
            expect(flying.get(i)).toBe(1);
            const flight = ++flights;
            await s.schedule(Promise.resolve(), `flight of ${i}`);
            flying.set(i, 0);
            return `${i}: ${flight}`;
          };
          const answers = asked.map((i) =>
            cache
              .once({ ...QUESTION, vars: { i } }, produce(i))
              .then((text) => expect(text).toMatch(`${i}: `)),
          );
          await s.waitFor(Promise.all(answers));
          expect(flights).toBeGreaterThanOrEqual(new Set(asked).size);
        },
      ),
      { numRuns: 100, seed: 20_261_130 },
    );
  });

  test("a thousand who ask at once are one request, and a failure is everybody's and not kept", async () => {
    const cache = createAnswerCache();
    let requests = 0;
    const fail = async (): Promise<string> => {
      requests++;
      throw new Error("provider is down");
    };
    const all = await Promise.allSettled(Array.from({ length: 1_000 }, () => cache.once(QUESTION, fail)));
    expect(all.every(({ status }) => status === "rejected")).toBe(true);
    expect(requests).toBe(1);
    expect(await cache.once(QUESTION, async () => "up")).toBe("up");
  });

  test("who asks after a purge does not get an answer from before it, and such an answer is not kept", async () => {
    const cache = createAnswerCache();
    let finish: (text: string) => void = () => undefined;
    await cache.find(QUESTION, { maxAgeMs: 1_000 });
    const before = cache.once(QUESTION, () => new Promise<string>((resolve) => (finish = resolve)));
    await cache.once({ ...QUESTION, promptHash: "other" }, async () => undefined);
    await cache.purge(QUESTION.promptHash);
    expect(await cache.once(QUESTION, async () => "after")).toBe("after");
    finish("before");
    await cache.store(QUESTION, await before, { ttlMs: 60_000 });
    expect(await cache.find(QUESTION, { maxAgeMs: 60_000 })).toBeNull();
    // The version is served again: so are its answers.
    await cache.store(QUESTION, "again", { ttlMs: 60_000 });
    expect(await cache.find(QUESTION, { maxAgeMs: 60_000 })).toMatchObject({ text: "again" });
  });
});

test("a question without a JSON form is asked, never kept, and two dates are not one question", async () => {
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  for (const vars of [
    { at: new Date(0) },
    { m: new Map([[1, 2]]) },
    { n: 1n },
    { n: Number.NaN },
    { f: () => 1 },
    circular,
  ]) {
    const cache = createAnswerCache();
    const asked = { ...QUESTION, vars };
    await cache.store(asked, "answer", { ttlMs: 60_000 });
    expect(await cache.find(asked, { maxAgeMs: 60_000 })).toBeNull();
    expect(await cache.once(asked, async () => "asked")).toBe("asked");
    expect(cache.stats()).toMatchObject({ hits: 0, misses: 1, errors: 3, entries: 0 });
  }
});

test("a store that rejects, throws or never answers is a miss, counted, and takes no longer than the limit", async () => {
  const broken: readonly (() => Promise<never>)[] = [
    () => Promise.reject(new Error("away")),
    () => new Promise(() => undefined),
    () => {
      throw new Error("at once");
    },
  ];
  for (const fail of broken) {
    const stats = { evictions: 0, expired: 0, entries: 0, bytes: 0 };
    const store: AnswerStore = { get: fail, similar: fail, put: fail, purge: fail, stats: () => stats };
    const cache = createAnswerCache({ store, semantic: SAME, timeoutMs: 20 });
    expect(await cache.find(QUESTION, { maxAgeMs: 1_000, semantic: { threshold: 0.9 } })).toBeNull();
    await cache.store(QUESTION, "answer", { ttlMs: 1_000 });
    await cache.purge(QUESTION.promptHash);
    expect(await cache.once(QUESTION, async () => "asked")).toBe("asked");
    expect(cache.stats()).toMatchObject({ hits: 0, misses: 1, errors: 4 });
  }
});

test("the order of keys tells no questions apart", async () => {
  const cache = createAnswerCache();
  await cache.store({ ...QUESTION, vars: { a: "1", b: "2" } }, "answer", { ttlMs: 1_000 });
  const found = await cache.find({ ...QUESTION, vars: { b: "2", a: "1" } }, { maxAgeMs: 1_000 });
  expect(found).toEqual({
    text: "answer",
    promptHash: QUESTION.promptHash,
    ageMs: found?.ageMs,
    kind: "exact",
    similarity: null,
  });
});
