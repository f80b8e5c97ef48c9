import type { BaselineRow, JudgedUnitRow } from "@plumbline/ports";
import { DAY_MS } from "@plumbline/schemas";
import { createRandom } from "@plumbline/stats";
import { expect, test } from "vitest";
import {
  type BaselineInput,
  chooseBaseline,
  keptBaselines,
  referenceVersions,
  snapshotOf,
  startOf,
} from "./baseline.ts";
import type { ServedVersion } from "../../deploys/served-versions.ts";
import { hourOf, iso } from "../../units/series.ts";

const NOW = Date.parse("2026-03-20T10:00:00Z");
const series = {
  tenant: "default",
  env: "production",
  use_case: "ticket-summary",
  criterion: "faithfulness",
  rubric_hash: "sha256:r",
  judge: "judge-a",
};
const random = createRandom(3);

/** Units judged evenly between two days before now. */
function units(version: string, count: number, fromDays: number, toDays: number): JudgedUnitRow[] {
  return Array.from({ length: count }, (_, i) => ({
    ...series,
    is_guardrail: true,
    prompt_version: version,
    judged_at: iso(NOW - (fromDays - ((fromDays - toDays) * i) / count) * DAY_MS),
    call_id: `${version}-${i}`,
    score: random.uniform() < 0.9 ? 1 : 0,
    slices: random.uniform() < 0.2 ? ["money"] : [],
    sample_rate: 0.05,
  }));
}

function served(version: string, fromDays: number): ServedVersion {
  return {
    prompt_version: version,
    first_started_at: iso(NOW - fromDays * DAY_MS),
    last_started_at: iso(NOW),
  };
}

function input(fields: Partial<BaselineInput>): BaselineInput {
  return {
    series,
    version: served("v3", 0),
    versions: [served("v1", 40), served("v2", 10), served("v3", 0)],
    units: [],
    regressed: new Set(),
    incidents: [],
    earlier: [],
    deployHours: [],
    nowMs: NOW,
    options: {},
    ...fields,
  };
}

const BOTH = [...units("v1", 600, 40, 10), ...units("v2", 400, 10, 0)];

test.each<{ name: string; fields: Partial<BaselineInput>; versions: string[]; source: string }>([
  {
    name: "the predecessor, extended backwards while it is short",
    fields: { units: BOTH },
    versions: ["v1", "v2"],
    source: "predecessors",
  },
  {
    name: "the predecessor alone when it has enough",
    fields: { units: [...units("v1", 600, 40, 10), ...units("v2", 1_800, 10, 0)] },
    versions: ["v2"],
    source: "predecessors",
  },
  {
    name: "the last good version when the predecessor regressed: damage is not normal",
    fields: { units: BOTH, regressed: new Set(["v2"]) },
    versions: ["v1"],
    source: "predecessors",
  },
  {
    name: "a regressed predecessor when there is nothing else",
    fields: { units: BOTH, regressed: new Set(["v1", "v2"]) },
    versions: ["v2"],
    source: "predecessors",
  },
  {
    name: "its own first units when there is no predecessor",
    fields: { version: served("v1", 40), versions: [served("v1", 40)], units: units("v1", 500, 40, 0) },
    versions: ["v1"],
    source: "own_units",
  },
  {
    name: "the absolute target while there is neither",
    fields: { units: units("v2", 50, 10, 0), options: { slo: 0.9 } },
    versions: [],
    source: "target",
  },
])("a version is held against $name", ({ fields, versions, source }) => {
  const choice = chooseBaseline(input(fields));
  if (choice.kind !== "frozen") throw new Error(choice.kind);
  expect([...referenceVersions(choice.row)].sort()).toEqual(versions);
  expect(snapshotOf(choice.row).lineage["source"]).toBe(source);
});

test("a young use case without a target has no baseline, and says how far it is", () => {
  expect(chooseBaseline(input({ units: [...units("v2", 99, 5, 0), ...units("v3", 12, 0.1, 0)] }))).toEqual({
    kind: "not_enough_data",
    referenceUnits: 99,
    ownUnits: 12,
  });
});

test("a baseline of own units starts after them, and a deploy starts at its first call with a week of budget", () => {
  const own = units("v1", 500, 10, 0);
  const first = chooseBaseline(
    input({ version: served("v1", 10), versions: [served("v1", 10)], units: own }),
  );
  const next = chooseBaseline(input({ units: BOTH }));
  if (first.kind !== "frozen" || next.kind !== "frozen") throw new Error("unreachable");
  expect(startOf(first.row)).toEqual({ fromHour: hourOf(own[299]!.judged_at) + 1, startWeight: 1 });
  expect(first.row.units).toBe(300);
  expect(startOf(next.row)).toEqual({ fromHour: hourOf(NOW), startWeight: 168 });
});

test("the same rows in another order freeze the same baseline", () => {
  const forward = chooseBaseline(input({ units: BOTH }));
  const backward = chooseBaseline(input({ units: BOTH.toReversed() }));
  if (forward.kind !== "frozen" || backward.kind !== "frozen") throw new Error("unreachable");
  expect(forward.row.snapshot_id).toBe(backward.row.snapshot_id);
});

test("hours of an incident are no reference", () => {
  const incidents = [{ startHour: hourOf(NOW - 5 * DAY_MS), endHour: Infinity }];
  const choice = chooseBaseline(input({ units: BOTH, incidents }));
  if (choice.kind !== "frozen") throw new Error(choice.kind);
  expect(choice.row.reference_end <= iso(NOW - 5 * DAY_MS + 3_600_000)).toBe(true);
});

test("a baseline of months ago stays in force as a second measure, so that small drops add up", () => {
  const old = chooseBaseline(input({ units: BOTH, version: served("v2", 10), nowMs: NOW - 100 * DAY_MS }));
  if (old.kind !== "frozen") throw new Error(old.kind);
  const earlier: BaselineRow[] = [old.row];
  const choice = chooseBaseline(input({ units: BOTH, earlier }));
  if (choice.kind !== "frozen") throw new Error(choice.kind);
  expect(snapshotOf(choice.row).pinned?.snapshotId).toBe(old.row.snapshot_id);
  expect(snapshotOf(choice.row).streams.at(-1)).toMatchObject({ baseline: "pinned", weight: 0.1 });
});

test("deploys beyond the year's budget start with one hour like any other", () => {
  const hour = hourOf(NOW);
  const deployHours = Array.from({ length: 52 }, (_, i) => hour - 24 * (i + 1));
  const choice = chooseBaseline(input({ units: BOTH, deployHours }));
  if (choice.kind !== "frozen") throw new Error(choice.kind);
  expect(startOf(choice.row).startWeight).toBe(1);
});

test("memory keeps the newest baselines, the oldest, and the one of three months ago", () => {
  const frozen = chooseBaseline(input({ units: BOTH }));
  if (frozen.kind !== "frozen") throw new Error(frozen.kind);
  const { row } = frozen;
  const rows = Array.from({ length: 40 }, (_, i) => ({
    ...row,
    created_at: iso(NOW - (40 - i) * 7 * DAY_MS),
  }));
  const kept = keptBaselines(rows, NOW).map((each) => rows.indexOf(each as (typeof rows)[number]));
  expect(kept).toEqual([0, 27, 34, 35, 36, 37, 38, 39]);
});

test("calls that were delivered days late don't make the deploy older than its first verdict", () => {
  const late = { ...served("v3", 9), last_started_at: iso(NOW) };
  const versions = [served("v1", 40), served("v2", 10), late];
  const choice = chooseBaseline(
    input({ version: late, versions, units: [...BOTH, ...units("v3", 20, 0.1, 0)] }),
  );
  if (choice.kind !== "frozen") throw new Error(choice.kind);
  expect(startOf(choice.row)).toEqual({ fromHour: hourOf(NOW - 0.1 * DAY_MS), startWeight: 168 });
});

test("slices of the edit and slices that people pinned count five times, frozen with the baseline", () => {
  const weightsOf = (fields: Partial<BaselineInput>) => {
    const choice = chooseBaseline(input({ units: BOTH, ...fields }));
    if (choice.kind !== "frozen") throw new Error(choice.kind);
    const { streams, lineage } = snapshotOf(choice.row);
    expect(streams.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12);
    return { lineage, weight: (name: string) => streams.find((stream) => stream.name === name)?.weight };
  };
  const units = BOTH.map((row, i) => ({
    ...row,
    slices: [...(i % 3 === 0 ? ["mentions_money"] : []), ...(i % 4 === 0 ? ["lang=de"] : ["lang=en"])],
  }));
  const asked: string[][] = [];
  const edited = weightsOf({
    units,
    changedWords: (before, after) => {
      asked.push([before, after]);
      return "mask any amount";
    },
  });
  expect(asked).toEqual([["v2", "v3"]]);
  expect(edited.lineage["slices_of_edit"]).toBe("mentions_money");
  expect(edited.weight("mentions_money")! / edited.weight("lang=de")!).toBeCloseTo(5, 10);

  const pinned = weightsOf({ units, options: { pinnedSlices: ["lang=de", "lang=en & mentions_money"] } });
  expect(pinned.lineage).not.toHaveProperty("slices_of_edit");
  expect(pinned.weight("lang=de")! / pinned.weight("mentions_money")!).toBeCloseTo(5, 10);
  expect(pinned.weight("lang=en & mentions_money")! / pinned.weight("lang=en")!).toBeCloseTo(5, 10);
});

test("the version before is what serves beside the new one, not one that was tried later and taken back", () => {
  const start = NOW - 20 * 60_000;
  const until = (version: string, fromDays: number, lastMs: number): ServedVersion => ({
    ...served(version, fromDays),
    last_started_at: iso(lastMs),
  });
  const versions = [
    until("straggler", 60, NOW),
    until("live", 40, NOW),
    until("tried", 1, start - 60_000),
    { ...served("v4", 0), first_started_at: iso(start) },
  ];
  const rows = [
    ...units("straggler", 300, 60, 40),
    ...units("live", 900, 30, 0),
    ...units("tried", 100, 1, 21 / 1440),
  ];
  const choice = chooseBaseline(input({ version: versions[3]!, versions, units: rows }));
  if (choice.kind !== "frozen") throw new Error(choice.kind);
  expect(referenceVersions({ ...choice.row, created_at: iso(NOW) })[0]).toBe("live");
});
