import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { REGISTRY_TOPIC } from "@plumbline/schemas";
import { expect, test } from "vitest";
import { slicesOfEdit } from "./baseline.ts";
import { registered, toNewRecord, USE_CASE, versionOf } from "../../../../test/registry/commands.ts";
import { RegistryView } from "../../deploys/registry-view.ts";

const BEFORE = "Summarise the ticket {{ticket}}.\nAnswer in English.";
const AFTER =
  "Summarise the ticket {{ticket}}.\nMask financial information and any amount such as $ 12.\nAnswer in English.";
const OWN = { tenant: "default", use_case: USE_CASE };
const SLICES = [
  "mentions_money",
  "mentions_date",
  "lang=en",
  "input_length=short",
  "tier=enterprise",
  "model=m",
];

async function registryOf(...texts: readonly string[]): Promise<RegistryView> {
  const log = createMemoryEventLog({ clock: new VirtualClock("2026-03-02T00:00:00Z") });
  await log.append(
    REGISTRY_TOPIC,
    texts.map((text) => toNewRecord(registered(text))),
  );
  await log.append(REGISTRY_TOPIC, [{ key: "x", value: Buffer.from("{not a command") }]);
  const registry = new RegistryView(log);
  await registry.refresh();
  return registry;
}

test("an edit about financial information favours inputs that mention money, and nothing that stayed", async () => {
  const registry = await registryOf(BEFORE, AFTER);
  const words = registry.changedWords(OWN, versionOf(BEFORE), versionOf(AFTER));
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
  const registry = await registryOf(BEFORE);
  expect(registry.changedWords(OWN, versionOf(BEFORE), versionOf(AFTER))).toBe("");
});

test("another tenant's versions, and those of another use case, are unknown", async () => {
  const registry = await registryOf(BEFORE, AFTER);
  for (const other of [
    { ...OWN, tenant: "acme" },
    { ...OWN, use_case: "other" },
  ])
    expect(registry.changedWords(other, versionOf(BEFORE), versionOf(AFTER))).toBe("");
});
