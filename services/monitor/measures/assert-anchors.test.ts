import { IncidentFold } from "@plumbline/alerts";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { AnchorDay } from "@plumbline/ports";
import { IncidentEvent } from "@plumbline/schemas";
import { pino } from "pino";
import { expect, test } from "vitest";
import { assertAnchors } from "./assert-anchors.ts";

const START = Date.parse("2026-03-02T00:00:00Z");
const DAY_MS = 86_400_000;

function createAnchors() {
  const clock = new VirtualClock(START);
  const log = createMemoryEventLog({ clock });
  const incidents = new IncidentFold(log);
  const store = { judgedUnits: async () => [] };
  const deps = { store, log, clock, logger: pino({ level: "silent" }), incidents, holds: () => true };
  return {
    /** One look on the day after the last one. @returns all that was asserted so far, and whether it stands */
    async look(days: readonly AnchorDay[], day: number) {
      await incidents.refresh();
      await assertAnchors(days, START + day * DAY_MS, deps);
      await incidents.refresh();
      const records = await log.read("plumbline.incidents", 0, 0, { recordsMax: 1_000 });
      const events = records.map(({ value }) =>
        IncidentEvent.parse(JSON.parse(new TextDecoder().decode(value))),
      );
      return {
        asserted: events.map((event) => (event.type === "recovered" ? event.cause : event.type)),
        open: incidents.open("judge_drift").length,
      };
    },
  };
}

function daysOf(judge: string, from: number, agreements: readonly number[]): AnchorDay[] {
  return agreements.map((n, i) => ({
    tenant: "t",
    env: "e",
    criterion: "ticket-summary/faithfulness",
    rubric_hash: "r",
    judge,
    day: new Date(START + (from + i) * DAY_MS).toISOString(),
    items: 100,
    agreements: n,
  }));
}

test("a judge that drifted is asserted once, and it is over when the judge agrees again, not while it is silent", async () => {
  const anchors = createAnchors();
  const agreements = [95, 96, 94, 95, 60, 61];
  expect(await anchors.look(daysOf("a", 0, agreements), 6)).toEqual({ asserted: ["detected"], open: 1 });
  expect(await anchors.look(daysOf("a", 0, agreements), 7)).toEqual({ asserted: ["detected"], open: 1 });
  expect(await anchors.look(daysOf("a", 0, agreements), 30)).toEqual({ asserted: ["detected"], open: 1 });

  const back = [...agreements, 95, 94];
  const over = { asserted: ["detected", "by_itself"], open: 0 };
  expect(await anchors.look(daysOf("a", 0, back), 8)).toEqual(over);
  expect(await anchors.look(daysOf("a", 0, back), 9)).toEqual(over);
});

test("it is over as well when another judge took the place of the one that drifted", async () => {
  const anchors = createAnchors();
  const old = daysOf("a", 0, [95, 96, 94, 95, 60, 61]);
  await anchors.look(old, 6);
  // For a week both may be asked: the old one is not gone yet.
  expect((await anchors.look([...old, ...daysOf("b", 6, [95, 96])], 8)).open).toBe(1);
  const successor = daysOf("b", 6, [95, 96, 95, 94, 95, 96, 95, 95]);
  expect(await anchors.look([...old, ...successor], 14)).toEqual({
    asserted: ["detected", "new_version"],
    open: 0,
  });
});
