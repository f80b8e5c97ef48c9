/** What the matrix does not vary: waits, limits, breakers, caches, validators, prompts, and who is told what. */
import { getEventListeners } from "node:events";
import { createAnswerCache } from "@plumbline/client/cache";
import { CallFailedError, type PolicyOptions } from "@plumbline/client/node";
import { hasNoPii, matchesSchema } from "@plumbline/client/validators";
import { CALL_FIELDS } from "@plumbline/schemas";
import { FAILURES, type ScriptedProvider, startScriptedProvider } from "@plumbline/scripted-provider";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { withPolicy } from "../../packages/client/policy/with-policy.ts";
import { ask } from "./ask-provider.ts";
import { degradationClient, type DegradationClient, USE_CASE } from "./degradation-client.ts";

const LONG_MS = 120_000;
const PATIENT = { deadline_ms: LONG_MS, attempt_timeout_ms: LONG_MS };
const VARS = { ticket: "broken lamp" };

let provider: ScriptedProvider;
const open: DegradationClient[] = [];
beforeEach(async () => {
  provider = await startScriptedProvider({ keepsAlive: false });
});
afterEach(async () => {
  for (const { client } of open.splice(0)) await client.close();
  await provider.close();
});

function setUp(policy: object | null, options: Parameters<typeof degradationClient>[1] = {}) {
  const made = degradationClient(policy, options);
  open.push(made);
  const fetch = made.client.fetch();
  const go = (more: Partial<PolicyOptions> = {}) =>
    made.client.withPolicy(USE_CASE, {
      vars: VARS,
      call: (given) => ask(fetch, provider.url, "chat", given),
      ...more,
    });
  const told = async () => {
    await made.client.flush();
    return made.told.calls;
  };
  return { ...made, go, told, fetch };
}

const pathsOf = (
  attempts: readonly { readonly path: string; readonly error_type?: string | null | undefined }[],
) => attempts.map(({ path, error_type }) => `${path} ${error_type ?? "ok"}`);

/** Hangs as long as it is let, unless it is this model. */
function hangsUnless({ model }: { readonly model: string }, one: string): Promise<string> {
  return model === one ? Promise.resolve(model) : new Promise(() => {});
}

test("an answer at once: one attempt, everything that is known of the call in one event", async () => {
  const { go, told, version } = setUp(PATIENT);
  provider.script({
    otherwise: { kind: "answer", text: "A lamp.", usage: { input: 30, output: 3, cacheRead: 10 } },
  });
  const outcome = await go({ conversation_id: "c-1", attributes: { tier: "gold" }, user_hash: "h" });
  expect(outcome).toMatchObject({
    text: "A lamp.",
    path: "primary",
    reason: null,
    is_degraded: false,
    model: "openai/gpt",
    age_ms: null,
  });
  expect(await told()).toMatchObject([
    {
      call_id: outcome.call_id,
      use_case: USE_CASE,
      prompt_version: version,
      prompt_source: "bundled",
      conversation_id: "c-1",
      user_hash: "h",
      attributes: { tier: "gold" },
      provider: "openai",
      model: "gpt",
      response_model: "gpt-scripted",
      path: "primary",
      status: "ok",
      latency_ms: outcome.latency_ms,
      input_tokens: 30,
      cached_input_tokens: 10,
      output_tokens: 3,
      cache_kind: "prefix",
      input: "broken lamp",
      output: "A lamp.",
      vars: VARS,
      attempts: outcome.attempts,
    },
  ]);
});

describe("what is waited for", () => {
  test("a Retry-After that fits is waited for, in seconds, as a date or in ms", async () => {
    for (const step of [FAILURES.rate_limited_seconds, FAILURES.rate_limited_date]) {
      const { go } = setUp({ ...PATIENT, retry: { max: 1, base_ms: 1 } });
      provider.script({ steps: [step] });
      const outcome = await go();
      expect(outcome.path).toBe("retry");
      // The date has whole seconds: it may be here sooner than a second from now.
      expect(outcome.latency_ms).toBeGreaterThan(step === FAILURES.rate_limited_seconds ? 995 : 1);
    }
  });

  test("without respect_retry_after the policy's own wait is taken", async () => {
    const { go } = setUp({ ...PATIENT, retry: { max: 1, base_ms: 1, respect_retry_after: false } });
    provider.script({ steps: [FAILURES.rate_limited_too_long] });
    expect((await go()).path).toBe("retry");
  });

  test("the deadline cuts an attempt short, and leaves the next rungs what needs no time", async () => {
    const { go } = setUp({
      deadline_ms: 300,
      attempt_timeout_ms: 250,
      retry: { max: 5, base_ms: 1 },
      template: { text: "Later, {{ticket}}." },
    });
    provider.script({ otherwise: FAILURES.timeout });
    const outcome = await go();
    expect(outcome).toMatchObject({
      path: "template",
      text: "Later, broken lamp.",
      reason: "timeout",
      model: null,
    });
    expect(outcome.attempts.length).toBeLessThanOrEqual(2);
  });

  test.each([
    { deadline_ms: 1_200, attempt_timeout_ms: 1_200, retry: { max: 0 } },
    { deadline_ms: 1_200, attempt_timeout_ms: 700, retry: { max: 5, base_ms: 1 } },
  ])("a model that hangs never takes the time of the model after it: %o", async (times) => {
    const { go } = setUp({
      ...times,
      breaker: { failures: 100 },
      fallback_models: [{ model: "openai/nano" }],
      template: { text: "Later." },
    });
    const outcome = await go({ call: (given) => hangsUnless(given, "nano") });
    expect(outcome).toMatchObject({ path: "fallback_model", model: "openai/nano", text: "nano" });
    expect(outcome.attempts.at(-1)).toMatchObject({ path: "fallback_model", status: "ok" });
  });

  test("each of several fallback models has its turn, whoever hangs before it", async () => {
    const { go } = setUp({
      deadline_ms: 1_200,
      attempt_timeout_ms: 1_000,
      retry: { max: 1, base_ms: 1 },
      fallback_models: [{ model: "openai/nano" }, { model: "openai/pico" }],
    });
    expect(await go({ call: (given) => hangsUnless(given, "pico") })).toMatchObject({
      path: "fallback_model",
      model: "openai/pico",
    });
  });

  test("a Retry-After that only fits into the fallback model's time is not waited for", async () => {
    const { go } = setUp({
      deadline_ms: 60_000,
      attempt_timeout_ms: 30_000,
      fallback_models: [{ model: "openai/nano" }],
    });
    const outcome = await go({
      call: async ({ model }) => {
        if (model === "nano") return "In time.";
        throw Object.assign(new Error("wait"), { status: 429, headers: { "retry-after": "40" } });
      },
    });
    expect(pathsOf(outcome.attempts)).toEqual(["primary http_429", "fallback_model ok"]);
  });

  test("a validator that does not come back refuses the text at the attempt's end", async () => {
    const { go } = setUp({
      deadline_ms: 1_000,
      attempt_timeout_ms: 200,
      retry: { max: 0 },
      template: { text: "Later." },
    });
    const outcome = await go({ call: async () => "unread", validate: () => new Promise(() => {}) });
    expect(outcome).toMatchObject({ path: "template", text: "Later.", reason: "invalid_output" });
    expect(pathsOf(outcome.attempts)).toEqual(["primary validator_timeout"]);
  });

  test("attempts without their time open no breaker, those that had it do", async () => {
    const { go } = setUp({
      deadline_ms: 1_000,
      attempt_timeout_ms: 700,
      retry: { max: 1, base_ms: 1, max_ms: 1 },
      breaker: { failures: 2, window_ms: LONG_MS, open_ms: LONG_MS },
      fallback_models: [],
      template: { text: "Later." },
    });
    const call = (given: { model: string }) => hangsUnless(given, "nobody");
    // A whole attempt, and a retry with what is left of the deadline.
    await go({ call });
    expect(pathsOf((await go({ call })).attempts)).toContain("primary timeout");
    expect(pathsOf((await go({ call })).attempts)).toEqual(["primary breaker_open"]);
  });

  // As in https://github.com/OpenHands/software-agent-sdk/issues/4936.
  test.each([
    { code: "insufficient_quota" },
    { error: { type: "error", error: { type: "billing_error" } } },
    { data: { error: { code: "usage_limit_reached" } } },
  ])("an account that is used up is not asked again, the next model is: %j", async (said) => {
    const { go } = setUp({
      ...PATIENT,
      retry: { max: 3, base_ms: 1, respect_retry_after: false },
      fallback_models: [{ model: "openai/nano" }],
    });
    const outcome = await go({
      call: async ({ model }) => {
        if (model === "nano") return "Paid for.";
        throw Object.assign(new Error("429"), { status: 429, headers: { "retry-after": "1" }, ...said });
      },
    });
    expect(pathsOf(outcome.attempts)).toEqual(["primary insufficient_quota", "fallback_model ok"]);
  });

  test("code that ignores its signal holds nobody up", async () => {
    const { go, told } = setUp({ deadline_ms: 200, attempt_timeout_ms: 50, retry: { max: 0 } });
    const error = await go({ call: () => new Promise(() => {}) }).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(CallFailedError);
    expect(error).toMatchObject({ reason: "timeout", status: "timeout", path: "error" });
    expect(await told()).toMatchObject([
      { path: "error", status: "timeout", call_id: (error as CallFailedError).call_id },
    ]);
  });
});

// As in https://github.com/connor4312/cockatiel/issues/99 and /issues/81.
test("the application's code hears the caller's own reason, and nothing listens to the caller's signal afterwards", async () => {
  const { go } = setUp({ ...PATIENT, retry: { max: 8, base_ms: 1, max_ms: 1 } });
  const abort = new AbortController();
  let left = 8;
  const flaky = async () => {
    if (left-- > 0) throw Object.assign(new Error("later"), { status: 503 });
    return "At last.";
  };
  await go({ call: flaky, signal: abort.signal });
  expect(getEventListeners(abort.signal, "abort")).toEqual([]);

  const reason = new Error("the user left");
  const heard: unknown[] = [];
  const asked = go({
    signal: abort.signal,
    call: ({ signal }) =>
      new Promise(() => {
        signal.addEventListener("abort", () => heard.push(signal.reason), { once: true });
        queueMicrotask(() => abort.abort(reason));
      }),
  });
  await expect(asked).rejects.toBe(reason);
  expect(heard).toEqual([reason]);
});

test("what the caller aborts rejects with its reason, and is told of as cancelled; nothing more is asked", async () => {
  const { go, told } = setUp({ ...PATIENT, retry: { max: 3, base_ms: 1 }, template: { text: "No." } });
  provider.script({ otherwise: FAILURES.timeout });
  const abort = new AbortController();
  const asked = go({ signal: abort.signal });
  await expect.poll(() => provider.requests.length).toBe(1);
  abort.abort(new Error("the user left"));
  await expect(asked).rejects.toThrow("the user left");
  await expect(go({ signal: abort.signal })).rejects.toThrow("the user left");
  expect(provider.requests).toHaveLength(1);
  expect(await told()).toMatchObject([{ status: "cancelled", path: "error" }, { status: "cancelled" }]);
});

test("an error of the application's own code is thrown as it is, and no provider is blamed", async () => {
  const { go, told } = setUp({
    ...PATIENT,
    fallback_models: [{ model: "openai/nano" }],
    template: { text: "No." },
  });
  const own = new TypeError("undefined is not a function");
  await expect(go({ call: () => Promise.reject(own) })).rejects.toBe(own);
  await expect(
    go({
      validate: () => {
        throw own;
      },
    }),
  ).rejects.toBe(own);
  expect(await told()).toMatchObject([
    { path: "error", status: "error", error_type: "TypeError" },
    { path: "error", status: "error", error_type: "TypeError" },
  ]);
});

test("treat_as makes a client error one that is handled", async () => {
  const { go } = setUp({ ...PATIENT, treat_as: { "400": "server_error" }, retry: { max: 1, base_ms: 1 } });
  provider.script({ steps: [FAILURES.bad_request] });
  expect(await go()).toMatchObject({ path: "retry", reason: "server_error" });
});

describe("errors of SDKs, where no instrumented fetch looks on", () => {
  const errorWith = (fields: object, message = "x") => Object.assign(new Error(message), fields);
  test.each([
    ["a status", errorWith({ status: 503 }), "server_error", "http_503"],
    [
      "a status of the AI SDK",
      errorWith({ statusCode: 429, responseHeaders: { "retry-after": "0" } }),
      "rate_limited",
      "http_429",
    ],
    [
      "what the AI SDK gave up on",
      errorWith({ name: "AI_RetryError", lastError: errorWith({ statusCode: 500 }) }),
      "server_error",
      "http_500",
    ],
    ["axios", errorWith({ response: { status: 529 } }), "server_error", "http_529"],
    ["a broken connection", errorWith({ cause: { cause: { code: "ECONNRESET" } } }), "network", "econnreset"],
    [
      "no connection",
      new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } }),
      "network",
      "econnrefused",
    ],
    ["a browser's fetch", new TypeError("Failed to fetch"), "network", "network"],
    ["a time limit", errorWith({ name: "TimeoutError" }), "timeout", "timeout"],
    [
      "undici's time limit",
      new TypeError("fetch failed", { cause: { code: "UND_ERR_HEADERS_TIMEOUT" } }),
      "timeout",
      "timeout",
    ],
    ["an answer that is no JSON", new SyntaxError("Unexpected token"), "invalid_output", "not_json"],
  ])("%s", async (_name, error, reason, error_type) => {
    const { go } = setUp({
      ...PATIENT,
      retry: { max: 1, base_ms: 1, on: ["timeout", "rate_limited", "server_error", "network"] },
    });
    const errors = [error];
    const outcome = await go({
      call: async () => {
        const each = errors.pop();
        if (each !== undefined) throw each;
        return "answer";
      },
    });
    expect(outcome).toMatchObject({ path: "retry", reason });
    expect(pathsOf(outcome.attempts)).toEqual([`primary ${error_type}`, "retry ok"]);
  });

  test("tokens that the code knows are told of", async () => {
    const { go, told } = setUp(PATIENT);
    await go({
      call: async () => ({ text: "answer", input_tokens: 5, output_tokens: 2, response_model: "m-2" }),
    });
    expect(await told()).toMatchObject([
      { input_tokens: 5, output_tokens: 2, response_model: "m-2", attempts: [{ input_tokens: 5 }] },
    ]);
  });
});

describe("validators", () => {
  test("what they refuse is neither returned nor kept, and its reason is told of", async () => {
    const cache = createAnswerCache();
    const { go, told } = setUp(
      { ...PATIENT, retry: { max: 1, base_ms: 1 }, cache: { mode: "readwrite" }, template: { text: "No." } },
      { cache },
    );
    provider.script({ otherwise: { kind: "answer", text: "Write to ana@example.com." } });
    const outcome = await go({ validate: [hasNoPii(), (text) => text.length > 0] });
    expect(outcome).toMatchObject({ path: "template", text: "No.", reason: "invalid_output" });
    expect(pathsOf(outcome.attempts)).toEqual(["primary pii_email", "retry pii_email"]);
    const [event] = await told();
    expect(event).toMatchObject({ status: "ok", output: "No." });
    // What was given to the client for itself is no field of an event.
    expect(Object.keys(event!).filter((field) => !CALL_FIELDS.has(field))).toEqual([]);
    expect(JSON.stringify(event)).not.toContain("example.com");
    expect(cache.stats().entries).toBe(0);
  });

  test("an empty answer is none, and a schema is held", async () => {
    const { go } = setUp({ ...PATIENT, retry: { max: 1, base_ms: 1 } });
    const answers = ["  \n", '{"a":1}', "{}", '{"a":2}'];
    const call = async () => answers.shift()!;
    const validate = matchesSchema({ type: "object", required: ["a"] });
    expect(pathsOf((await go({ call, validate })).attempts)).toEqual(["primary empty_output", "retry ok"]);
    expect(pathsOf((await go({ call, validate })).attempts)).toEqual(["primary not_in_schema", "retry ok"]);
  });
});

describe("fallback models", () => {
  test("each is asked once in its order, with the answer's own model in the event", async () => {
    const { go, told } = setUp({
      ...PATIENT,
      retry: { max: 0 },
      fallback_models: [{ model: "openai/nano" }, { model: "anthropic/haiku" }],
    });
    provider.script({ otherwise: FAILURES.server_error }, { haiku: {} });
    const outcome = await go();
    expect(outcome).toMatchObject({
      path: "fallback_model",
      model: "anthropic/haiku",
      is_degraded: true,
      reason: "server_error",
    });
    expect(provider.requests.map(({ model }) => model)).toEqual(["gpt", "nano", "haiku"]);
    expect(await told()).toMatchObject([
      {
        provider: "anthropic",
        model: "haiku",
        attempts: [
          { provider: "openai", model: "gpt" },
          { provider: "openai", model: "nano" },
          { provider: "anthropic", model: "haiku" },
        ],
      },
    ]);
  });

  test("one with a prompt of its own is given that, and the event stays the call's", async () => {
    const { go, told, version } = setUp(
      {
        ...PATIENT,
        retry: { max: 0 },
        fallback_models: [{ model: "openai/nano", prompt: "ticket-summary.short" }],
      },
      { otherPrompts: { "ticket-summary.short": "Shorter." } },
    );
    provider.script({ steps: [FAILURES.server_error] });
    expect((await go()).path).toBe("fallback_model");
    const systems = provider.requests.map(
      ({ body }) => (body as { messages: { content: string }[] }).messages[0]!.content,
    );
    expect(systems).toEqual(["Summarise.", "Shorter."]);
    expect(await told()).toMatchObject([{ use_case: USE_CASE, prompt_version: version }]);
  });

  test("one whose prompt is not to be had is left out, and said so", async () => {
    const { go } = setUp({
      ...PATIENT,
      retry: { max: 0 },
      fallback_models: [{ model: "openai/nano", prompt: "ticket-summary.short" }, { model: "openai/pico" }],
    });
    provider.script({ steps: [FAILURES.server_error] });
    const outcome = await go();
    expect(pathsOf(outcome.attempts)).toEqual([
      "primary http_500",
      "fallback_model prompt_unavailable",
      "fallback_model ok",
    ]);
    expect(outcome.model).toBe("openai/pico");
  });
});

test("a breaker opens for every call of the client, and a trial closes it", async () => {
  const { go } = setUp({
    ...PATIENT,
    retry: { max: 0 },
    breaker: { failures: 2, window_ms: LONG_MS, open_ms: 1 },
    fallback_models: [{ model: "openai/nano" }],
  });
  provider.script({}, { gpt: { otherwise: FAILURES.server_error } });
  await go();
  await go();
  provider.script({});
  // The trial, when its time has come.
  await expect.poll(async () => (await go()).path).toBe("primary");
  expect((await go()).path).toBe("primary");

  const slow = setUp({
    ...PATIENT,
    retry: { max: 0 },
    breaker: { failures: 2, window_ms: LONG_MS, open_ms: LONG_MS },
    fallback_models: [{ model: "openai/nano" }],
  });
  provider.script({}, { gpt: { otherwise: FAILURES.server_error } });
  await slow.go();
  await slow.go();
  const outcome = await slow.go();
  expect(pathsOf(outcome.attempts)).toEqual(["primary breaker_open", "fallback_model ok"]);
  expect(outcome.reason).toBe("breaker_open");
  expect(provider.requests.filter(({ model }) => model === "gpt")).toHaveLength(2);
});

test("a model that is switched off for the fleet is not asked, and said so", async () => {
  const { client, fetch } = setUp({ ...PATIENT, fallback_models: [{ model: "openai/nano" }] });
  const runtime = { ...client.policies, isSwitchedOff: (model: string) => model === "openai/gpt" };
  const outcome = await withPolicy(runtime, USE_CASE, {
    vars: VARS,
    call: (given) => ask(fetch, provider.url, "chat", given),
  });
  expect(outcome).toMatchObject({ path: "fallback_model", reason: "switched_off" });
  expect(pathsOf(outcome.attempts)).toEqual(["primary switched_off", "fallback_model ok"]);
  expect(provider.requests.map(({ model }) => model)).toEqual(["nano"]);
});

describe("the cache", () => {
  const CACHED = { ...PATIENT, retry: { max: 0 }, cache: { mode: "readwrite", vary: ["locale"] } };

  test("a fresh answer is served without asking, and told of as what it is", async () => {
    const cache = createAnswerCache();
    const { go, told } = setUp(CACHED, { cache });
    const attributes = { locale: "de" };
    await go({ attributes });
    await expect.poll(() => cache.stats().entries).toBe(1);
    const outcome = await go({ attributes });
    expect(outcome).toMatchObject({ path: "cached_exact", is_degraded: false, attempts: [], model: null });
    expect(outcome.age_ms).toBeGreaterThanOrEqual(0);
    expect((await go({ attributes: { locale: "fr" } })).path).toBe("primary");
    expect((await go({ attributes, vars: { ticket: "another" } })).path).toBe("primary");
    expect(provider.requests).toHaveLength(3);
    expect((await told())[1]).toMatchObject({
      path: "cached_exact",
      cache_kind: "exact",
      attempts: [],
      output: outcome.text,
    });
  });

  test("a call without an attribute that answers vary by shares nothing", async () => {
    const cache = createAnswerCache();
    const { go } = setUp(CACHED, { cache });
    await go();
    expect((await go()).path).toBe("primary");
    expect(cache.stats().entries).toBe(0);
  });

  // As in https://github.com/elizaOS/eliza/issues/17602.
  test("who waits for somebody else's answer leaves when its own caller does, and when its own time is over", async () => {
    const cache = createAnswerCache();
    const { go, told } = setUp({ ...PATIENT, retry: { max: 0 }, cache: { mode: "readwrite" } }, { cache });
    let answer = (_text: string): void => undefined;
    const answered = new Promise<string>((resolve) => (answer = resolve));
    let asked = 0;
    const call = (): Promise<string> => {
      asked += 1;
      return answered;
    };
    const first = go({ call });
    await expect.poll(() => asked).toBe(1);
    const abort = new AbortController();
    const leaves = go({ call, signal: abort.signal });
    const hurries = go({
      call,
      policy: {
        deadline_ms: 300,
        attempt_timeout_ms: 300,
        template: { text: "In time." },
        cache: { mode: "readwrite" },
      },
    });
    abort.abort(new Error("the user left"));
    await expect(leaves).rejects.toThrow("the user left");
    expect(await hurries).toMatchObject({ path: "template", text: "In time." });
    answer("At last.");
    expect(await first).toMatchObject({ path: "primary", text: "At last." });
    expect(asked).toBe(1);
    expect((await told()).map(({ status }) => status).toSorted()).toEqual(["cancelled", "ok", "ok"]);
  });

  test("who asks the same meanwhile gets the same answer, and each call is told of", async () => {
    const cache = createAnswerCache();
    const { go, told } = setUp(CACHED, { cache });
    provider.script({ otherwise: { kind: "answer", pauseMs: 50 } });
    const attributes = { locale: "de" };
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => go({ attributes })));
    expect(provider.requests).toHaveLength(1);
    expect(outcomes.map(({ path }) => path).toSorted()).toEqual([
      ...Array<string>(19).fill("cached_exact"),
      "primary",
    ]);
    expect(await told()).toHaveLength(20);
  });

  test("what became of another's call when it failed or was aborted is nobody else's", async () => {
    const cache = createAnswerCache();
    const { go } = setUp(CACHED, { cache });
    const attributes = { locale: "de" };
    provider.script({ steps: [FAILURES.timeout] });
    const abort = new AbortController();
    const first = go({ attributes, signal: abort.signal }).catch((error: unknown) => error);
    await expect.poll(() => provider.requests.length).toBe(1);
    const second = go({ attributes });
    abort.abort(new Error("left"));
    expect(await first).toMatchObject({ message: "left" });
    expect((await second).path).toBe("primary");
  });

  test("a degraded answer is not kept", async () => {
    const cache = createAnswerCache();
    const { go } = setUp({ ...CACHED, fallback_models: [{ model: "openai/nano" }] }, { cache });
    provider.script({ steps: [FAILURES.server_error] });
    expect((await go({ attributes: { locale: "de" } })).path).toBe("fallback_model");
    expect(cache.stats().entries).toBe(0);
  });
});

describe("a forced failure", () => {
  test("asks nobody, and is told of as forced", async () => {
    const { go, told } = setUp({
      ...PATIENT,
      retry: { max: 1, base_ms: 1 },
      fallback_models: [{ model: "openai/nano" }],
      template: { text: "No." },
    });
    expect(await go({ inject: "timeout" })).toMatchObject({ path: "fallback_model", reason: "timeout" });
    expect(provider.requests.map(({ model }) => model)).toEqual(["nano"]);
    const outcome = await go({ inject: { failure: "server_error", scope: "all" } });
    expect(outcome).toMatchObject({ path: "template", reason: "server_error" });
    expect(pathsOf(outcome.attempts)).toEqual([
      "primary injected",
      "retry injected",
      "fallback_model injected",
    ]);
    expect(await go({ inject: "breaker_open" })).toMatchObject({
      path: "fallback_model",
      reason: "breaker_open",
    });
    expect((await told())[0]!.attempts![0]).toMatchObject({ status: "timeout", error_type: "injected" });
  });
});

describe("without a prompt", () => {
  test("the application's template answers", async () => {
    const { client, told } = setUp(null);
    const outcome = await client.withPolicy("never-heard-of", {
      call: () => Promise.reject(new Error("not asked")),
      template: () => "Standard words.",
    });
    expect(outcome).toMatchObject({
      path: "template",
      text: "Standard words.",
      reason: "prompt_unavailable",
      prompt: null,
    });
    expect(await told()).toMatchObject([{ use_case: "never-heard-of", path: "template", status: "ok" }]);
  });

  test("and without one the call fails with what to do", async () => {
    const { client, told } = setUp(null);
    const error = await client
      .withPolicy("never-heard-of", { call: async () => "" })
      .catch((each: unknown) => each);
    expect(error).toBeInstanceOf(CallFailedError);
    expect(String((error as Error).cause)).toContain("there is no prompt of never-heard-of");
    expect(await told()).toMatchObject([
      { path: "error", status: "error", error_type: "prompt_unavailable" },
    ]);
  });
});

test("a template that can't be filled is no answer", async () => {
  const { go } = setUp({ ...PATIENT, retry: { max: 0 }, template: { text: "Dear {{name}}" } });
  provider.script({ otherwise: FAILURES.server_error });
  await expect(go()).rejects.toThrow(CallFailedError);
});
