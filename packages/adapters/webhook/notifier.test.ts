import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { message } from "@plumbline/ports/notifier.contract";
import { expect, onTestFinished, test } from "vitest";
import { createPagerDutyNotifier } from "../pagerduty/notifier.ts";
import { createWebhookNotifier } from "./notifier.ts";

const options = { signal: new AbortController().signal };
const clock = { now: () => Date.parse("2026-11-24T10:02:10.000Z") };

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver that answers with the given statuses, then with 202. */
async function receiver(...statuses: readonly number[]): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const left = [...statuses];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      received.push({ headers: request.headers, body });
      response.writeHead(left.shift() ?? 202, { "retry-after": "7", location: "/elsewhere" }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received };
}

test("a webhook gets each revision once, signed, under a delivery that a retry keeps", async () => {
  const { url, received } = await receiver(503);
  const notifier = createWebhookNotifier({ url, secret: "shared", clock });
  await expect(notifier.post(message(), options)).rejects.toMatchObject({ code: "external_unavailable" });
  const { ref } = await notifier.post(message(), options);
  await notifier.update(ref, message({ revision: 3, state: "resolved" }), "10:06 · Resolved.", options);
  await notifier.update(ref, message({ revision: 2 }), "late", options);

  expect(received.map(({ headers }) => headers["x-plumbline-delivery"])).toEqual([
    "inc_00000000000000aa.1",
    "inc_00000000000000aa.1",
    "inc_00000000000000aa.3",
  ]);
  const { headers, body } = received.at(-1)!;
  const [, seconds, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(
    String(headers["x-plumbline-signature"]),
  )!;
  expect(signature).toBe(createHmac("sha256", "shared").update(`${seconds}.${body}`).digest("hex"));
  expect(Number(seconds) * 1_000).toBe(clock.now() - (clock.now() % 1_000));
  expect(JSON.parse(body)).toMatchObject({
    type: "incident.v1",
    state: "resolved",
    reply: "10:06 · Resolved.",
  });
});

test.each([
  { status: 429, code: "external_rate_limited", retryAfterMs: 7_000 },
  { status: 502, code: "external_unavailable", retryAfterMs: null },
  { status: 413, code: "external_refused_one", retryAfterMs: null },
  { status: 401, code: "external_refused", retryAfterMs: null },
  { status: 302, code: "external_refused", retryAfterMs: null },
])("an answer of $status is $code", async ({ status, ...expected }) => {
  const { url } = await receiver(status);
  const notifier = createWebhookNotifier({ url, secret: "shared", clock });
  await expect(notifier.post(message(), options)).rejects.toMatchObject(expected);
});

test("nobody listens: nothing was sent, and no secret of the address is in the error", async () => {
  const notifier = createWebhookNotifier({
    url: "http://127.0.0.1:9/hook?key=hush",
    secret: "shared",
    clock,
  });
  const error: unknown = await notifier.post(message(), options).catch((each: unknown) => each);
  expect(error).toMatchObject({ code: "external_unavailable" });
  expect(String(error)).not.toContain("hush");
});

test("PagerDuty is paged once an incident, follows its state, and hears of no new numbers", async () => {
  const { url, received } = await receiver();
  const notifier = createPagerDutyNotifier({ routingKey: "key", url });
  const { ref } = await notifier.post(message(), options);
  await notifier.update(ref, message({ revision: 2 }), "", options);
  await notifier.update(ref, message({ revision: 3, severity: "SEV1" }), "", options);
  await notifier.update(ref, message({ revision: 4, severity: "SEV1", state: "acknowledged" }), "", options);
  await notifier.update(ref, message({ revision: 5, severity: "SEV1", state: "resolved" }), "", options);
  const events = received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  expect(events.map((event) => event["event_action"])).toEqual([
    "trigger",
    "trigger",
    "acknowledge",
    "resolve",
  ]);
  expect(new Set(events.map((event) => event["dedup_key"]))).toEqual(new Set(["inc_00000000000000aa"]));
  expect(events[0]).toMatchObject({
    routing_key: "key",
    payload: { severity: "error", summary: message().preview, source: "plumbline" },
    links: [{ href: "https://example.com/runbooks/quality-regression.md", text: "Runbook" }],
  });
  expect(events[1]).toMatchObject({ payload: { severity: "critical" } });
});
