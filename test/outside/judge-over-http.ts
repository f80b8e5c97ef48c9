/** A judge as production makes it, before a provider over real HTTP that answers from a script. */
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createJudge } from "@plumbline/adapters/llm/create-judge";
import {
  type FakeProvider,
  type FakeReply,
  type FakeRequest,
  startFakeProvider,
} from "@plumbline/adapters/llm/fake-provider.fixture";
import type { Clock, Judge, JudgeAnswer, Rubric } from "@plumbline/ports";
import { onTestFinished } from "vitest";

export const RUBRIC: Rubric = {
  name: "faithfulness",
  version: 1,
  hash: `sha256:${"0".repeat(64)}`,
  is_guardrail: true,
  criterion: "Claims are supported.",
  pass_if: 0.8,
};

/** Waits between tries take no time; timeouts do. */
const impatient: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic(),
  sleep: async (ms, signal) => {
    if (ms === TIMEOUT_MS) await systemClock.sleep(ms, signal);
  },
};
const TIMEOUT_MS = 20_000;

export type Style = "openai" | "anthropic";

/** Wire form of an answer with this text. */
export function says(style: Style, text: string, ended?: string): object {
  return style === "openai"
    ? {
        choices: [{ finish_reason: ended ?? "stop", message: { content: text } }],
        usage: { prompt_tokens: 10, completion_tokens: 5 },
      }
    : {
        content: [{ type: "text", text }],
        stop_reason: ended ?? "end_turn",
        usage: { input_tokens: 10, output_tokens: 5 },
      };
}

export interface JudgeScene {
  readonly provider: FakeProvider;
  readonly judge: Judge;
  readonly ask: (texts?: { readonly input?: string; readonly output?: string }) => Promise<JudgeAnswer>;
}

export async function startJudge(
  script: readonly (FakeReply | ((request: FakeRequest) => FakeReply))[],
  {
    style = "openai",
    ...more
  }: {
    readonly style?: Style;
    readonly textCharsMax?: number;
    readonly cutShareMax?: number;
    readonly outputTokensMax?: number;
  } = {},
): Promise<JudgeScene> {
  const provider = await startFakeProvider(script);
  onTestFinished(() => provider.close());
  const judge = createJudge({
    provider: style,
    model: "m-2026",
    baseUrl: provider.url,
    apiKey: "key-1",
    clock: impatient,
    timeoutMs: TIMEOUT_MS,
    ...more,
  });
  return {
    provider,
    judge,
    ask: ({ input = "I was charged twice.", output = "Charged twice." } = {}) =>
      judge.judge({ rubric: RUBRIC, input, output }, { signal: new AbortController().signal }),
  };
}
