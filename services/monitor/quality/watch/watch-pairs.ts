/**
 * The pairs of a watch, of two kinds. Conversations that two versions answered in the same hour: whatever hits both alike,
 * such as an outage of the provider or harder inputs, cancels out. And answers of both versions to the same input.
 *
 * Where the registry gave the version a share before its baseline was frozen, the pairs of an hour are one more stream of
 * the detector, at a weight that the baseline reserved. Else they decide nothing, and say whether the other version fell as
 * well.
 */
import type { BaselineRow, JudgedUnitRow } from "@plumbline/ports";
import { HOUR_MS } from "@plumbline/schemas";
import { type HourOfPairs, InputPairs, pairedEvidence } from "../../units/series.ts";
import { referenceVersions, snapshotOf, startOf } from "./baseline.ts";
import type { MonitorPass } from "./monitor-pass.ts";
import type { KnownSeries, Watched } from "./series-book.ts";

/** Both versions are judged in the hour of a deploy, one after the other: a second hour shows that they serve together. */
const SHARED_HOURS_MIN = 2;
/** The last verdicts of an hour may still be on their way to the store. */
const SETTLE_MS = 5 * 60_000;

export interface SideBySide {
  readonly incumbent: string;
  readonly hours: readonly HourOfPairs[];
}

/** The version beside this one, if the baseline has a stream for their pairs; else null. */
export function incumbentBeside(baseline: Pick<BaselineRow, "snapshot">): string | null {
  const { pairedWeight, lineage } = snapshotOf(baseline);
  return pairedWeight > 0 ? (lineage["beside"] ?? null) : null;
}

/**
 * Hours with pairs since `fromHour`. Those of a stream count when their hour is over: before that the next unit may
 * change who is paired with whom, and a reader of half an hour could choose when to look.
 *
 * @param units of one series, all versions, in any order; hours of which only a part is given would be paired wrongly
 * @returns null when no other version served beside this one
 */
export function sideBySide(
  baseline: Pick<BaselineRow, "snapshot" | "prompt_version">,
  units: readonly JudgedUnitRow[],
  fromHour: number,
  nowMs: number,
): SideBySide | null {
  const incumbent = incumbentBeside(baseline);
  const found = pairedEvidence(units, {
    candidate: baseline.prompt_version,
    incumbent,
    fromHour,
    eta: snapshotOf(baseline).eta,
  });
  if (found === null || (incumbent === null && found.hours.length < SHARED_HOURS_MIN)) return null;
  const isOver = ({ hour }: HourOfPairs): boolean => (hour + 1) * HOUR_MS + SETTLE_MS <= nowMs;
  return incumbent === null ? found : { incumbent, hours: found.hours.filter((each) => isOver(each)) };
}

/**
 * Pairs of the same input: made from rows when they are first asked for, kept up as verdicts arrive. Null for a version that
 * is compared with itself or a target, since there is no other version to pair with.
 */
export async function pairsOf(
  known: KnownSeries,
  watched: Watched,
  pass: MonitorPass,
): Promise<InputPairs | null> {
  const { baseline } = watched;
  const [incumbent] = referenceVersions(baseline);
  const isOther = snapshotOf(baseline).lineage["source"] === "predecessors" && incumbent !== undefined;
  if (!isOther) return null;
  if (watched.pairs !== undefined) return watched.pairs;
  const firstMs = startOf(baseline).fromHour * HOUR_MS;
  const units = await pass.unitsSince(known.series, Math.min(Date.parse(baseline.reference_start), firstMs));
  watched.pairs = new InputPairs(
    units.filter(
      (row) =>
        row.prompt_version === incumbent &&
        row.judged_at >= baseline.reference_start &&
        row.judged_at < baseline.reference_end,
    ),
  );
  watched.pairs.take(
    units.filter(
      (row) => row.prompt_version === baseline.prompt_version && Date.parse(row.judged_at) >= firstMs,
    ),
  );
  return watched.pairs;
}
