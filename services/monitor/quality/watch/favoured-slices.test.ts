import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import type { RegistryEvent } from "@plumbline/schemas";
import { expect, test } from "vitest";
import { slicesOfEdit } from "./favoured-slices.ts";
import { PromptTexts } from "../../deploys/prompt-texts.ts";

const BEFORE = "Summarise the ticket {{ticket}}.\nAnswer in English.";
const AFTER =
  "Summarise the ticket {{ticket}}.\nMask financial information and any amount such as $ 12.\nAnswer in English.";
const SLICES = [
  "mentions_money",
  "mentions_date",
  "lang=en",
  "input_length=short",
  "tier=enterprise",
  "model=m",
];

async function textsOf(versions: Readonly<Record<string, string>>): Promise<PromptTexts> {
  const log = createMemoryEventLog({ clock: new VirtualClock("2026-03-02T00:00:00Z") });
  for (const [version, content] of Object.entries(versions)) {
    const event: RegistryEvent = {
      event_id: version,
      use_case: "ticket-summary",
      env: "",
      type: "version_registered",
      expected_revision: 0,
      prompt_version: version,
      actor: "ann",
      reason: "edit",
      at: "2026-03-02T00:00:00.000Z",
      body: {
        document: {
          use_case: "ticket-summary",
          model: "p/m",
          config: {},
          messages: [{ role: "system", content }, { role: "history" }],
        },
        author: "ann",
        commit: null,
        settings: null,
      },
    };
    await log.append("plumbline.registry", [
      { key: "ticket-summary", value: Buffer.from(JSON.stringify(event)) },
    ]);
  }
  await log.append("plumbline.registry", [{ key: "x", value: Buffer.from("{not a command") }]);
  const texts = new PromptTexts(log);
  await texts.refresh();
  return texts;
}

test("an edit about financial information favours inputs that mention money, and nothing that stayed", async () => {
  const texts = await textsOf({ v1: BEFORE, v2: AFTER });
  const words = texts.changedWords("ticket-summary", "v1", "v2");
  expect(words.split(" ")).toEqual(expect.arrayContaining(["financial", "amount", "$"]));
  expect(words).not.toContain("english");
  expect(slicesOfEdit(SLICES, words)).toEqual(["mentions_money"]);
});

test.each([
  ["amount", ["mentions_money"]],
  ["$", ["mentions_money"]],
  ["€", ["mentions_money"]],
  ["deadlines english", ["lang=en", "mentions_date"]],
  ["enterprise", ["tier=enterprise"]],
  ["mentions the input length and the model", []],
  ["", []],
])("changed words %j favour %j", (words, favoured) => {
  expect(slicesOfEdit(SLICES, words)).toEqual(favoured);
});

test("a version that the registry does not know changes nothing", async () => {
  const texts = await textsOf({ v1: BEFORE });
  expect(texts.changedWords("ticket-summary", "v1", "v2")).toBe("");
  expect(texts.changedWords("other", "v1", "v1")).toBe("");
});
