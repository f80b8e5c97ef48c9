/** Kind: silent cuts. */
import { expect, test } from "vitest";
import { says, startJudge } from "../judge-over-http.ts";
import { CUT_CASES } from "./cases.ts";

const PASS = JSON.stringify({
  evidence: [{ statement: "s", supported: true, quote: "q" }],
  reasoning: "r",
  label: "pass",
  failure_type: null,
});
const HALF_CHARACTER = /\p{Surrogate}/u;

test.each(CUT_CASES)("$given: $becomes", async ({ input, output, truncated, isJudged, reach, ...limits }) => {
  const { ask, provider } = await startJudge([{ body: says("openai", PASS) }], limits);
  const answer = await ask({ input, output });
  expect(answer.state).toBe(isJudged ? "scored" : "cannot_judge");
  if (answer.state === "cannot_judge") expect(answer).toMatchObject({ cause: "text_too_long", cost_usd: 0 });
  if (truncated === undefined) expect(answer).not.toHaveProperty("truncated");
  else expect(answer.truncated).toMatchObject(truncated);
  expect(provider.requests).toHaveLength(isJudged ? 1 : 0);
  const sent = JSON.stringify(provider.requests[0]?.body["messages"] ?? []);
  for (const word of reach) expect(sent).toContain(word);
  expect(sent).not.toMatch(HALF_CHARACTER);
  // JSON writes half a pair as an escape.
  expect(sent).not.toMatch(/\\ud[89a-f]/i);
});
