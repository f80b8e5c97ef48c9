import { expect, test } from "vitest";
import { judgeServedCalls, type ClientRow } from "./served-calls.ts";

const MOVED_AT = Date.parse("2026-11-24T09:00:00Z");

function row(more: Partial<ClientRow>): ClientRow {
  return {
    app: "helpdesk",
    emitter_id: "",
    calls: 0,
    old_calls: 0,
    new_calls: 0,
    new_calls_after: 0,
    is_switched: false,
    last_old_ms: 0,
    first_new_ms: 0,
    ...more,
  };
}

const behind = row({ app: "worker", calls: 1, old_calls: 1, last_old_ms: MOVED_AT + 90 });

/** That all went over, with two calls each. */
const clients = (n: number): readonly ClientRow[] =>
  Array.from({ length: n }, (_, i) =>
    row({ emitter_id: `process ${i}`, calls: 2, new_calls: 2, new_calls_after: 2, is_switched: true }),
  );

test.each<{
  name: string;
  rows: readonly ClientRow[];
  is_confirmed: boolean;
  last_old_call_ms: number;
  clients_behind?: number;
}>([
  { name: "no client called", rows: [], is_confirmed: false, last_old_call_ms: 0 },
  {
    name: "enough calls of the new version and none of the old",
    rows: [row({ calls: 20, new_calls: 20, new_calls_after: 20, is_switched: true })],
    is_confirmed: true,
    last_old_call_ms: 0,
  },
  {
    name: "one call too few",
    rows: [row({ calls: 19, new_calls: 19, new_calls_after: 19, is_switched: true })],
    is_confirmed: false,
    last_old_call_ms: 0,
  },
  {
    name: "calls of the new version before the last one of the old do not count",
    rows: [
      row({
        calls: 31,
        old_calls: 1,
        new_calls: 30,
        new_calls_after: 10,
        is_switched: true,
        last_old_ms: MOVED_AT + 700,
      }),
    ],
    is_confirmed: false,
    last_old_call_ms: 700,
  },
  {
    name: "one of two clients lags behind, however many calls the other one made",
    rows: [
      row({ app: "web", calls: 500, new_calls: 500, new_calls_after: 400, is_switched: true }),
      row({ app: "worker", calls: 1, old_calls: 1, last_old_ms: MOVED_AT + 90 }),
    ],
    is_confirmed: false,
    last_old_call_ms: 90,
    clients_behind: 1,
  },
  {
    name: "one of twenty clients lags behind",
    rows: [...clients(19), behind],
    is_confirmed: true,
    last_old_call_ms: 90,
    clients_behind: 1,
  },
  {
    name: "one of nineteen clients lags behind",
    rows: [...clients(18), behind],
    is_confirmed: false,
    last_old_call_ms: 90,
    clients_behind: 1,
  },
  {
    name: "a client that has not called since the switch proves nothing either way",
    rows: [row({ app: "web", calls: 20, new_calls: 20, new_calls_after: 20, is_switched: true }), row({})],
    is_confirmed: true,
    last_old_call_ms: 0,
  },
])("$name", ({ rows, is_confirmed, last_old_call_ms, clients_behind = 0 }) => {
  expect(judgeServedCalls(rows, MOVED_AT, 20)).toMatchObject({
    is_confirmed,
    last_old_call_ms,
    clients_behind,
  });
});

test("the first call of the new version is that of the fastest client; null without one", () => {
  const rows = [
    row({ calls: 1, new_calls: 1, first_new_ms: MOVED_AT + 300 }),
    row({ app: "web", calls: 1, new_calls: 1, first_new_ms: MOVED_AT + 120 }),
    row({ app: "worker" }),
  ];
  expect(judgeServedCalls(rows, MOVED_AT, 20).first_new_call_ms).toBe(120);
  expect(judgeServedCalls([row({})], MOVED_AT, 20).first_new_call_ms).toBeNull();
});
