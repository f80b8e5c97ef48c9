import { type DropExplanation, createPredicateTable, explainDrop } from "@plumbline/stats";
import { HOUR_BLOCKS, hourBlock } from "../../packages/stats/sequential/hour-block.ts";
import { ReferenceCounts, expectations, freezeCounts } from "./reference.ts";
import { REFERENCE_DAYS, VOLUMES, type Volume } from "./scenarios.ts";
import { CALENDAR_START, type Change, type Code, PREDICATES, Traffic, createWorld } from "./world.ts";

const PERMUTATIONS = 99;
const DEPTH_MAX = 2;

/** The first units after a deploy, explained against a baseline frozen from four weeks of that volume. */
export function explain(seed: number, volume: Volume, units: number, change: Change): DropExplanation {
  const world = createWorld(seed, "quiet");
  const traffic = new Traffic(world, VOLUMES[volume], seed + 0.5 * 2 ** 32);
  const reference = new ReferenceCounts();
  let hour = CALENDAR_START + (seed % 168);
  const deployHour = hour + REFERENCE_DAYS * 24;
  for (; hour < deployHour; hour++) reference.add(hour, codesOf(hour));
  const snapshot = freezeCounts(world, reference);

  traffic.deploy(change);
  const means = expectations(world, snapshot);
  const judged: { readonly code: Code; readonly expected: number }[] = [];
  for (; judged.length < units; hour++) {
    for (const code of codesOf(hour)) {
      judged.push({ code, expected: means[(code >> 1) * HOUR_BLOCKS + hourBlock(hour)]! });
    }
  }
  judged.length = units;
  const behind = reference.streams(world).n;
  const table = createPredicateTable(
    units,
    PREDICATES.map((name, p) => ({
      name,
      rows: judged.flatMap(({ code }, row) => (world.types[code >> 1]!.columns.includes(p + 1) ? [row] : [])),
      referenceRows: behind[p + 1]!,
    })),
  );
  return explainDrop(table, {
    baseline: judged.map(({ expected }) => expected),
    scores: judged.map(({ code }) => code & 1),
    referenceRows: snapshot.referenceUnits,
    seed,
    permutations: PERMUTATIONS,
    depthMax: DEPTH_MAX,
  });

  function codesOf(of: number): Code[] {
    const codes: Code[] = [];
    for (let q = 0; q < 4; q++) traffic.quarter(of, codes);
    return codes;
  }
}
