import { cutMiddle } from "@plumbline/features";
import { formatProblem, parsePolicy, parsePrompt, readYaml } from "@plumbline/prompts";
import { loadConfig } from "@plumbline/runtime/variables/load-config";
import { counted } from "@plumbline/schemas";
import { Budget } from "@plumbline/services/judge/budget";
import { JudgeHealth } from "@plumbline/services/judge/health";
import { LogAndStoreConfig } from "@plumbline/runtime/process/process-config";
import { describeReport } from "../../../packages/cli/commands/describe-report.ts";
import { checkPrices } from "../../../packages/cli/doctor/check-prices.ts";
import { spent } from "../../../packages/cli/eval/wording.ts";
import { describeReplay } from "../../../packages/cli/replay/describe-replay.ts";
import type { OutsideCase } from "../case.ts";

interface WordCase extends OutsideCase {
  readonly said: () => string;
  readonly is: RegExp;
  /** What it must not say. */
  readonly isNot?: RegExp;
}

const FRONT = "---\nmodel: openai/gpt-5-mini\n";
const problemsOf = (text: string): string => {
  const parsed = parsePrompt(text, "a.prompt");
  return parsed.kind === "invalid" ? parsed.problems.map(formatProblem).join("\n") : "";
};
const policyProblems = (text: string): string => {
  const parsed = parsePolicy(text, "a.yaml");
  return parsed.kind === "invalid" ? parsed.problems.map(formatProblem).join("\n") : "";
};
const configProblems = (environment: Readonly<Record<string, string>>): string => {
  try {
    loadConfig(LogAndStoreConfig, environment);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
};

const ONE_CALL_REPLAYED = {
  use_case: "ticket-summary",
  from: "2026-11-01T00:00:00.000Z",
  to: "2026-11-02T00:00:00.000Z",
  criterion: "faithfulness",
  before: "stored answers",
  after: "ticket-summary@0123456789ab",
  judge: "openai/own",
  found: { calls: 1, unanswered: 0, without_texts: 1 },
  replayed: 0,
  skipped: { no_variables: 0, not_answered: 0, cannot_judge: 0, not_asked: 0 },
  input_used: 0,
  is_budget_spent: false,
  cost_usd: 0,
  unpriced: [{ who: "openai/own", answers: 1 }],
  scores: { before: 0.5, after: 0.5, difference: 0, interval: [-0.1, 0.1], worse: 0, better: 0 },
  calls: [],
} as const;
const AT = Date.parse("2026-11-01T12:00:00.000Z");

export const WORD_CASES: readonly WordCase[] = [
  {
    given: "a count of one, none and a thousand",
    becomes: "`1 case`, `0 cases`, `1,000 batches`",
    said: () => [counted(1, "case"), counted(0, "case"), counted(1_000, "batch", "batches")].join(),
    is: /^1 case,0 cases,1,000 batches$/,
  },
  {
    given: "one character left out of a text",
    becomes: "`1 character left out`",
    said: () => cutMiddle("x".repeat(1_001), 1_000).text,
    is: /\[… 1 character left out …\]/,
  },
  {
    given: "a third brace behind a tag",
    becomes: "advice that differs from what is written",
    said: () => problemsOf(`${FRONT}---\nSend {"ticket": {{ticket}}}\n`),
    is: /a third brace follows a tag\. Remove it, or put a blank between them: \{\{ticket\}\} \}\./,
  },
  {
    given: "a third brace before a tag",
    becomes: "advice that says where the blank goes",
    said: () => problemsOf(`${FRONT}---\nSend {{{ticket}} now\n`),
    is: /a third brace stands before a tag\. Remove it, or put a blank between them: \{ \{\{ticket\}\}\./,
  },
  {
    given: "an unknown key with four letters, half of which are another key's",
    becomes: "no guess at a key that is not meant",
    said: () => problemsOf(`${FRONT}base: { a: 1 }\n---\n{{ticket}}\n`),
    is: /base: is not a known key\. Remove it, or give it a prefix of your own/,
    isNot: /Write name/,
  },
  {
    given: "a slip in a key of a prompt, and one in a policy",
    becomes: "the same advice in the same words",
    said: () =>
      `${problemsOf(`${FRONT}confg: {}\n---\n{{t}}\n`)}\n${policyProblems("use_case: a\ndeadlin_ms: 5\n")}`,
    is: /confg: is not a known key\. Write config, or remove it\.\n.*deadlin_ms: is not a known key\. Write deadline_ms, or remove it\./,
  },
  {
    given: "a variable that is missing, one that is wrong and one that nothing reads",
    becomes: "one list, a line each, that begins with the variable",
    said: () => configProblems({ PLUMBLINE_CLICKHOUSE_URL: "nowhere", PLUMBLINE_KAFKA_BROKER: "a:9092" }),
    is: /^invalid configuration:(?:\n {2}PLUMBLINE_[A-Z_]+: .+){3,}$/,
  },
  {
    given: "an alias without an anchor, and a merge of something that is no map",
    becomes: "each said as what it is",
    said: () =>
      ["a: *gone\n", "a: &a 1\nb: { <<: *a }\n"]
        .map((text) => {
          const read = readYaml(text, "f.yaml");
          return read.kind === "invalid" ? read.problems.map(formatProblem).join() : "";
        })
        .join("\n"),
    is: /alias.*\n.*<<: merges something that is no map/s,
  },
  {
    given: "answers whose price nobody knows",
    becomes: "`unknown`, with the model's name, and no sum of zero",
    said: () => spent(0, 5, [{ who: "own/model", answers: 20 }]),
    is: /^what was spent is unknown: no price is known for 20 answers of own\/model$/,
    isNot: /\$0/,
  },
  {
    given: "some answers with a price and some without",
    becomes: "the sum, and that it is not all",
    said: () => spent(0.12, 5, [{ who: "own/model", answers: 1 }]),
    is: /^\$0\.12 of at most \$5\.00 spent, and an unknown sum: no price is known for 1 answer of own\/model$/,
  },
  {
    given: "a replay of one call at an unknown price",
    becomes: "`1 call`, and a cost that is unknown",
    said: () => describeReplay(ONE_CALL_REPLAYED),
    is: /0 of 1 call replayed.*1 call without stored input.*The cost is unknown: no price is known for 1 answer/s,
    isNot: /\$0/,
  },
  {
    given: "a backtest with one call that became no row",
    becomes: "`1 call`, twice",
    said: () =>
      describeReport({
        calls: 1,
        judged: 0,
        incidents: [],
        cleared: [],
        inconclusive: [],
        coverage: {
          rate: 0.05,
          sampled: 0,
          scored: 0,
          cannot_judge: 0,
          failed: 0,
          expired: 0,
          over_budget: 0,
          unjudged: 0,
          dead_letters: 1,
        },
      } as unknown as Parameters<typeof describeReport>[0]),
    is: /^1 call replayed, 0 judged.*\n1 call could not become a row/s,
  },
  {
    given: "one call that waits for a judge that failed once",
    becomes: "`1 call waited`, `did not answer once`",
    said: () => {
      const health = new JudgeHealth([{ name: "faithfulness" }]);
      health.looked(1, 5_000);
      health.unreachable("faithfulness", 1, "HTTP 503: overloaded");
      const { work, model } = health.health.readiness;
      return [work!(), model!()].map((check) => JSON.stringify(check)).join("\n");
    },
    is: /1 call waited at the last look.*\n.*did not answer once: HTTP 503: overloaded/s,
  },
  {
    given: "one call without a price",
    becomes: "its model by name, `1 call has`, and what to do",
    said: () =>
      checkPrices([{ provider: "azure", model: "support-prod", reason: "no_price", calls: 1 }])
        .map(({ message, next }) => `${message}; ${next}`)
        .join(),
    is: /^1 call has no cost, because no price is known: azure\/support-prod \(1\); send cost_usd/,
  },
  {
    given: "a budget of one dollar and one judgement",
    becomes: "`1 US dollar a day`, `1 judgement an hour`",
    said: () => {
      const money = new Budget({ usdPerDay: 1, callsPerHour: 9 });
      const calls = new Budget({ usdPerDay: 9, callsPerHour: 1 });
      money.count(1, AT, AT);
      calls.count(null, AT, AT);
      return `${money.reserve(AT)}\n${calls.reserve(AT)}`;
    },
    is: /^the budget of 1 US dollar a day is used up\nthe budget of 1 judgement an hour is used up$/,
  },
];
