/** Calls of the store that can be asked again. */
import { type EvalCase, parseMessage, type PromptDocument, variableUses } from "@plumbline/prompts";
import { z } from "zod";
import { storeTime } from "../sql/read-window.ts";
import type { SqlEndpoint } from "../sql/sql-endpoint.ts";
import { StoreTime } from "../sql/tail-rows.ts";

const Counts = z.object({
  calls: z.coerce.number(),
  unanswered: z.coerce.number(),
  without_texts: z.coerce.number(),
});
export type Counts = z.output<typeof Counts>;

const StoredCall = z.object({
  call_id: z.string(),
  event_at: StoreTime,
  prompt_version: z.string(),
  input: z.string(),
  output: z.string(),
  vars: z.record(z.string(), z.string()),
  stored_score: z.number().nullable(),
  stored_judge: z.string().nullable(),
});
export type StoredCall = z.output<typeof StoredCall>;

interface CallWindow {
  readonly useCase: string;
  /** Empty for all. */
  readonly env: string;
  /** Ms since the epoch: [from, to). */
  readonly from: number;
  readonly to: number;
  readonly limit: number;
  readonly criterion: string;
  /** Only calls that production has judged on the criterion. */
  readonly isScored: boolean;
}

export async function readStoredCalls(
  endpoint: SqlEndpoint,
  { useCase, env, from, to, limit, criterion, isScored }: CallWindow,
): Promise<{ readonly counts: Counts; readonly calls: readonly StoredCall[] }> {
  const window = { use_case: useCase, env, start: storeTime(from), end: storeTime(to) };
  const [counts] = await endpoint.query("replay_counts", window, Counts);
  const calls = await endpoint.query(
    "replay_calls",
    { ...window, limit, criterion, is_scored: isScored },
    StoredCall,
  );
  return { counts: counts ?? { calls: 0, unanswered: 0, without_texts: 0 }, calls };
}

/**
 * The call as a case. Without captured variables its input stands for the prompt's only variable; null when the prompt
 * has several, because nobody can tell which part belongs to which.
 */
export function toCase(
  { call_id, vars, input }: StoredCall,
  document: PromptDocument | null,
): { readonly case: EvalCase; readonly isInputUsed: boolean } | null {
  const isInputUsed = Object.keys(vars).length === 0;
  const only = document === null ? ["input"] : requiredVariables(document);
  if (isInputUsed && only.length !== 1) return null;
  return {
    isInputUsed,
    case: {
      id: call_id,
      line: 0,
      description: null,
      vars: isInputUsed ? { [only[0]!]: input } : vars,
      asserts: [],
      threshold: null,
      slices: [],
      split: "replay",
      added: null,
      source: null,
      expected: null,
    },
  };
}

function requiredVariables({ messages, defaults = {} }: PromptDocument): readonly string[] {
  const names = messages.flatMap((message) =>
    message.role === "history"
      ? []
      : variableUses(parseMessage(message.content).nodes)
          .filter(({ isGuarded }) => !isGuarded)
          .map(({ name }) => name),
  );
  return [...new Set(names)].filter((name) => !(name in defaults));
}
