import { expect, test } from "vitest";
import { detection } from "../detection.fixture.ts";
import { exampleCalls, exampleQuotes, type ExampleTexts, redact } from "./examples.ts";

const of = detection({
  candidate: { ...detection().candidate, number: 15 },
  incumbent: { ...detection().incumbent!, number: 14 },
  evidence: { examples: [{ call_id: "new", score: 0.04, before_call_id: "old" }] },
});
const texts: ExampleTexts = new Map([
  [
    "new",
    {
      call_id: "new",
      started_at: "2026-11-24T09:30:00.000Z",
      input: "Charged  $1,240.50 twice\nfor order 4471-2210, ana@example.com",
      output: "A billing concern.",
    },
  ],
  [
    "old",
    {
      call_id: "old",
      started_at: "2026-11-20T09:30:00.000Z",
      input: "…",
      output: "Charged $1,240.50 twice; wants one refunded.",
    },
  ],
]);

test("an example has the request, both answers to it, and the day on which its oldest text is no longer kept", () => {
  expect(exampleCalls(of)).toEqual(["new", "old"]);
  expect(exampleQuotes(of, texts, "full")).toEqual([
    {
      title: "Example, scored 4% by the judge",
      format: "text",
      text: [
        "Request: Charged $1,240.50 twice for order 4471-2210, ana@example.com",
        "v15 answered: A billing concern.",
        "v14 answered: Charged $1,240.50 twice; wants one refunded.",
      ].join("\n"),
      call_ids: ["new", "old"],
      until: "2026-12-20T09:30:00.000Z",
    },
  ]);
});

test("redacted, amounts, numbers and addresses are gone; off, there is nothing", () => {
  expect(exampleQuotes(of, texts, "redacted")[0]?.text).toBe(
    [
      "Request: Charged [AMOUNT] twice for order [NUMBER], [EMAIL]",
      "v15 answered: A billing concern.",
      "v14 answered: Charged [AMOUNT] twice; wants one refunded.",
    ].join("\n"),
  );
  expect(exampleQuotes(of, texts, "off")).toEqual([]);
});

test("an answer that the store no longer has is no example", () => {
  expect(exampleQuotes(of, new Map(), "full")).toEqual([]);
  const [quote] = exampleQuotes(of, new Map([["new", texts.get("new")!]]), "full");
  expect(quote?.text).not.toContain("v14");
  expect(exampleCalls(detection())).toEqual([]);
});

test.each([
  ["call +49 (30) 1234-5678 now", "call [NUMBER] now"],
  ["12 euros and 3 dollars", "[AMOUNT] and [AMOUNT]"],
  ["EUR 1 200,00 or 5€", "[AMOUNT] 200,00 or [AMOUNT]"],
  ["see https://example.com/u/9?x=1 today", "see [LINK] today"],
  ["card 4111 1111 1111 1111", "card [NUMBER]"],
  ["two of 3 rooms, 15 May", "two of 3 rooms, 15 May"],
])("redacted: %s", (text, expected) => {
  expect(redact(text)).toBe(expected);
});
