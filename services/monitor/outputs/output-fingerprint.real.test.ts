import { groupBy } from "../units/series.ts";
import { expect, test } from "vitest";
import { countHour, describeTexts, type Description } from "../measures/count-calls.fixture.ts";
import { OutputFingerprint } from "./output-fingerprint.ts";
import { realArrivals, realEvents } from "../measures/real-data.fixture.ts";
import { type VersionHour, VersionMemory } from "../counts/version-memory.ts";

const HOUR_MS = 3_600_000;
const events = realEvents("open/incident_money_qmsum.events.jsonl.gz");
const arrivals = realArrivals("open/incident_money_qmsum.arrivals.csv.gz");
const isAbsent = events === null || arrivals === null;
if (isAbsent) console.warn("SKIPPED: shared/data/open/incident_money_qmsum.* is absent");

test.skipIf(isAbsent)(
  "real summaries at 2,000 a day: three hours after the version that masks amounts, feature and slice are named; 14 days before, nothing",
  { timeout: 180_000 },
  () => {
    const hours = hoursOf();
    const deploy = hours.find((hour) => hour.version === "v2")!.hour;
    const rollback = hours.find((hour) => hour.version === "v3-rollback")!.hour;

    // The second week of v1 as if it were a deploy, against the first: nothing may be flagged.
    const quiet = new OutputFingerprint(memoryOf(hours, 0, deploy - 7 * 24 * HOUR_MS).weeks());
    expect(quiet.streams).toBeGreaterThan(50);
    for (const hour of hours) {
      if (hour.hour >= deploy - 7 * 24 * HOUR_MS && hour.version === "v1")
        expect(quiet.addHour(hour)).toEqual([]);
    }

    const incumbent = memoryOf(hours, 0, deploy);
    const watched = new OutputFingerprint(incumbent.weeks());
    const since = hours.filter((hour) => hour.version === "v2");
    const alarm = since.findIndex((hour) => watched.addHour(hour).length > 0);
    const flagged = watched.flagged();
    console.log(
      `v2: flagged ${alarm + 1} h after its start at ${watched.calls} calls; ` +
        flagged
          .slice(0, 5)
          .map((each) => `${each.feature} in ${each.slice || "all"} ${each.comparison.psi.toFixed(2)}`)
          .join(", "),
    );
    expect(alarm + 1).toBeLessThanOrEqual(3);
    expect(flagged[0]).toMatchObject({ slice: "mentions_money", feature: "out_masks" });

    // The rollback answers as v1 did.
    const restored = new OutputFingerprint(incumbent.weeks());
    for (const hour of hours)
      if (hour.hour >= rollback && hour.version === "v3-rollback") restored.addHour(hour);
    expect(restored.flagged()).toEqual([]);
  },
);

function hoursOf(): VersionHour[] {
  const described = new Map<string, Description>();
  for (const event of events!) {
    described.set(`${event.meta.item_id} ${event.prompt_version}`, describeTexts(event.input, event.output));
  }
  const calls = arrivals!.map(([ts, item, version, output]) => ({
    hour: Math.floor(Date.parse(ts!) / HOUR_MS) * HOUR_MS,
    version: version!,
    description: described.get(`${item} ${output}`)!,
  }));
  return [...groupBy(calls, (call) => `${call.hour} ${call.version}`).values()].map((group) =>
    countHour(
      group[0]!.hour,
      group[0]!.version,
      group.map((call) => call.description),
    ),
  );
}

function memoryOf(hours: readonly VersionHour[], from: number, to: number): VersionMemory {
  const memory = new VersionMemory();
  for (const hour of hours)
    if (hour.version === "v1" && hour.hour >= from && hour.hour < to) memory.add(hour);
  return memory;
}
