/** The pairs of a watch: made from rows when they are first asked for, kept up as verdicts arrive. */
import { HOUR_MS } from "@plumbline/schemas";
import { referenceVersions, snapshotOf, startOf } from "./baseline.ts";
import { InputPairs } from "../../units/input-pairs.ts";
import type { KnownSeries, Watched } from "./series-book.ts";
import type { Look } from "./monitor-pass.ts";

/** Null for a version that is held against itself or a target: there is no other version to pair with. */
export async function pairsOf(known: KnownSeries, watched: Watched, look: Look): Promise<InputPairs | null> {
  const { baseline } = watched;
  const [incumbent] = referenceVersions(baseline);
  const isOther = snapshotOf(baseline).lineage["source"] === "predecessors" && incumbent !== undefined;
  if (!isOther) return null;
  if (watched.pairs !== undefined) return watched.pairs;
  const firstMs = startOf(baseline).fromHour * HOUR_MS;
  const units = await look.unitsSince(known.series, Math.min(Date.parse(baseline.reference_start), firstMs));
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
