import type { JudgedUnitRow } from "@plumbline/ports";
import { HOUR_MS } from "@plumbline/schemas";
import { expect, test } from "vitest";
import { iso } from "../../units/series.ts";
import { sideBySide } from "./watch-pairs.ts";

const START = Date.parse("2026-11-24T09:00:00Z");
const FROM = START / HOUR_MS;
let made = 0;

/** Judged units of both versions, `hours` hours long. */
function units(hours: number): JudgedUnitRow[] {
  return Array.from({ length: 40 * hours }, (_, i) => ({
    tenant: "default",
    env: "production",
    use_case: "ticket-summary",
    criterion: "faithfulness",
    is_guardrail: true,
    rubric_hash: "r",
    judge: "j",
    prompt_version: i % 2 === 0 ? "v1" : "v2",
    judged_at: iso(START + (i / 40) * HOUR_MS),
    call_id: `call-${made++}`,
    score: 1,
    slices: [],
    sample_rate: 0.05,
  }));
}

function baseline(pairedWeight: number) {
  const lineage = pairedWeight > 0 ? { beside: "v1" } : {};
  return { prompt_version: "v2", snapshot: { pairedWeight, lineage, eta: 1 } };
}

test("the hour of a deploy, in which one version follows the other, is no canary; a second shared hour is", () => {
  const now = START + 10 * HOUR_MS;
  expect(sideBySide(baseline(0), units(1), FROM, now)).toBeNull();
  expect(sideBySide(baseline(0), units(2), FROM, now)).toMatchObject({
    incumbent: "v1",
    hours: [{ hour: FROM, pairs: 20 }, { hour: FROM + 1 }],
  });
});

test("where the registry gave a share, an hour counts five minutes after its end", () => {
  const rows = units(2);
  const hours = (now: number): number[] =>
    (sideBySide(baseline(0.2), rows, FROM, now)?.hours ?? []).map(({ hour }) => hour);
  expect(hours(START + HOUR_MS + 4 * 60_000)).toEqual([]);
  expect(hours(START + HOUR_MS + 5 * 60_000)).toEqual([FROM]);
  expect(hours(START + 2 * HOUR_MS + 5 * 60_000)).toEqual([FROM, FROM + 1]);
});
