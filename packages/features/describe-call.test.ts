import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { describeCall, type DescribedCall } from "./index.ts";

const slicesOf = (each: DescribedCall): readonly string[] => describeCall(each).slices;
const featuresOf = (each: DescribedCall): Readonly<Record<string, number>> => describeCall(each).features;

function call(fields: Partial<DescribedCall>): DescribedCall {
  return { model: "m", input: null, output: null, vars: null, attributes: {}, ...fields };
}

function slices(input: string): readonly string[] {
  return slicesOf(call({ input }));
}

describe("money", () => {
  test.each([
    ["I was charged $49.99 twice", true],
    ["I was charged 49,99 € twice", true],
    ["a fee of £ 5", true],
    ["EUR 1,200.50 were transferred", true],
    ["it costs twelve and a half Euros", true],
    ["ten Canadian dollars", true],
    ["a profit of fifty million euros", true],
    ["around 50 cents each", true],
    ["the bag costs 20 pounds", true],
    ["she lost 20 pounds in a month", false],
    ["the patient weighs 180 pounds", false],
    ["20 pounds is her weight gain", false],
    ["40 per cent of users", false],
    ["is EUR one of your currencies", false],
    ["the dollar fell", false],
    ["we have 5 plans. Dollars are accepted", false],
    ["cad 5 drawings", false],
    ["call me at 5", false],
    ["", false],
  ])("%j mentions money: %s", (input, expected) => {
    expect(slices(input).includes("mentions_money")).toBe(expected);
  });
});

describe("dates", () => {
  test.each([
    ["due on 2026-03-05", true],
    ["due on 5/3/2026", true],
    ["due on 05.03.2026", true],
    ["due on March 5", true],
    ["due on the 5th of March, 2026", true],
    ["am 5. März 2026", true],
    ["release 1.2.10", false],
    ["call 555-12-3456", false],
    ["you may 5 times", false],
    ["at 10:30:15", false],
    ["march with 5 people", false],
  ])("%j mentions a date: %s", (input, expected) => {
    expect(slices(input).includes("mentions_date")).toBe(expected);
  });
});

test.each([
  ["write to jane.doe@example.com", "has_email"],
  ["see https://example.com/a?b=c", "has_url"],
  ["```js\nfoo()\n```", "has_code"],
  ["if (a == b && c) {\n  run();\n}\n", "has_code"],
  ["Where is my card", "is_question"],
  ["My card arrived. Can I use it?", "is_question"],
  ["the card does not work", "has_negation"],
  ["the card doesn’t work", "has_negation"],
  ["three of them", "mentions_number"],
])("%j belongs to %s", (input, slice) => {
  expect(slices(input)).toContain(slice);
});

test("plain text belongs to none of the content slices", () => {
  expect(slices("Thanks, everything is fine. See you @ noon.")).toEqual([
    "lang=en",
    "input_length=short",
    "model=m",
  ]);
});

test.each([
  ["Where is the card that I have ordered?", "en"],
  ["Wo ist die Karte, die ich bestellt habe?", "de"],
  ["Où est la carte que j'ai commandée pour ma fille ?", "fr"],
  ["¿Dónde está la tarjeta que he pedido para mi hija?", "es"],
  ["Dove è la carta che ho ordinato per mia figlia?", "it"],
  ["Onde está o cartão que eu pedi para minha filha?", "pt"],
  ["Waar is de kaart die ik heb besteld?", "nl"],
  ["Где карта, которую я заказал?", "ru"],
  ["Де картка, яку я замовив? Її ще немає", "uk"],
  ["カードはどこですか", "ja"],
  ["我的卡在哪里", "zh"],
  ["카드가 어디에 있나요", "ko"],
  ["أين بطاقتي", "ar"],
  ["Mastercard", "und"],
])("the language of %j is %s", (input, language) => {
  expect(slices(input)).toContain(`lang=${language}`);
});

describe("attributes", () => {
  test("few-valued attributes become slices, identifiers and free text do not", () => {
    const attributes = {
      tier: "enterprise",
      region: "eu-west-1",
      order_id: "ord",
      requestId: "abc",
      note: "She said: call me!",
      amount: "123456",
      retries: "2",
    };
    expect(slicesOf(call({ attributes }))).toEqual([
      "model=m",
      "region=eu-west-1",
      "retries=2",
      "tier=enterprise",
    ]);
  });

  test("at most ten are kept, and which ones does not depend on their order", () => {
    const entries = Array.from(
      { length: 20 },
      (_, k) => [`key${String.fromCharCode(97 + k)}`, "on"] as const,
    );
    const forward = slicesOf(call({ attributes: Object.fromEntries(entries) }));
    const backward = slicesOf(call({ attributes: Object.fromEntries(entries.toReversed()) }));
    expect(forward).toHaveLength(11);
    expect(backward).toEqual(forward);
  });
});

test("without a captured input there are no text slices, and the template variables stand in when there are some", () => {
  expect(slicesOf(call({}))).toEqual(["model=m"]);
  expect(slicesOf(call({ vars: { ticket: "I paid $5" } }))).toContain("mentions_money");
});

describe("features", () => {
  test("a missing text has no features rather than zeros", () => {
    expect(featuresOf(call({}))).toEqual({});
    const inputOnly = Object.keys(featuresOf(call({ input: "hello" })));
    expect(inputOnly.every((name) => name.startsWith("in_"))).toBe(true);
  });

  test("either side has the same names alone as together", () => {
    const both = Object.keys(featuresOf(call({ input: "a", output: "b" })));
    const apart = [
      ...Object.keys(featuresOf(call({ input: "a" }))),
      ...Object.keys(featuresOf(call({ output: "b" }))),
    ];
    expect(both.filter((name) => !apart.includes(name)).sort()).toEqual(["out_in_ratio", "out_unseen_share"]);
    expect(apart.filter((name) => !both.includes(name))).toEqual([]);
  });

  test("counts are those of the text", () => {
    const input = "I paid $49.99 on 2026-03-05.\nWhy?\nSee https://example.com";
    expect(featuresOf(call({ input, output: "You paid [REDACTED] on [DATE]." }))).toMatchObject({
      in_chars: input.length,
      in_lines: 3,
      in_amounts: 1,
      in_dates: 1,
      in_numbers: 2,
      in_digits: 12,
      in_urls: 1,
      in_question_marks: 1,
      out_masks: 2,
      out_amounts: 0,
      out_digits: 0,
      // "you" is new; "paid" and "on" were in the input.
      out_unseen_share: 0.3333,
    });
  });

  test("repetition, refusal and masks of an output are seen", () => {
    const looping = featuresOf(call({ output: "the same again the same again the same again" }));
    expect(looping["out_repeated_share"]).toBeGreaterThan(0.5);
    expect(featuresOf(call({ output: "I'm sorry, but I can't help with that." }))["out_refusals"]).toBe(1);
    expect(featuresOf(call({ output: "Card ****1234, ███ and [removed]" }))["out_masks"]).toBe(3);
    expect(featuresOf(call({ output: "***bold*** and [link] and [1]" }))["out_masks"]).toBe(0);
  });

  test("a huge text is bounded, its length is not", () => {
    const input = `${"word ".repeat(50_000)}$5`;
    const features = featuresOf(call({ input }));
    expect(features["in_chars"]).toBe(250_002);
    expect(features["in_words"]).toBeLessThan(2000);
    expect(features["in_amounts"]).toBe(0);
  });

  test.each([
    ["\u{1F600}\u{1F600}"],
    ["\ud800 alone"],
    ["["],
    ["@"],
    ["$"],
    ["1."],
    ["[AB"],
    ["*".repeat(9000)],
    ["'".repeat(9000)],
    ["\u0000"],
  ])("odd text %j is described without a fault", (input) => {
    const features = describeCall(call({ input, output: input })).features;
    expect(Object.values(features).every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
  });
});

interface DataRow {
  readonly input: string;
  readonly meta: { readonly mentions_money: boolean };
}

const DATA = new URL("../../../shared/data/open/incident_money_qmsum.events.jsonl.gz", import.meta.url);
if (!existsSync(DATA))
  console.warn(`SKIPPED: ${DATA.pathname} is absent, the money rule is not measured on real text`);

test.skipIf(!existsSync(DATA))("the money rule agrees with the labels of 1,142 real meeting passages", () => {
  const rows = gunzipSync(readFileSync(DATA))
    .toString("utf8")
    .trim()
    .split("\n")
    .map((line): DataRow => JSON.parse(line));
  let both = 0;
  let found = 0;
  let labelled = 0;
  let agreed = 0;
  for (const row of rows) {
    const holds = slices(row.input).includes("mentions_money");
    if (holds) found++;
    if (row.meta.mentions_money) labelled++;
    if (holds && row.meta.mentions_money) both++;
    if (holds === row.meta.mentions_money) agreed++;
  }
  // Measured: agreement 0.993, recall 0.981, precision 0.981. What is missed stands beyond the first 8,192 characters.
  expect(agreed / rows.length).toBeGreaterThan(0.97);
  expect(both / labelled).toBeGreaterThan(0.97);
  expect(both / found).toBeGreaterThan(0.97);
});
