/** The client against a server that follows a script: what a registry should not do, and what networks do. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { contentHash } from "@plumbline/prompts";
import { createRecordingTransport } from "@plumbline/emitter";
import { expect, onTestFinished, test, vi } from "vitest";
import { type Client, type ClientOptions, createClient } from "./index.ts";
import { pickArm } from "./pick-arm.ts";

const USE_CASE = "ticket-summary";

function arm(text: string, number = 1, weight = 1, useCase = USE_CASE) {
  const document = {
    use_case: useCase,
    model: "openai/gpt-5-mini",
    config: {},
    messages: [{ role: "user", content: text }],
  };
  return { prompt_version: contentHash(document), number, weight, document };
}

interface Asked {
  readonly useCases: readonly string[];
  readonly env: string | null;
  readonly wait: number;
  readonly etag: string | undefined;
  readonly authorization: string | undefined;
  readonly at: number;
}

/** Answers as a registry would; `live` and `revision` are what is live, `hook` may take over. */
class Script {
  readonly asked: Asked[] = [];
  /** Those that were answered with news. */
  readonly told: Asked[] = [];
  readonly #waiting = new Set<() => void>();
  live: Record<string, { revision: number; live: readonly unknown[] }> = {};
  revision = 1;
  url = "";
  hook: (asked: Asked, response: ServerResponse) => boolean = () => false;

  get waiting(): number {
    return this.#waiting.size;
  }

  set(useCase: string, revision: number, ...live: readonly unknown[]): void {
    this.live[useCase] = { revision, live };
    this.revision++;
    for (const wake of this.#waiting) wake();
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => this.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { searchParams } = new URL(request.url ?? "", "http://localhost");
    const asked: Asked = {
      useCases: (searchParams.get("use_cases") ?? "").split(","),
      env: searchParams.get("env"),
      wait: Number(searchParams.get("wait") ?? 0),
      etag: request.headers["if-none-match"],
      authorization: request.headers.authorization,
      at: performance.now(),
    };
    this.asked.push(asked);
    if (this.hook(asked, response)) return;
    const etag = (): string => `"${this.revision}-${asked.useCases.join()}"`;
    const answer = (): void => {
      clearTimeout(timer);
      this.#waiting.delete(answer);
      response.setHeader("etag", etag());
      if (asked.etag === etag()) response.writeHead(304).end();
      else {
        this.told.push(asked);
        const use_cases = Object.fromEntries(
          Object.entries(this.live).filter(([name]) => asked.useCases.includes(name)),
        );
        response.end(JSON.stringify({ env: asked.env, revision: this.revision, use_cases, missing: [] }));
      }
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    if (asked.etag !== etag()) return answer();
    timer = setTimeout(answer, asked.wait * 1000);
    this.#waiting.add(answer);
    response.once("close", () => this.#waiting.delete(answer));
  }
}

async function script(): Promise<Script> {
  const server = new Script();
  await server.start();
  server.set(USE_CASE, 1, arm("one"));
  return server;
}

function connect(server: Script, options: Partial<ClientOptions> = {}): Client {
  const client = createClient({
    url: server.url,
    app: "support",
    retryBaseMs: 10,
    retryMaxMs: 40,
    onWarning: () => undefined,
    telemetry: { transport: createRecordingTransport() },
    ...options,
  });
  onTestFinished(async () => void (await client.close()));
  return client;
}

const text = async (client: Client, useCase = USE_CASE): Promise<string> =>
  (await client.prompt(useCase)).messages()[0]!.content;

test("the use cases of one turn go into one request, later ones into the next, with env and key", async () => {
  const server = await script();
  server.set("b", 1, arm("b", 1, 1, "b"));
  const client = connect(server, { env: "staging", apiKey: "key" });
  await Promise.all([client.prompt(USE_CASE), client.prompt("b"), client.prompt(USE_CASE)]);
  expect(server.asked[0]).toMatchObject({
    useCases: ["b", USE_CASE],
    env: "staging",
    authorization: "Bearer key",
    etag: undefined,
  });
  server.set("c", 1, arm("c", 1, 1, "c"));
  expect(await text(client, "c")).toBe("c");
  await expect.poll(() => server.asked.at(-1)).toMatchObject({ useCases: ["b", "c", USE_CASE], wait: 25 });
  // One at a time: a change costs one request, an unchanged registry none.
  expect(server.asked.length).toBeLessThan(8);
});

test("content that is not its version is refused and counted, and the last good one is served", async () => {
  const server = await script();
  server.set("other", 1, arm("other 1", 1, 1, "other"));
  const client = connect(server, { useCases: [USE_CASE, "other"] });
  expect([await text(client), await text(client, "other")]).toEqual(["one", "other 1"]);

  server.set(USE_CASE, 2, { ...arm("two", 2), document: arm("tampered").document });
  await expect.poll(() => client.stats().hash_mismatches).toBeGreaterThan(0);
  expect(await client.prompt(USE_CASE)).toMatchObject({ number: 1, source: "cache" });
  expect(await client.prompt("other")).toMatchObject({ source: "live" });
  // Another use case's news does not wait for the broken one.
  await expect.poll(() => server.waiting).toBe(1);
  const told = server.told.length;
  server.set("other", 2, arm("other 2", 2, 1, "other"));
  await expect.poll(() => text(client, "other")).toBe("other 2");
  // A question for the broken one again comes without an etag; the news came before it, to the one that waited.
  expect(server.told[told]!.etag).toBeDefined();
  // A canary that is broken takes its incumbent's place in nobody's conversation.
  server.set(USE_CASE, 3, { ...arm("three", 3, 0.5), number: "3" }, arm("two", 2, 0.5));
  await expect.poll(() => client.stats().invalid_prompts).toBeGreaterThan(0);
  expect(await text(client)).toBe("one");
  server.set(USE_CASE, 4, arm("two", 2));
  await expect.poll(() => client.prompt(USE_CASE)).toMatchObject({ number: 2, source: "live" });
});

test("a newer registry's unknown fields change nothing, and a message kind that is none of ours keeps the version before", async () => {
  const server = await script();
  server.set("other", 1, arm("other 1", 1, 1, "other"));
  const client = connect(server, { useCases: [USE_CASE, "other"] });
  expect(await text(client)).toBe("one");

  const newer = { ...arm("two", 2).document, messages: [{ role: "tool", content: "two", cache: "1h" }] };
  server.set(USE_CASE, 2, {
    prompt_version: contentHash(newer),
    number: 2,
    weight: 1,
    document: newer,
  });
  const other = { ...arm("other 2", 2, 1, "other"), pinned_until: "2027-01-01", state: "holding" };
  server.set("other", 2, other, { ...arm("other 1", 1, 0, "other"), why: { kind: "mirror" } });
  await expect.poll(() => text(client, "other")).toBe("other 2");
  await expect.poll(() => client.stats().invalid_prompts).toBeGreaterThan(0);
  expect(await text(client)).toBe("one");
  expect(await client.prompt(USE_CASE)).toMatchObject({ number: 1, source: "cache" });

  server.set(USE_CASE, 3, arm("three", 3));
  await expect.poll(() => text(client)).toBe("three");
});

test("content that was broken on the way is asked for again", async () => {
  const server = await script();
  let isBroken = true;
  server.hook = ({ etag }, response) => {
    if (etag !== undefined || !isBroken) return false;
    isBroken = false;
    response.setHeader("etag", `"${server.revision}-${USE_CASE}"`);
    const { document: _, ...rest } = arm("one");
    response.end(
      JSON.stringify({
        use_cases: { [USE_CASE]: { revision: 1, live: [{ ...rest, document: arm("x").document }] } },
      }),
    );
    return true;
  };
  const client = connect(server, { firstWaitMs: 4_000 });
  expect(await text(client)).toBe("one");
  expect(client.stats()).toMatchObject({ hash_mismatches: 1, is_connected: true });
});

test.each([
  { name: "nonsense", body: "<html>" },
  { name: "another shape", body: "[]" },
  { name: "no use cases", body: "{}" },
  { name: "live is no list", body: `{"use_cases":{"${USE_CASE}":{"revision":9,"live":7}}}` },
  { name: "a use case that is null", body: `{"use_cases":{"${USE_CASE}":null}}` },
  { name: "nothing any more", body: `{"use_cases":{}}` },
  { name: "no version", body: `{"use_cases":{"${USE_CASE}":{"revision":9,"live":[]}}}` },
])("an answer of $name changes nothing", async ({ body }) => {
  const server = await script();
  const client = connect(server);
  expect(await text(client)).toBe("one");
  let answered = 0;
  server.hook = (_, response) => {
    answered++;
    response.end(body);
    return true;
  };
  server.set(USE_CASE, 2, arm("two", 2));
  await expect.poll(() => answered).toBeGreaterThan(1);
  expect(await client.prompt(USE_CASE)).toMatchObject({ number: 1, source: "cache" });
  server.hook = () => false;
  await expect.poll(() => text(client)).toBe("two");
});

test.each([
  { form: "seconds", headers: () => ({ "retry-after": "1" }) },
  // By the registry's own clock, which is an hour off.
  {
    form: "a date",
    headers: () => {
      const there = Math.floor(Date.now() / 1000) * 1000 + 3_600_000;
      return { date: new Date(there).toUTCString(), "retry-after": new Date(there + 1_000).toUTCString() };
    },
  },
])("Retry-After in $form is honoured, also by a use case that is new", async ({ headers }) => {
  const server = await script();
  server.hook = (_, response) => {
    response.writeHead(503, headers()).end();
    return true;
  };
  const client = connect(server, { useCases: [USE_CASE] });
  await expect.poll(() => client.stats().poll_failures).toBe(1);
  server.hook = () => false;
  server.set("b", 1, arm("b", 1, 1, "b"));
  expect(await text(client, "b")).toBe("b");
  expect(server.asked.length).toBeGreaterThanOrEqual(2);
  expect(server.asked[1]!.at - server.asked[0]!.at).toBeGreaterThan(990);
});

test("a server that does not wait is not asked in a hot loop", async () => {
  const server = await script();
  const client = connect(server);
  await client.prompt(USE_CASE);
  server.hook = ({ etag }, response) => {
    response.writeHead(304, { etag }).end();
    return true;
  };
  server.set(USE_CASE, 1, arm("one"));
  const before = server.asked.length;
  await expect.poll(() => server.asked.length - before).toBeGreaterThanOrEqual(7);
  // The pause before a question doubles, from 10 to 20 ms on. A machine that is busy makes it longer only.
  const times = server.asked.slice(before).map(({ at }) => at);
  for (const [k, leastMs] of [10, 20, 40, 80].entries()) {
    expect(times[k + 3]! - times[k + 2]!).toBeGreaterThanOrEqual(leastMs - 1);
  }
  expect(client.stats().is_connected).toBe(true);
});

test("a registry that takes the question and says nothing does not hold up what can be served", async () => {
  const server = await script();
  server.hook = () => true;
  const bundle = {
    created_at: new Date(Date.now() - 60_000).toISOString(),
    use_cases: { [USE_CASE]: { live: [arm("bundled")] } },
  };
  // A client without a bundle waits for a first answer: here for longer than a test may run.
  const client = connect(server, {
    bundle,
    fallbackAfterMs: 100,
    requestTimeoutMs: 300,
    firstWaitMs: 3_600_000,
  });
  const prompt = await client.prompt(USE_CASE);
  expect(prompt.source).toBe("bundled");
  expect(prompt.stale_ms).toBeGreaterThanOrEqual(60_000);
  // The bundle stays the application's own.
  bundle.use_cases[USE_CASE].live[0]!.number = 2;
  await expect.poll(() => client.stats().poll_failures).toBeGreaterThan(0);
  server.hook = () => false;
  await expect.poll(() => client.prompt(USE_CASE)).toMatchObject({ source: "live" });
});

test("a replica that lags takes nobody back, another log does", async () => {
  const server = await script();
  const offset = { ms: 0 };
  const client = connect(server, { now: () => Date.now() + offset.ms });
  server.set(USE_CASE, 5, arm("five", 5));
  expect(await text(client)).toBe("five");
  server.set(USE_CASE, 4, arm("four", 4));
  await expect.poll(() => client.stats().outdated_answers).toBeGreaterThan(0);
  expect(await client.prompt(USE_CASE)).toMatchObject({ number: 5, source: "cache" });
  offset.ms = 20_000;
  server.revision++;
  server.set(USE_CASE, 4, arm("four", 4));
  await expect.poll(() => text(client)).toBe("four");
});

test("200 use cases are served, and one more is refused", async () => {
  const server = await script();
  const names = Array.from({ length: 200 }, (_, i) => `u${i}`);
  for (const name of names) server.live[name] = { revision: 1, live: [arm(name, 1, 1, name)] };
  const client = connect(server);
  expect(await Promise.all(names.map((name) => text(client, name)))).toEqual(names);
  await expect(client.prompt("one-more")).rejects.toThrow("at most 200 use cases");
  expect(client.stats().prompts).toBe(200);
});

test("an answer without an end is cut off", async () => {
  const server = await script();
  const client = connect(server);
  await client.prompt(USE_CASE);
  server.hook = (_, response) => {
    const write = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(1_048_576, " ")));
    };
    response.on("drain", write);
    write();
    return true;
  };
  server.set(USE_CASE, 2, arm("two", 2));
  await expect.poll(() => client.stats().poll_failures).toBeGreaterThan(0);
  expect(await text(client)).toBe("one");
});

test("a closed client serves what it has, and waits for nothing", async () => {
  const server = await script();
  const warn = vi.fn();
  const client = connect(server, { onWarning: warn });
  await client.prompt(USE_CASE);
  const waiting = client.prompt("never");
  const refused = expect(waiting).rejects.toThrow("the client is closed");
  await client.close();
  await refused;
  expect(await client.prompt(USE_CASE)).toMatchObject({ number: 1, source: "cache" });
  await expect(client.prompt("b")).rejects.toThrow("the client is closed");
  // A request that was on its way may still arrive; no other does, however often another client asks.
  const askedBy = (env: string): number => server.asked.filter((each) => each.env === env).length;
  const rounds = async (count: number): Promise<void> => {
    const other = connect(server, { env: "other" });
    await other.prompt(USE_CASE);
    const until = askedBy("other") + count;
    while (askedBy("other") < until) {
      server.set(USE_CASE, server.revision + 1, arm("one"));
      await expect.poll(() => server.waiting).toBeGreaterThan(0);
    }
  };
  await rounds(3);
  const asked = askedBy("production");
  await rounds(10);
  expect(askedBy("production")).toBe(asked);
});

test("warnings are at most one a minute, and may throw", async () => {
  const server = await script();
  server.hook = (_, response) => {
    response.writeHead(401).end();
    return true;
  };
  const messages: string[] = [];
  const client = connect(server, {
    firstWaitMs: 200,
    onWarning: (message) => {
      messages.push(message);
      throw new Error("as loggers do");
    },
  });
  await expect(client.prompt(USE_CASE)).rejects.toThrow("HTTP 401");
  expect(client.stats().poll_failures).toBeGreaterThan(1);
  expect(messages).toHaveLength(1);
});

/** The registry's own vectors: int.from_bytes(sha256(f"ticket-summary/{canary}/{id}")[:8], "big") / 2**64 in Python. */
test.each([
  ["c1", 0.475045298785],
  ["conversation-42", 0.102486561254],
  ["", 0.893610927187],
  ["ümlaut", 0.829774876954],
] as const)("conversation %s is at %d", async (conversation, u) => {
  const arm = (digit: string, number: number, weight: number) => ({
    prompt_version: `sha256:${digit.repeat(64)}` as const,
    number,
    weight,
  });
  const pick = (weight: number) =>
    pickArm(USE_CASE, [arm("a", 2, weight), arm("b", 1, 1 - weight)], conversation);
  expect((await pick(u + 1e-9)).number).toBe(2);
  expect((await pick(u - 1e-9)).number).toBe(1);
});

test("a version that was served before is taken back to from memory: its content is verified once", async () => {
  const server = await script();
  const client = connect(server);
  const served = async (): Promise<string | undefined> =>
    (await client.prompt(USE_CASE)).messages()[0]?.content;
  expect(await served()).toBe("one");
  server.set(USE_CASE, 2, arm("two", 2));
  await expect.poll(served, { timeout: 60_000 }).toBe("two");
  // The content of the rollback is broken, and not needed.
  server.set(USE_CASE, 3, { ...arm("one"), document: { ...arm("one").document, config: { broken: true } } });
  await expect.poll(served, { timeout: 60_000 }).toBe("one");
  expect(client.stats()).toMatchObject({ hash_mismatches: 0, invalid_prompts: 0, is_connected: true });
});
