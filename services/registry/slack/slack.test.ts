/** Buttons of alerts in Slack: signed clicks over real HTTP to a real registry; of Slack itself a stand-in answers. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { encodeIncidentEvent, INCIDENTS } from "@plumbline/alerts";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { createLogger } from "@plumbline/runtime/logger";
import { IncidentEvent, IncidentView } from "@plumbline/schemas";
import { expect, onTestFinished, test } from "vitest";
import { detection } from "../../../alerts/detection.fixture.ts";
import { documentOf, USE_CASE, versionOf } from "../../../test/registry/commands.ts";
import { createRegistry } from "../service.ts";
import { readRoles } from "./slack-roles.ts";
import { isFromSlack, signatureOf } from "./slack-signature.ts";

const ID = "inc_00000000000000aa";
const SECRET = "8f742231b10e8888abcd99yyyzzz85a5";
const logger = createLogger("test", "silent");
const EMAILS: Readonly<Record<string, string>> = {
  UANN: "Ann@example.com",
  ULEE: "lee@example.com",
  UKIM: "kim@elsewhere.com",
};

interface World {
  readonly click: (user: string, action: object, more?: Press) => Promise<Response>;
  readonly submit: (user: string, carried: string, words: string) => Promise<Response>;
  readonly show: () => Promise<IncidentView>;
  /** What was said to whoever pressed. */
  readonly whispers: readonly string[];
  /** Dialogs that were opened. */
  readonly views: readonly { readonly private_metadata: string }[];
  readonly appended: () => Promise<number>;
}

interface Press {
  readonly secret?: string;
  readonly ageSeconds?: number;
  readonly ts?: string;
}

async function setUp(): Promise<World> {
  const whispers: string[] = [];
  const views: { private_metadata: string }[] = [];
  const slack = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      const form = new URLSearchParams(body);
      const answer = (value: object): void => void response.end(JSON.stringify(value));
      if (request.url === "/api/users.info") {
        const email = EMAILS[form.get("user") ?? ""];
        return answer(email === undefined ? { ok: false } : { ok: true, user: { profile: { email } } });
      }
      if (request.url === "/api/views.open") {
        views.push(JSON.parse(form.get("view") ?? "{}") as { private_metadata: string });
        return answer({ ok: true });
      }
      whispers.push((JSON.parse(body) as { text: string }).text);
      return answer({ ok: true });
    });
  });
  await new Promise<void>((resolve) => slack.listen(0, "127.0.0.1", resolve));
  const slackUrl = `http://127.0.0.1:${(slack.address() as AddressInfo).port}`;
  const log = createMemoryEventLog({ clock: systemClock, partitions: 1 });
  const registry = createRegistry({
    log,
    clock: systemClock,
    logger,
    port: 0,
    followMs: 20,
    slack: {
      signingSecret: SECRET,
      token: "xoxb-test",
      apiUrl: `${slackUrl}/api/`,
      roles: readRoles("ann@example.com=approver,*@example.com=responder,kim@elsewhere.com=viewer")!,
    },
  });
  const stop = new AbortController();
  const running = registry.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
    slack.closeAllConnections();
    slack.close();
  });
  const url = await registry.url;
  await fill(url, (event) => log.append(INCIDENTS, [encodeIncidentEvent(event)]));

  async function send(payload: object, { secret = SECRET, ageSeconds = 0 }: Press = {}): Promise<Response> {
    const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    const timestamp = String(Math.floor(Date.now() / 1_000) - ageSeconds);
    return fetch(`${url}/slack/actions`, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": signatureOf(timestamp, Buffer.from(body), secret),
      },
      body,
    });
  }

  return {
    whispers,
    views,
    click: (user, action, more = {}) =>
      send(
        {
          type: "block_actions",
          user: { id: user },
          trigger_id: "t",
          response_url: `${slackUrl}/hook`,
          actions: [{ action_ts: more.ts ?? `${Date.now()}.${Math.random()}`, ...action }],
        },
        more,
      ),
    submit: (user, carried, words) =>
      send({
        type: "view_submission",
        user: { id: user },
        view: {
          id: "V1",
          private_metadata: carried,
          state: { values: { words: { words: { value: words } } } },
        },
      }),
    show: async () => IncidentView.parse(await (await fetch(`${url}/v1/incidents/${ID}`)).json()),
    appended: async () => (await log.watermarks(INCIDENTS))[0]!.high,
  };
}

/** v1 served, v2 does, and an alert is about it. */
async function fill(url: string, append: (event: IncidentEvent) => Promise<unknown>): Promise<void> {
  for (const [revision, text] of ["one", "two"].entries()) {
    const prompt_version = versionOf(text);
    for (const [path, body] of [
      ["versions", { prompt_version, document: documentOf(text) }],
      ["promote", { prompt_version, expected_revision: revision, bypass: { reason: "test" } }],
    ] as const) {
      const answer = await fetch(`${url}/v1/use-cases/${USE_CASE}/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      expect(answer.ok).toBe(true);
    }
  }
  const { candidate, incumbent } = detection();
  const about = detection({
    use_case: USE_CASE,
    tenant: "default",
    candidate: { ...candidate, prompt_version: versionOf("two"), number: 2 },
    incumbent: { ...incumbent!, prompt_version: versionOf("one"), number: 1 },
  });
  const at = new Date().toISOString();
  await append(
    IncidentEvent.parse({ type: "detected", incident_id: ID, at, actor: "monitor", detection: about }),
  );
}

const button = (command: string, more: object = {}) => ({
  action_id: `pl.${command}`,
  value: JSON.stringify({ incident_id: ID, command, expected_revision: 1, ...more }),
});

test("a signed click of somebody who may acknowledges, and a click that Slack sends twice does it once", async () => {
  const world = await setUp();
  expect((await world.click("ULEE", button("acknowledge"), { ts: "1700.1" })).status).toBe(200);
  expect(await world.show()).toMatchObject({ state: "acknowledged", state_changed_by: "lee@example.com" });
  const appended = await world.appended();
  expect((await world.click("ULEE", button("acknowledge"), { ts: "1700.1" })).status).toBe(200);
  expect(await world.appended()).toBe(appended);
  expect(world.whispers).toEqual([]);
});

test("a wrong or old signature is 401 without a word, and does nothing", async () => {
  const world = await setUp();
  for (const more of [{ secret: "another-secret-of-slack" }, { ageSeconds: 301 }, { ageSeconds: -301 }]) {
    const answer = await world.click("ULEE", button("acknowledge"), more);
    expect(answer.status).toBe(401);
    expect(await answer.text()).toBe("");
  }
  expect(await world.show()).toMatchObject({ state: "firing", revision: 1 });
});

test("who may not is told alone, with who may", async () => {
  const world = await setUp();
  await world.click("UKIM", button("acknowledge"));
  await world.click("ULEE", button("rollback", { from: versionOf("two"), to: versionOf("one") }));
  await world.click("UNONE", button("acknowledge"));
  expect(world.whispers).toEqual([
    "You (kim@elsewhere.com) may not do this. These may: ann@example.com, *@example.com.",
    "You (lee@example.com) may not do this. These may: ann@example.com.",
    "Slack does not tell who you are: the bot needs the scope users:read.email.",
  ]);
  expect(await world.show()).toMatchObject({ state: "firing", revision: 1 });
});

test("an approver rolls back; a second click is told that it is done", async () => {
  const world = await setUp();
  const rollback = button("rollback", { from: versionOf("two"), to: versionOf("one") });
  expect((await world.click("UANN", rollback)).status).toBe(200);
  await expect.poll(async () => (await world.show()).state, { timeout: 60_000 }).toBe("watching");
  expect((await world.show()).history.at(-1)?.text).toBe(`Rolled back to v1 by Ann@example.com: ${ID}.`);
  await world.click("UANN", rollback);
  expect(world.whispers).toEqual([
    `There is nothing to roll back for ${ID}: v2 was taken back by Ann@example.com.`,
  ]);
});

test("a dismissal asks why in a dialog, and the answer stands in the history", async () => {
  const world = await setUp();
  await world.click("ULEE", button("dismiss"));
  expect(await world.show()).toMatchObject({ state: "firing" });
  const carried = world.views[0]!.private_metadata;
  const empty = await (await world.submit("ULEE", carried, "  ")).json();
  expect(empty).toEqual({ response_action: "errors", errors: { words: "Write something." } });
  expect(await (await world.submit("ULEE", carried, "a holiday")).json()).toEqual({});
  expect(await world.show()).toMatchObject({ state: "dismissed" });
  // The alert changed meanwhile: the dialog says so, and stays.
  const late = (await (await world.submit("UANN", carried, "noise")).json()) as { errors: { words: string } };
  expect(late.errors.words).toContain("The alert changed since you saw it");
});

test("a snooze is chosen from a menu, and buttons of others are left alone", async () => {
  const world = await setUp();
  const chosen = JSON.stringify({
    incident_id: ID,
    command: "snooze",
    expected_revision: 1,
    for_minutes: 60,
  });
  await world.click("ULEE", { action_id: "pl.snooze", selected_option: { value: chosen } });
  expect(await world.show()).toMatchObject({ state: "snoozed" });
  expect((await world.click("ULEE", { action_id: "link", value: "x" })).status).toBe(200);
  expect(world.whispers).toEqual([]);
});

test("a signature is that of Slack's own documentation", () => {
  const body = Buffer.from(
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
  );
  const signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
  const signed = { timestamp: "1531420618", signature, body };
  expect(isFromSlack(signed, SECRET, 1_531_420_618_000)).toBe(true);
  expect(isFromSlack({ ...signed, signature: `${signature.slice(0, -1)}4` }, SECRET, 1_531_420_618_000)).toBe(
    false,
  );
  expect(isFromSlack({ ...signed, timestamp: undefined }, SECRET, 1_531_420_618_000)).toBe(false);
});

test("roles that can't be read are none", () => {
  expect(readRoles("ann@example.com=boss")).toBeNull();
  expect(readRoles("ann@example.com=viewer,Ann@example.com=approver")).toBeNull();
  expect(readRoles("everybody=viewer")).toBeNull();
});
