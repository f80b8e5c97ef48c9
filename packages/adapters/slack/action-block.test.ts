import { message } from "@plumbline/ports/notifier.contract";
import { expect, test } from "vitest";
import { actionBlock } from "./action-block.ts";
import { renderBlocks } from "./blocks.ts";

const LONG = "Zusammenfassung 要約 ".repeat(100);
const BUTTON = {
  id: "pl.rollback",
  label: LONG,
  style: "danger",
  value: "{}",
  confirm: { title: LONG, text: LONG, yes: LONG },
  choices: [],
  asks: null,
} as const;
const MENU = {
  ...BUTTON,
  id: "pl.snooze",
  style: "plain",
  confirm: null,
  choices: [{ label: LONG, value: "{}" }],
} as const;

/** Every text of a block, by its path. */
function texts(value: unknown, path = ""): readonly (readonly [string, number])[] {
  if (typeof value === "string") return [[path, value.length]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => texts(each, `${path}.${key}`));
}

test("whatever an action says, its parts fit Slack's limits", () => {
  const block = actionBlock({ actions: [BUTTON, MENU] }, "id");
  const limits: Readonly<Record<string, number>> = {
    ".elements.0.text.text": 75,
    ".elements.0.confirm.title.text": 100,
    ".elements.0.confirm.text.text": 300,
    ".elements.0.confirm.confirm.text": 30,
    ".elements.1.options.0.text.text": 75,
    ".elements.1.placeholder.text": 150,
  };
  const lengths = new Map(texts(block));
  for (const [path, most] of Object.entries(limits)) {
    expect(lengths.get(path), path).toBeGreaterThan(0);
    expect(lengths.get(path), path).toBeLessThanOrEqual(most);
  }
});

test("buttons stand under the sentences, one that destroys asks first, and no action makes no block", () => {
  const blocks = renderBlocks(message({ actions: [BUTTON, MENU] }));
  expect(blocks.map(({ type }) => type).indexOf("actions")).toBeGreaterThan(0);
  expect(actionBlock({ actions: [BUTTON] }, "id")).toMatchObject({
    elements: [{ type: "button", style: "danger", confirm: { deny: { text: "Cancel" } } }],
  });
  expect(renderBlocks(message()).some(({ type }) => type === "actions")).toBe(false);
});
