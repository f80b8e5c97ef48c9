/** What people do about incidents, over the registry's HTTP, with its real fold and a real log. */
import { encodeIncidentEvent, INCIDENTS } from "@plumbline/alerts";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { createLogger } from "@plumbline/runtime/logger";
import type { EventLog } from "@plumbline/ports";
import {
  IncidentCommandAnswer,
  IncidentEvent,
  IncidentsAnswer,
  IncidentView,
  Problem,
} from "@plumbline/schemas";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Changes, detection } from "../../../alerts/detection.fixture.ts";
import { documentOf, USE_CASE, versionOf } from "../../../test/registry/commands.ts";
import { createRegistry } from "../service.ts";

const ID = "inc_00000000000000aa";
const logger = createLogger("test", "silent");

interface World {
  readonly log: EventLog;
  readonly post: (path: string, body: object, headers?: Record<string, string>) => Promise<Response>;
  readonly get: (path: string) => Promise<Response>;
  readonly push: (event: object) => Promise<void>;
  readonly show: () => Promise<IncidentView>;
}

/** A registry in which v1 served and v2 does, with an alert about v2. */
async function setUp(changes: Changes = {}): Promise<World> {
  const log = createMemoryEventLog({ clock: systemClock, partitions: 1 });
  const registry = createRegistry({ log, clock: systemClock, logger, port: 0, followMs: 20 });
  const stop = new AbortController();
  const running = registry.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  const url = await registry.url;
  const post: World["post"] = (path, body, headers = {}) =>
    fetch(`${url}/v1/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-plumbline-actor": "lee", ...headers },
      body: JSON.stringify(body),
    });
  const push: World["push"] = async (event) => {
    const common = { incident_id: ID, at: new Date().toISOString(), actor: "monitor" };
    await log.append(INCIDENTS, [encodeIncidentEvent(IncidentEvent.parse({ ...common, ...event }))]);
  };
  const use = (path: string, body: object) => post(`use-cases/${USE_CASE}/${path}`, body);
  for (const [revision, text] of ["one", "two"].entries()) {
    await use("versions", { prompt_version: versionOf(text), document: documentOf(text) });
    const promoted = await use("promote", {
      prompt_version: versionOf(text),
      expected_revision: revision,
      bypass: { reason: "test" },
    });
    expect(promoted.status).toBe(200);
  }
  const { candidate, incumbent } = detection();
  await push({
    type: "detected",
    detection: detection({
      use_case: USE_CASE,
      tenant: "default",
      candidate: { ...candidate, prompt_version: versionOf("two"), number: 2 },
      incumbent: { ...incumbent!, prompt_version: versionOf("one"), number: 1 },
      ...changes,
    }),
  });
  const get: World["get"] = (path) => fetch(`${url}/v1/${path}`);
  const show = async () => IncidentView.parse(await (await get(`incidents/${ID}`)).json());
  return { log, post, get, push, show };
}

const give = (world: World, command: string, body: object, headers: Record<string, string> = {}) =>
  world.post(`incidents/${ID}/${command}`, body, headers);
const answered = async (response: Response) => {
  expect(response.status).toBe(200);
  return IncidentCommandAnswer.parse(await response.json());
};
const refused = async (response: Response) => Problem.parse(await response.json());

describe("a person", () => {
  test("acknowledges, snoozes, notes, dismisses and reopens an alert, and each is a line of its history", async () => {
    const world = await setUp();
    expect((await world.show()).commands).toEqual(["rollback", "acknowledge", "snooze", "dismiss", "note"]);
    const { incident, changed } = await answered(await give(world, "acknowledge", { expected_revision: 1 }));
    expect(changed).toBe(true);
    expect(incident).toMatchObject({ state: "acknowledged", state_changed_by: "lee" });
    await answered(await give(world, "snooze", { for_minutes: 60 }));
    await answered(await give(world, "note", { text: "asked the vendor" }));
    await answered(await give(world, "dismiss", { why: "a test of ours" }));
    const list = IncidentsAnswer.parse(await (await world.get("incidents")).json());
    expect(list.rules).toEqual([
      { kind: "quality", metric: "faithfulness", alerts: 1, dismissed: 1, precision: 0 },
    ]);
    await answered(await give(world, "reopen", {}));
    const { history, state, state_revision } = await world.show();
    expect(history.map(({ text }) => text.replace(/until .* by/, "until … by"))).toEqual([
      "Fired as SEV2.",
      "Acknowledged by lee.",
      "Snoozed until … by lee.",
      "Note by lee: asked the vendor",
      "Marked as not a regression by lee: a test of ours.",
      "Reopened by lee.",
    ]);
    expect(state).toBe("firing");
    expect(state_revision).toBe(6);
  });

  test("gives the same command once, however often it comes", async () => {
    const world = await setUp();
    const key = { "idempotency-key": "k1" };
    await answered(await give(world, "acknowledge", {}, key));
    expect(await answered(await give(world, "acknowledge", {}, key))).toMatchObject({ changed: false });
    const [mark] = await world.log.watermarks(INCIDENTS);
    await answered(await give(world, "acknowledge", {}, key));
    // Another person's key of the same name is another command.
    const other = await give(world, "acknowledge", {}, { ...key, "x-plumbline-actor": "kim" });
    expect(await refused(other)).toMatchObject({ status: 409, type: "urn:plumbline:no-effect" });
    expect((await world.log.watermarks(INCIDENTS))[0]).toEqual(mark);
  });

  test("who acknowledges what was resolved meanwhile is told so, and nothing changes", async () => {
    const world = await setUp();
    const { state_revision } = await world.show();
    const current = { prompt_version: "x", units: 400, calls: 8_000, mean: 0.94, interval: [0.9, 0.97] };
    await world.push({ type: "recovered", cause: "by_itself", current });
    const late = await refused(await give(world, "acknowledge", { expected_revision: state_revision }));
    expect(late).toMatchObject({ status: 409, type: "urn:plumbline:incident-changed" });
    expect(late.detail).toContain("it is resolved (monitor) now");
    expect(await world.show()).toMatchObject({ state: "resolved", state_revision: 2 });
    const plain = await refused(await give(world, "acknowledge", {}));
    expect(plain.detail).toContain("there is nothing to acknowledge");
  });

  test("takes the version back that the alert blames; done twice it is refused with who did it", async () => {
    const world = await setUp();
    expect((await world.show()).commands[0]).toBe("rollback");
    await answered(await give(world, "rollback", { reason: "loses amounts" }));
    const live = await (await world.get(`live?use_cases=${USE_CASE}`)).text();
    expect(live).toContain(versionOf("one"));
    // The registry announces it where alerts are told.
    await expect.poll(async () => (await world.show()).state, { timeout: 60_000 }).toBe("watching");
    expect((await world.show()).history.at(-1)?.text).toBe(
      `Rolled back to v1 by lee: loses amounts (${ID}).`,
    );
    const again = await refused(await give(world, "rollback", {}));
    expect(again).toMatchObject({ status: 409, type: "urn:plumbline:nothing-to-roll-back" });
    expect(again.detail).toContain("v2 was taken back by lee");
  });

  test("does not take back what is not live any more", async () => {
    const world = await setUp();
    const three = { prompt_version: versionOf("three"), document: documentOf("three") };
    await world.post(`use-cases/${USE_CASE}/versions`, three);
    const promote = {
      prompt_version: versionOf("three"),
      expected_revision: 2,
      bypass: { reason: "mended" },
    };
    expect((await world.post(`use-cases/${USE_CASE}/promote`, promote)).status).toBe(200);
    const late = await refused(await give(world, "rollback", { from: versionOf("two") }));
    expect(late).toMatchObject({ status: 409, type: "urn:plumbline:not-live" });
    expect(late.detail).toContain("v3 is");
  });

  test("is told what is wrong with a command, by the field", async () => {
    const world = await setUp();
    expect(await refused(await give(world, "snooze", {}))).toMatchObject({
      status: 400,
      field: "for_minutes",
    });
    expect(await refused(await give(world, "dismiss", { why: " " }))).toMatchObject({
      status: 400,
      field: "why",
    });
    const none = await world.post("incidents/inc_0000000000000000/acknowledge", {});
    expect(await refused(none)).toMatchObject({ status: 404, type: "urn:plumbline:incident-unknown" });
  });
});
