/** Kind: shapes of answers, as eval and replay read them; the judge reads them through the same layer. */
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createCompletion } from "@plumbline/adapters/llm/complete";
import { startFakeProvider } from "@plumbline/adapters/llm/fake-provider.fixture";
import { expect, onTestFinished, test } from "vitest";
import { says, startJudge } from "../judge-over-http.ts";
import { SHAPE_CASES } from "./cases.ts";

test.each(SHAPE_CASES)("$style, $given: $becomes", async ({ style, body, expected }) => {
  const provider = await startFakeProvider([{ body }]);
  onTestFinished(() => provider.close());
  const complete = createCompletion({
    style,
    baseUrl: provider.url,
    clock: systemClock,
    timeoutMs: 20_000,
  });
  const request = { model: "m", messages: [{ role: "user" as const, content: "Hello" }], config: {} };
  const answer = await complete(request, { signal: new AbortController().signal });
  expect(answer.text).toBe(expected.text);
  if (expected.lack === null) expect(answer.lack).toBeNull();
  else expect(answer.lack).toMatch(expected.lack);
  if (expected.usage !== undefined) expect(answer.usage).toEqual(expected.usage);
});

test("a judge that spends its output tokens is asked once more with twice as many, then it says so", async () => {
  const limits = (requests: readonly { readonly body: Readonly<Record<string, unknown>> }[]) =>
    requests.map(({ body }) => body["max_completion_tokens"] ?? body["max_tokens"]);
  for (const [style, ended] of [
    ["openai", "length"],
    ["anthropic", "max_tokens"],
  ] as const) {
    const { ask, provider } = await startJudge([{ body: says(style, "", ended) }], {
      style,
      outputTokensMax: 700,
    });
    expect(await ask()).toMatchObject({ state: "cannot_judge", cause: "answer_cut" });
    expect(limits(provider.requests)).toEqual([700, 1_400]);
  }
});
