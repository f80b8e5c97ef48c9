import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { diffLines, diffPrompts, formatDiff } from "./diff-prompts.ts";
import { diffSequence, splitWords } from "./diff-sequence.ts";
import { parsePrompt } from "../parse-prompt.ts";
import type { PromptDocument } from "@plumbline/client/render";

function document(system: string, more: Partial<PromptDocument> = {}): PromptDocument {
  return {
    use_case: "a",
    model: "openai/gpt-5-mini",
    config: { temperature: 0.2 },
    messages: [
      { role: "system", content: system },
      { role: "user", content: "{{ticket}}" },
    ],
    ...more,
  };
}

/** The incident of the demo: one sentence was added, and amounts began to disappear. */
test("the edit that caused the incident is one added line", () => {
  const read = (name: string): PromptDocument => {
    const url = new URL(`../../../examples/ticket-summary/incident/${name}`, import.meta.url);
    const parsed = parsePrompt(readFileSync(url, "utf8"), name);
    if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
    return parsed.value.document;
  };
  const diff = diffPrompts(read("ticket-summary.v1.prompt"), read("ticket-summary.v2.prompt"));
  expect(formatDiff(diff)).toBe("+1 −0\nsystem:\n+ Be extra careful with financial information.\n");
});

test("a changed word is marked within its line", () => {
  const diff = diffPrompts(
    document("Keep every amount.\nBe brief."),
    document("Keep each amount.\nBe brief."),
  );
  expect(formatDiff(diff, { words: true })).toBe(
    "+1 −1\nsystem:\n− Keep [-every-] amount.\n+ Keep {+each+} amount.\n",
  );
});

test("model, config and output changes are named with both values", () => {
  const before = document("x");
  const after = document("x", {
    model: "openai/gpt-5-nano",
    config: { max_tokens: 400 },
    output: { format: "json" },
  });
  expect(formatDiff(diffPrompts(before, after))).toBe(
    [
      "+0 −0",
      'model: "openai/gpt-5-mini" → "openai/gpt-5-nano"',
      "config.max_tokens: (none) → 400",
      "config.temperature: 0.2 → (none)",
      'output.format: (none) → "json"',
      "",
    ].join("\n"),
  );
});

test("a new message does not make the others look changed", () => {
  const before = document("x");
  const after = {
    ...before,
    messages: [before.messages[0]!, { role: "assistant" as const, content: "ok" }, before.messages[1]!],
  };
  expect(diffPrompts(before, after).messages).toEqual([
    {
      index: 1,
      role: "assistant",
      lines: [{ op: "added", text: "ok", words: [{ op: "added", text: "ok" }] }],
    },
  ]);
});

test("equal documents have no difference", () => {
  expect(diffPrompts(document("x"), document("x"))).toMatchObject({
    is_same: true,
    lines_added: 0,
    lines_removed: 0,
  });
  expect(formatDiff(diffPrompts(document("x"), document("x")))).toBe("no change\n");
});

const items = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 30 });

test("a difference rebuilds both sides, and is minimal against a plain recursion", () => {
  const common = (a: readonly string[], b: readonly string[]): number => {
    let row = Array.from({ length: b.length + 1 }, () => 0);
    for (const x of a) {
      const next = [0];
      for (const [j, y] of b.entries()) next.push(x === y ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!));
      row = next;
    }
    return row[b.length]!;
  };
  fc.assert(
    fc.property(items, items, (a, b) => {
      const runs = diffSequence(a, b);
      expect(runs.flatMap((run) => (run.op === "added" ? [] : run.items))).toEqual(a);
      expect(runs.flatMap((run) => (run.op === "removed" ? [] : run.items))).toEqual(b);
      expect(runs.flatMap((run) => (run.op === "same" ? run.items : []))).toHaveLength(common(a, b));
    }),
  );
});

test("words joined are the text again", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => splitWords(text).join("") === text));
});

test("texts too large for the table are still reported, as replaced", () => {
  const before = Array.from({ length: 5000 }, (_, i) => `a${i}`).join("\n");
  const after = Array.from({ length: 5000 }, (_, i) => `b${i}`).join("\n");
  expect(diffLines(before, after)).toHaveLength(10_000);
});
