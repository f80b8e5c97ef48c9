import { startFakeProvider, type FakeReply } from "@plumbline/adapters/llm/fake-provider.fixture";
import { until } from "../processes/process.ts";
import { withServices } from "../processes/with-services.ts";
import type { Scenario } from "../scenario.ts";
import { startPassages } from "../senders/passages.ts";

const CALLS = 400;
const PASS = JSON.stringify({
  evidence: [{ statement: "charged twice", supported: true, quote: "twice" }],
  reasoning: "Everything is supported.",
  label: "pass",
  failure_type: null,
});

const LIES: readonly FakeReply[] = [
  { status: 429, headers: { "retry-after": "1" } },
  { status: 500 },
  { body: { hello: 1 } },
  { body: { choices: [{ message: { content: "I'd rather not." } }] } },
  { body: { choices: [{ message: { content: '{"label":"perhaps"' } }] } },
  { hangs: true },
  { breaks: true },
];

export const lyingJudge: Scenario = {
  faults: "F19",
  name: "lying-judge",
  runsOn: "production",
  injects:
    "a model that answers a third of the time, and else with 429, 500, no JSON, half of one, a refusal, silence or a cut connection",
  holds: "calls are stored all the while; every sampled call ends in one state",
  isInShortForm: false,
  async run(run) {
    const production = await run.production();
    const provider = await startFakeProvider([
      () =>
        run.random.integer(3) === 0
          ? {
              body: {
                choices: [{ message: { content: PASS } }],
                usage: { prompt_tokens: 100, completion_tokens: 20 },
              },
            }
          : LIES[run.random.integer(LIES.length)]!,
    ]);
    const environments = {
      writer: { PLUMBLINE_JUDGE_SAMPLE_RATIO: "0.2" },
      judge: {
        PLUMBLINE_JUDGE_PROVIDER: "openai",
        PLUMBLINE_JUDGE_BASE_URL: `${provider.url}/v1`,
        PLUMBLINE_JUDGE_MODEL: "gpt-5-mini-2026-08",
        PLUMBLINE_JUDGE_API_KEY: "sk-test",
        PLUMBLINE_JUDGE_TIMEOUT_MS: "2000",
        PLUMBLINE_JUDGE_ATTEMPTS_MAX: "3",
      },
    };
    try {
      await withServices(
        run,
        production,
        ["collector", "writer", "judge"],
        async () => {
          const counts = () =>
            production.store.numbers<"calls" | "sampled" | "verdicts" | "judged">(
              `SELECT (SELECT uniqExact(call_id) FROM plumbline_raw.calls) AS calls,
                      (SELECT uniqExactIf(call_id, is_sampled) FROM plumbline_raw.calls) AS sampled,
                      (SELECT count() FROM plumbline_raw.verdicts FINAL) AS verdicts,
                      (SELECT uniqExact(call_id) FROM plumbline_raw.verdicts) AS judged`,
            );
          // Scenarios before this one left calls, and verdicts of them.
          const before = await counts();
          const passages = startPassages(production.urls.collector);
          await until("calls are acknowledged", () => passages.acknowledged("v1") >= CALLS, 120_000, 50);
          await passages.stop();
          const stored = before.calls + passages.acknowledged("v1");
          await until("they are stored", async () => (await counts()).calls >= stored, 120_000, 100);
          const { sampled } = await counts();
          // Between two attempts the judge rests for as long as a minute.
          await until(
            "every sampled call has a state",
            async () => (await counts()).judged >= sampled,
            600_000,
            500,
          ).catch((error: unknown) => run.require(false, String(error)));
          const { verdicts, judged } = await counts();
          run.count("sampled", sampled);
          run.count("model_requests", provider.requests.length);
          run.requireEqual(judged, sampled, "calls in a final state against sampled calls");
          run.requireEqual(verdicts, judged, "final states against calls that have one");
          run.require(
            provider.requests.length > (sampled - before.sampled) / 10 && sampled > before.sampled,
            "the model was hardly asked: the scenario shows nothing",
          );
        },
        environments,
      );
    } finally {
      await provider.close();
    }
  },
};
