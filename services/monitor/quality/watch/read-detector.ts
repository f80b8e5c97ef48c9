/** The detector, read from rows: what is asserted can be recomputed by anybody who has the rows and the baseline. */
import type { JudgedUnitRow } from "@plumbline/ports";
import {
  type Alarm,
  type DetectorReading,
  foldHours,
  type PairedEvidence,
  prepareSnapshot,
  type PreparedSnapshot,
} from "@plumbline/stats";
import { groupBy, unitOf } from "../../units/series.ts";
import { evidenceOfUnits } from "./version-watch.ts";

export interface AlarmReading {
  readonly level: "ticket" | "page";
  readonly alarm: Alarm;
  readonly reading: DetectorReading;
}

/**
 * The strongest level that the rows reach, or null. A ticket is an alarm against a tenth of the threshold.
 *
 * @param units of the version, in any order; those before the start are left out
 * @param paired of the version beside another one; it decides nothing here, and says whether that one fell as well
 */
export function readAlarm(
  prepared: PreparedSnapshot,
  start: { readonly fromHour: number; readonly startWeight: number },
  units: readonly JudgedUnitRow[],
  throughHour: number,
  paired: readonly PairedEvidence[] = [],
): AlarmReading | null {
  const hours = [
    ...groupBy(
      units.map((row) => unitOf(row)),
      ({ hour }) => String(hour),
    ).values(),
  ]
    .filter(([first]) => first!.hour >= start.fromHour)
    .map((group) => evidenceOfUnits(prepared, group[0]!.hour, group));
  const last = [...hours, ...paired].reduce((latest, { hour }) => Math.max(latest, hour), throughHour);
  const input = { ...start, throughHour: Math.max(start.fromHour, last), hours, paired };
  const page = foldHours(prepared, input);
  if (page.alarm !== undefined) return { level: "page", alarm: page.alarm, reading: page };
  const { snapshot } = prepared;
  const ticket = foldHours(prepareSnapshot({ ...snapshot, threshold: snapshot.threshold / 10 }), input);
  return ticket.alarm === undefined ? null : { level: "ticket", alarm: ticket.alarm, reading: ticket };
}
