import { expect, test } from "vitest";
import { LlmCall, type ErasureEvent, type Topic } from "@plumbline/schemas";
import { cleanRecord } from "./clean-record.ts";
import { ErasureList } from "./erasure-list.ts";
import { subjectHash } from "./subject-hash.ts";

const AT = "2026-03-01T12:00:00.000Z";
const ERASURE = "0198f3a0-0000-4000-8000-00000000000e";

function listOf(...events: ErasureEvent[]): ErasureList {
  const list = new ErasureList();
  for (const [offset, event] of events.entries())
    list.fold({ ...record(event), partition: 0, offset, key: "" });
  return list;
}

function requested(kind: "conversation" | "user" | "call", id: string, tenant = "default"): ErasureEvent {
  const subject_hash = subjectHash(tenant, kind, id);
  return {
    type: "requested",
    erasure_id: ERASURE,
    tenant,
    kind,
    subject_hash,
    is_dry_run: false,
    at: AT,
    actor: "ann",
  };
}

function record(value: unknown, tenant = "default", timestamp = Date.parse(AT) - 1_000) {
  const bytes = typeof value === "string" ? value : JSON.stringify(value);
  return { value: new Uint8Array(Buffer.from(bytes)), headers: { tenant }, timestamp };
}

function call(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    schema_version: 1,
    call_id: "0198f3a0-0000-7000-8000-000000000001",
    started_at: "2026-03-01T11:00:00.000Z",
    env: "production",
    app: "support",
    use_case: "ticket-summary",
    model: "m",
    status: "ok",
    latency_ms: 1,
    conversation_id: "conversation-1",
    user_hash: "user-1",
    input: "words",
    output: "words",
    vars: { v: "words" },
    attributes: { name: "words" },
    ...more,
  };
}

function clean(topic: Topic, given: ReturnType<typeof record>, list: ErasureList): string {
  return Buffer.from(cleanRecord(topic, given, list).value).toString("utf8");
}

test.each([
  { by: "conversation", event: requested("conversation", "conversation-1") },
  { by: "user", event: requested("user", "user-1") },
  { by: "call, whatever its case", event: requested("call", "0198F3A0-0000-7000-8000-000000000001") },
])(
  "a call erased by $by keeps its numbers, stays a call, and has no word; cleaning again changes nothing",
  ({ event }) => {
    const list = listOf(event);
    const once = clean("plumbline.calls", record(call()), list);
    expect(once).not.toMatch(/words|conversation-1|user-1/);
    expect(LlmCall.parse(JSON.parse(once))).toMatchObject({ latency_ms: 1, attributes: {} });
    expect(clean("plumbline.calls", record(once), list)).toBe(once);
  },
);

test.each([
  { what: "another conversation", given: record(call({ conversation_id: "conversation-2" })) },
  { what: "another tenant", given: record(call(), "other") },
  {
    what: "a later call",
    given: record(call({ started_at: "2026-03-01T12:00:01.000Z" }), "default", Date.parse(AT) + 1_000),
  },
])("$what is left as it is, byte for byte", ({ given }) => {
  expect(cleanRecord("plumbline.calls", given, listOf(requested("conversation", "conversation-1")))).toBe(
    given,
  );
});

test("a clock that runs ahead, and a name that the sender chose itself, save no text", () => {
  const named = {
    ...requested("conversation", `erased-${"0".repeat(16)}`),
    erasure_id: ERASURE.replace("e", "f"),
  };
  const list = listOf(requested("conversation", "conversation-1"), named as ErasureEvent);
  const ahead = record(call({ started_at: "2027-01-01T00:00:00.000Z" }));
  expect(clean("plumbline.calls", ahead, list)).not.toContain("words");
  expect(
    clean(
      "plumbline.calls",
      record(call({ user_hash: null, attributes: {}, conversation_id: `erased-${"0".repeat(16)}` })),
      list,
    ),
  ).not.toContain("words");
});

test("a dry run erases nothing; a second request with a dry run's id neither", () => {
  const dry = { ...requested("conversation", "conversation-1"), is_dry_run: true } as ErasureEvent;
  const given = record(call());
  expect(
    cleanRecord("plumbline.calls", given, listOf(dry, requested("conversation", "conversation-1"))),
  ).toBe(given);
});

test("verdicts and feedback follow the calls that the erasure found", () => {
  const call_id = "0198f3a0-0000-7000-8000-000000000001";
  const list = listOf(requested("conversation", "conversation-1"), {
    type: "calls",
    erasure_id: ERASURE,
    call_hashes: [subjectHash("default", "call", call_id)],
  });
  const verdict = {
    tenant: "default",
    call_id,
    conversation_id: "conversation-1",
    reason: "words",
    input_fingerprint: "f1",
    score: 0.5,
    slices: ["mentions_money", "lang=en", "customer=words"],
  };
  expect(JSON.parse(clean("plumbline.verdicts", record(verdict), list))).toEqual({
    tenant: "default",
    call_id,
    conversation_id: expect.stringMatching(/^erased-[0-9a-f]{16}$/),
    reason: "erased",
    score: 0.5,
    slices: ["mentions_money", "lang=en"],
  });
  const feedback = { call_id, comment: "words", author: "user-1", value: 0 };
  expect(JSON.parse(clean("plumbline.feedback", record(feedback), list))).toMatchObject({
    comment: null,
    author: null,
    value: 0,
  });
  const other = record({ ...feedback, call_id: "another" });
  expect(cleanRecord("plumbline.feedback", other, list)).toBe(other);
});

test("a dead letter is erased also where it is no JSON, as long as an id can be read in it", () => {
  const list = listOf(requested("conversation", "conversation-1"));
  const cut = record(JSON.stringify(call()).slice(0, -40));
  expect(clean("plumbline.calls.dead_letter", cut, list)).toBe('{"erased":true}');
  const foreign = record('{"conversation_id":"conversation-2","input":"words"');
  expect(cleanRecord("plumbline.calls.dead_letter", foreign, list)).toBe(foreign);
});
