/** Records of the log that are in no table: the one coverage incident that is about the pipeline and not about judging. */
import type { Detection } from "@plumbline/schemas";
import { formatCount } from "./quantity.ts";

/** The metric: the share of the log's records that are stored. */
export const STORED_SHARE = "stored_share";

/** Says how many records are lost and where they stand, as far as the evidence holds it. */
export function lostRecordsLine({ use_case, evidence }: Detection): string {
  const { lost_records: lost, partitions } = evidence;
  const places = (Array.isArray(partitions) ? partitions : [])
    .slice(0, 3)
    .map(
      (each: { log_partition?: unknown; first_offset?: unknown; last_offset?: unknown }) =>
        `partition ${String(each.log_partition)}, offsets ${String(each.first_offset)} to ${String(each.last_offset)}`,
    );
  const count = typeof lost === "number" ? formatCount(lost) : "Some";
  return `${count} records of ${use_case} are in no table${places.length === 0 ? "" : ` (${places.join("; ")})`}. The writer went past them; this says nothing about quality.`;
}
