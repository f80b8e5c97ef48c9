/** Pairs of questions of one's own traffic: JSON lines. */
import type { FileProblem } from "@plumbline/prompts";
import { z } from "zod";

const text = z.string().min(1).max(100_000);
const vector = z.array(z.number()).min(1).max(10_000);

const PairLine = z
  .strictObject({
    a: text.describe("a question"),
    b: text.describe("another question, put to the same prompt"),
    same: z.boolean().optional().describe("one answer serves both"),
    answer_a: text
      .optional()
      .describe("what the model answered; compared by the judge where same is not given"),
    answer_b: text.optional(),
    similarity: z.number().min(-1.001).max(1.001).optional().describe("cosine of the embeddings of a and b"),
    embedding_a: vector.optional(),
    embedding_b: vector.optional(),
  })
  .refine((line) => line.same !== undefined || (line.answer_a !== undefined && line.answer_b !== undefined), {
    error: "says neither whether one answer serves both nor what the two answers were",
    path: ["same"],
  });

export type QuestionPair = z.output<typeof PairLine> & {
  /** From 1. */
  readonly line: number;
};

interface ReadPairs {
  readonly pairs: readonly QuestionPair[];
  /** Lines that say what an earlier one said. */
  readonly repeated: number;
  /** Questions that are in more than one pair: their pairs are not independent. */
  readonly shared_questions: number;
}

const PAIRS_MAX = 100_000;
const PROBLEMS_MAX = 20;

/** Every problem with its line and field, at most 20; or the pairs. */
export function readPairs(
  content: string,
  file: string,
): ReadPairs | { readonly problems: readonly FileProblem[] } {
  const problems: FileProblem[] = [];
  const pairs = new Map<string, QuestionPair>();
  const uses = new Map<string, number>();
  let repeated = 0;
  for (const [i, source] of content
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .entries()) {
    if (source.trim() === "") continue;
    const line = i + 1;
    const fail = (field: string, message: string, fix: string): void =>
      void problems.push({ file, line, field, message, fix });
    if (problems.length >= PROBLEMS_MAX) break;
    if (pairs.size >= PAIRS_MAX) {
      fail("", `has more than ${PAIRS_MAX} pairs`, "Keep a sample");
      break;
    }
    const value = parseJson(source);
    if (value === undefined) {
      fail("", "is not one JSON object", 'Write one pair a line, such as {"a":"…","b":"…","same":true}');
      continue;
    }
    const checked = PairLine.safeParse(value);
    if (!checked.success) {
      for (const { path, message } of checked.error.issues.slice(0, 3))
        fail(
          path.join("."),
          message,
          'Write {"a":"…","b":"…"} with "same", or with "answer_a" and "answer_b"',
        );
      continue;
    }
    const key = JSON.stringify([checked.data.a, checked.data.b].toSorted());
    const earlier = pairs.get(key);
    if (earlier === undefined) {
      pairs.set(key, { ...checked.data, line });
      for (const each of new Set([checked.data.a, checked.data.b])) uses.set(each, (uses.get(each) ?? 0) + 1);
    } else if (earlier.same === checked.data.same) repeated++;
    else
      fail("same", `says another thing than line ${earlier.line} about the same pair`, "Remove one of them");
  }
  if (problems.length === 0 && pairs.size === 0)
    problems.push({ file, line: 0, field: "", message: "has no pairs", fix: "Write one pair a line" });
  if (problems.length > 0) return { problems };
  const shared = [...uses.values()].filter((count) => count > 1).length;
  return { pairs: [...pairs.values()], repeated, shared_questions: shared };
}

function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return undefined;
  }
}
