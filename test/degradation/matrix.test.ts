/** Every failure, under every shape of policy, over real HTTP and every API: the documented path, and one event. */
import { createAnswerCache } from "@plumbline/client/cache";
import { CallFailedError, type Outcome } from "@plumbline/client/node";
import { FAILURES, type FailureName, startScriptedProvider } from "@plumbline/scripted-provider";
import { expect, test } from "vitest";
import { type Api, ask } from "./ask-provider.ts";
import { degradationClient, USE_CASE } from "./degradation-client.ts";
import { type Extent, expectedPath, FAILURE_GROUPS, type ShapeName, SHAPES } from "./paths.ts";

const EXTENTS: readonly Extent[] = ["once", "always", "everywhere"];
const APIS: readonly Api[] = ["chat", "responses", "messages"];
/** What every request but one that hangs has, on whatever machine, ms. */
const PATIENCE_MS = 120_000;
/** Of a request that hangs, and of those that answer after it. */
const HANG_MS = 2_000;
const HANGS: ReadonlySet<FailureName> = new Set(["timeout", "slow_body"]);
const VARS = { ticket: "broken lamp" };

interface Case {
  readonly failure: FailureName;
  readonly shape: ShapeName;
  readonly extent: Extent;
  readonly api: Api;
}

test.each(Object.keys(FAILURES) as FailureName[])(
  "%s takes the documented path under every policy, within the deadline, and is told of once",
  async (failure) => {
    const cases = (Object.keys(SHAPES) as ShapeName[]).flatMap((shape) =>
      EXTENTS.flatMap((extent) => APIS.map((api) => ({ failure, shape, extent, api }))),
    );
    const seen = await Promise.all(cases.map((each) => play(each)));
    expect(seen).toEqual(cases.map(expected));
    expect(seen).toHaveLength(63);
  },
);

/** What is to be seen of a case. */
function expected({ failure, shape, extent, api }: Case) {
  const { path, asked } = expectedPath(failure, shape, extent);
  const { status } = FAILURE_GROUPS[failure];
  // Only the last request can have been answered.
  const answered = path === "retry" || path === "fallback_model";
  // Anthropic has one word for a refusal and a filter, and both words are a refusal.
  return {
    case: `${shape} ${extent} ${api}`,
    path,
    attempts: asked.map((rung, i) => `${rung} ${answered && i === asked.length - 1 ? "ok" : status}`),
    isWithinDeadline: true,
    events: 1,
    toldPath: path === "thrown" ? "error" : path,
    toldAttempts: asked.length,
    toldStatus: path === "error" || path === "thrown" ? status : "ok",
  };
}

async function play({ failure, shape, extent, api }: Case) {
  const provider = await startScriptedProvider({ keepsAlive: false });
  const { hasOldAnswer, policy } = SHAPES[shape];
  const deadline_ms = PATIENCE_MS;
  const attempt_timeout_ms = HANGS.has(failure) ? HANG_MS : PATIENCE_MS;
  const cache = createAnswerCache();
  const { client, told } = degradationClient({ ...policy, deadline_ms, attempt_timeout_ms }, { cache });
  const fetch = client.fetch();
  const go = () =>
    client.withPolicy(USE_CASE, { vars: VARS, call: (given) => ask(fetch, provider.url, api, given) });
  try {
    if (hasOldAnswer) {
      await go();
      await client.flush();
      // It is stored in the background.
      await expect.poll(() => cache.stats().entries).toBe(1);
    }
    const before = told.calls.length;
    const its = FAILURES[failure];
    provider.script(
      extent === "once" ? { steps: [its] } : { otherwise: its },
      extent === "everywhere" ? {} : { nano: {} },
    );
    const seen = await go().then(
      (outcome: Outcome) => ({ path: outcome.path as string, outcome }),
      (error: unknown) =>
        error instanceof CallFailedError
          ? { path: "error", outcome: error }
          : { path: "thrown", outcome: null },
    );
    await client.flush();
    const events = told.calls.slice(before);
    const [event] = events;
    const attempts = seen.outcome?.attempts ?? event?.attempts ?? [];
    expect(event?.attempts).toEqual(attempts);
    expect(provider.requests).toHaveLength(attempts.length);
    return {
      case: `${shape} ${extent} ${api}`,
      path: seen.path,
      attempts: attempts.map(({ path, status }) => `${path} ${status}`),
      isWithinDeadline: (seen.outcome?.latency_ms ?? 0) <= deadline_ms,
      events: events.length,
      toldPath: event?.path,
      toldAttempts: event?.attempts?.length,
      toldStatus: event?.status,
    };
  } finally {
    await client.close();
    await provider.close();
  }
}
