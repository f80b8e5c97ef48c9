import type { Message } from "@plumbline/ports";
import { message } from "@plumbline/ports/notifier.contract";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blockProblems } from "../../../test/slack-blocks.ts";
import { renderBlocks, renderText } from "./blocks.ts";
import { escapeText, escapeWithin, fenced, fitLines } from "./limits.ts";

const TEXT_LENGTH_MAX = 4_000;

/** Characters of many scripts, and what has to stay whole: marks, joined emoji, flags, direction, entities, our own signs. */
const CHARACTERS = [
  "a",
  "ß",
  "é",
  "e\u0301",
  "नि",
  "กำ",
  "한",
  "語",
  "漢",
  "ش",
  "ا",
  "ب",
  "\u200f",
  "\u202e",
  "𝒳",
  "👩‍👩‍👧‍👦",
  "🇩🇪",
  "🏳️‍🌈",
  "1️⃣",
  "&",
  "<",
  ">",
  "*",
  "_",
  "~",
  "`",
  "|",
  "\n",
  " ",
  "😀",
  "\u0000",
  "\ud800",
  "z̸̢̛͍̪͖̤̲̈́̀",
];

const long = fc
  .tuple(fc.array(fc.constantFrom(...CHARACTERS), { maxLength: 60 }), fc.integer({ min: 1, max: 120 }))
  .map(([characters, times]) => characters.join("").repeat(times));
const label = fc.array(fc.constantFrom(...CHARACTERS), { maxLength: 200 }).map((each) => each.join(""));
const url = fc.oneof(
  label.map((each) => `https://example.com/${each}`),
  long.map((each) => `https://example.com/${each}`),
  fc.constant("/runbooks/cost.md"),
  fc.constant("javascript:alert(1)"),
);

const anyMessage: fc.Arbitrary<Message> = fc
  .record({
    incident_id: fc.oneof(fc.constant("inc_00000000000000aa"), long),
    state: fc.constantFrom("firing", "acknowledged", "snoozed", "watching", "resolved", "dismissed"),
    title: long,
    preview: label,
    lines: fc.array(long, { maxLength: 14 }),
    command: fc.option(long, { nil: null }),
    quotes: fc.array(
      fc.record({
        title: long,
        format: fc.constantFrom("diff", "text"),
        text: long,
        call_ids: fc.constant([]),
        until: fc.constant(null),
      }),
      {
        maxLength: 7,
      },
    ),
    fields: fc.array(fc.record({ label: long, value: long }), { maxLength: 12 }),
    context: fc.array(long, { maxLength: 12 }),
    links: fc.array(fc.record({ label: long, url }), { maxLength: 12 }),
  })
  .map((changes) => message(changes as Partial<Message>));

describe("the longest messages in every script", () => {
  test("never exceed what Slack takes", () => {
    fc.assert(
      fc.property(anyMessage, (each) => {
        expect(blockProblems(renderBlocks(each))).toEqual([]);
        expect(renderText(each).length).toBeLessThanOrEqual(TEXT_LENGTH_MAX);
      }),
      { seed: 11, numRuns: 150 },
    );
  });

  test("are cut between characters as people see them, never inside one, nor inside an entity", () => {
    const characters = new Intl.Segmenter("en", { granularity: "grapheme" });
    fc.assert(
      fc.property(long, fc.integer({ min: 1, max: 400 }), (text, length) => {
        const cut = escapeWithin(text, length);
        expect(cut.length).toBeLessThanOrEqual(length);
        if (cut === escapeText(text)) return;
        const kept = cut
          .slice(0, -1)
          .replaceAll("&lt;", "<")
          .replaceAll("&gt;", ">")
          .replaceAll("&amp;", "&");
        expect(cut.endsWith("…")).toBe(true);
        expect(text.startsWith(kept)).toBe(true);
        const ends = [...characters.segment(text)].map(({ index }) => index);
        expect(kept === "" || ends.includes(kept.length)).toBe(true);
      }),
      { seed: 12, numRuns: 300 },
    );
  });
});

test("only the longest lines are cut, so that a long one takes nothing from the short ones", () => {
  const lines = ["What to do.", "x".repeat(5_000), "Since then.", "y".repeat(5_000)];
  const fitted = fitLines(lines, 3_000, 2);
  expect([fitted[0], fitted[2]]).toEqual(["What to do.", "Since then."]);
  expect(fitted.reduce((sum, line) => sum + line.length + 3, 0)).toBeLessThanOrEqual(3_000);
  expect(Math.abs(fitted[1]!.length - fitted[3]!.length)).toBeLessThanOrEqual(1);
});

test("what to do stands first, with its command under it; quotes follow", () => {
  const [, lines, quote] = renderBlocks(message());
  expect(lines).toMatchObject({
    text: {
      text: expect.stringMatching(/^\*Roll back to v14\.\*\n`npx @plumbline\/cli rollback [^`]*`\nFaith/),
    },
  });
  expect(quote).toMatchObject({
    text: { text: "*Prompt, v14 to v15*\n```+ Be careful with amounts.```" },
  });
});

test("a quote can't end its own fence, and a link that leads nowhere from here is left out", () => {
  expect(fenced("a ``` b", "```", 100)).toBe("```a ´´´ b```");
  const links = [
    { label: "Runbook", url: "/runbooks/cost.md" },
    { label: "Incident", url: "https://example.com/u" },
  ];
  expect(JSON.stringify(renderBlocks(message({ links })))).not.toContain("Runbook");
  expect(JSON.stringify(renderBlocks(message({ links })))).toContain("<https://example.com/u|Incident>");
});

test("the check refuses what Slack refuses", () => {
  const header = { type: "header", text: { type: "plain_text", text: "x".repeat(151) } };
  expect(blockProblems([header])).toEqual(["0.text.text: Too big: expected string to have <=150 characters"]);
  expect(blockProblems([{ type: "section" }])).toEqual(["0: needs text or fields"]);
  expect(blockProblems([{ type: "context", elements: [] }])).toHaveLength(1);
});
