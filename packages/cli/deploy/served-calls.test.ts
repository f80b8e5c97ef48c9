import { expect, test } from "vitest";
import { judgeServedCalls, type AppRow } from "./served-calls.ts";

const MOVED_AT = Date.parse("2026-11-24T09:00:00Z");

function row(more: Partial<AppRow>): AppRow {
  return {
    app: "helpdesk",
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

test.each<{
  name: string;
  rows: readonly AppRow[];
  is_confirmed: boolean;
  last_old_call_ms: number;
  apps_behind?: number;
}>([
  { name: "no application called", rows: [], is_confirmed: false, last_old_call_ms: 0 },
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
    name: "one application lags behind, however many calls another one made",
    rows: [
      row({ app: "web", calls: 500, new_calls: 500, new_calls_after: 400, is_switched: true }),
      row({ app: "worker", calls: 1, old_calls: 1, last_old_ms: MOVED_AT + 90 }),
    ],
    is_confirmed: false,
    last_old_call_ms: 90,
    apps_behind: 1,
  },
  {
    name: "an application that has not called since the switch proves nothing either way",
    rows: [row({ app: "web", calls: 20, new_calls: 20, new_calls_after: 20, is_switched: true }), row({})],
    is_confirmed: true,
    last_old_call_ms: 0,
  },
])("$name", ({ rows, is_confirmed, last_old_call_ms, apps_behind = 0 }) => {
  expect(judgeServedCalls(rows, MOVED_AT, 20)).toMatchObject({ is_confirmed, last_old_call_ms, apps_behind });
});

test("the first call of the new version is that of the fastest application; null without one", () => {
  const rows = [
    row({ calls: 1, new_calls: 1, first_new_ms: MOVED_AT + 300 }),
    row({ app: "web", calls: 1, new_calls: 1, first_new_ms: MOVED_AT + 120 }),
    row({ app: "worker" }),
  ];
  expect(judgeServedCalls(rows, MOVED_AT, 20).first_new_call_ms).toBe(120);
  expect(judgeServedCalls([row({})], MOVED_AT, 20).first_new_call_ms).toBeNull();
});
