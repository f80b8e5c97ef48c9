import { foldIncident, renderMessage } from "@plumbline/alerts";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { IncidentEvent } from "@plumbline/schemas";
import { createLogger } from "@plumbline/runtime/logger";
import { expect, test } from "vitest";
import { detection } from "../../../alerts/detection.fixture.ts";
import { registered, SETTINGS, toNewRecord, versionOf } from "../../../test/registry/commands.ts";
import { appendDetected } from "../report/append-incident.ts";
import { RegistryView } from "./registry-view.ts";

const head = { incident_id: "inc_1", at: "2026-11-24T10:02:10.000Z", actor: "monitor" };
const { candidate, incumbent } = detection();

type Registered = Parameters<typeof registered>;

async function registryOf(...texts: (string | Registered)[]): Promise<RegistryView> {
  const log = createMemoryEventLog({ clock: new VirtualClock("2026-11-24T09:00:00Z") });
  await log.append(
    "plumbline.registry",
    texts.map((text) => toNewRecord(typeof text === "string" ? registered(text) : registered(...text))),
  );
  const registry = new RegistryView(log);
  await registry.refresh();
  await registry.refresh();
  return registry;
}

function detected(tenant: string): Extract<IncidentEvent, { type: "detected" }> {
  const of = detection({
    tenant,
    candidate: { ...candidate, prompt_version: versionOf("two") },
    incumbent: { ...incumbent!, prompt_version: versionOf("one") },
  });
  return { type: "detected", ...head, detection: of };
}

test("versions that the registry knows are called by their number, and the use case's owner is named", async () => {
  const registry = await registryOf("one", "two");
  const event = detected("default");
  const state = foldIncident(null, registry.name(event, event.detection))!;
  const { preview, fields } = renderMessage(state, { runbooks_url: null, console_url: null });
  expect(preview).toMatch(
    /^\[SEV2\] ticket-summary: faithfulness fell from 94\.1% to 78\.9% on v2.* Roll back to v1/,
  );
  expect(fields).toContainEqual({ label: "Owner", value: SETTINGS.owner });

  const current = { ...incumbent!, prompt_version: versionOf("two"), units: 400 };
  const recovered = { type: "recovered", ...head, cause: "new_version", current } as const;
  expect(registry.name(recovered, event.detection)).toMatchObject({ current: { number: 2 } });
});

test("the message says who changed what in the prompt, and speaks in the words that the use case's settings give", async () => {
  const alerts = { requests: "tickets", slices: { mentions_money: "about a payment" } };
  const registry = await registryOf("one", ["two", { settings: { ...SETTINGS, alerts } }]);
  const event = detected("default");
  const state = foldIncident(null, registry.name(event, event.detection))!;
  const { lines, quotes } = renderMessage(state, { runbooks_url: null, console_url: null });
  expect(quotes).toMatchObject([{ title: "Prompt, v1 to v2", format: "diff", text: "− one\n+ two" }]);
  expect(lines.join(" ")).toContain("v2 is ann's change: 1 line added, 1 line removed.");
  expect(lines.join(" ")).toContain("Only tickets about a payment got worse");
});

test("what the registry does not know keeps its hash, and another tenant's versions are nobody's business", async () => {
  const registry = await registryOf("one");
  const event = detected("default");
  expect(registry.name(event, event.detection)).toMatchObject({ detection: { incumbent: { number: 1 } } });
  expect(registry.name(event, event.detection)).not.toHaveProperty("detection.candidate.number");
  const other = detected("somebody else");
  expect(registry.name(other, other.detection)).toBe(other);
});

test("an incident is appended with hashes when the registry topic can't be read", async () => {
  const log = createMemoryEventLog({ clock: new VirtualClock("2026-11-24T09:00:00Z") });
  const registry = new RegistryView({ read: () => Promise.reject(new Error("the brokers are away")) });
  await appendDetected(detected("default").detection, 0, {
    log,
    logger: createLogger("test", "silent"),
    registry,
  });
  expect(await log.read("plumbline.incidents", 0, 0, {})).toHaveLength(1);
});
