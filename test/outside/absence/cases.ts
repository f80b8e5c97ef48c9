import type { FakeReply } from "@plumbline/adapters/llm/fake-provider.fixture";
import type { GateLimits } from "@plumbline/schemas";
import type { OutsideCase } from "../case.ts";

/** An answer that isn't there, given to every case of an eval. */
interface EvalCase extends OutsideCase {
  readonly reply: FakeReply;
  /** Words of the reason beside the case. */
  readonly reason: RegExp;
}

const choice = (message: unknown, finish_reason: string): FakeReply => ({
  body: { choices: [{ finish_reason, message }], usage: { prompt_tokens: 9, completion_tokens: 0 } },
});
const NO_PASS = "no case passes, the gate refuses: unscored";

export const EVAL_CASES: readonly EvalCase[] = [
  {
    given: "a model that refuses every case",
    becomes: NO_PASS,
    reply: choice({ content: null, refusal: "I can't." }, "stop"),
    reason: /refused to answer/,
  },
  {
    given: "a content filter that stops every case",
    becomes: NO_PASS,
    reply: choice({ content: "" }, "content_filter"),
    reason: /content filter/,
  },
  {
    given: "a filter that answers 400 to every case",
    becomes: NO_PASS,
    reply: {
      status: 400,
      body: { error: { code: "content_filter", message: "filtered by the content management policy" } },
    },
    reason: /filter/,
  },
  {
    given: "an empty answer to every case",
    becomes: NO_PASS,
    reply: choice({ content: "" }, "stop"),
    reason: /empty/,
  },
  {
    given: "output tokens spent before every answer",
    becomes: NO_PASS,
    reply: choice({ content: null }, "length"),
    reason: /output tokens/,
  },
];

/** What the gate says of a version of which `passes` of 20 cases pass. */
interface GateCase extends OutsideCase {
  readonly passes: number;
  readonly limits: GateLimits;
  readonly hasIncumbent: boolean;
  readonly decision: "pass" | "fail";
}

export const GATE_CASES: readonly GateCase[] = [
  {
    given: "a first version with 0 of 20",
    becomes: "refused by the floor of a first version",
    passes: 0,
    limits: {},
    hasIncumbent: false,
    decision: "fail",
  },
  {
    given: "a first version with 9 of 20",
    becomes: "refused by the floor of a first version",
    passes: 9,
    limits: {},
    hasIncumbent: false,
    decision: "fail",
  },
  {
    given: "a first version with 10 of 20",
    becomes: "passes the floor of 0.5",
    passes: 10,
    limits: {},
    hasIncumbent: false,
    decision: "pass",
  },
  {
    given: "a first version with 5 of 20 and a floor of 0.2",
    becomes: "passes: the config says so",
    passes: 5,
    limits: { pass_rate_floor: 0.2 },
    hasIncumbent: false,
    decision: "pass",
  },
  {
    given: "a first version with 1 of 20 and a floor of null",
    becomes: "passes: the config says so",
    passes: 1,
    limits: { pass_rate_floor: null },
    hasIncumbent: false,
    decision: "pass",
  },
  {
    given: "a second version with 1 of 20, like the first",
    becomes: "passes: it is compared, and not worse",
    passes: 1,
    limits: {},
    hasIncumbent: true,
    decision: "pass",
  },
];

/** Cached answers, as the test of this folder runs them. */
export const CACHE_CASES: readonly OutsideCase[] = [
  { given: "an empty answer, and the same eval again", becomes: "asked again: what isn't there is not kept" },
  { given: "a judge that can't judge, and the same eval again", becomes: "asked again" },
  {
    given: "a judge of the same name at another address",
    becomes: "asked: the kept judgement is not its own",
  },
];
