import type { MixEvidence } from "@plumbline/schemas";
import { formatPercent } from "./quantity.ts";

/**
 * That users send something else rather than that the prompt does worse on it, in numbers; null unless the mix explains
 * most of a fall, and by more than chance.
 */
export function inputShiftLine(mix: MixEvidence | null): string | null {
  if (mix === null || !mix.input_shift || mix.mix >= 0 || -mix.mix < 2 * mix.se_mix) return null;
  const [shift] = mix.shifts.toSorted((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before));
  if (shift === undefined) return null;
  const points = (value: number): string => Math.abs(100 * value).toFixed(1);
  const explained =
    mix.mix <= mix.total
      ? `more than the whole fall of ${points(mix.total)} points`
      : `${points(mix.mix)} of ${points(mix.total)} points`;
  const hasHeld = mix.within >= -2 * mix.se_within;
  const what = hasHeld
    ? "Inputs shifted, quality per slice did not"
    : "Inputs shifted more than quality per slice";
  return `${what}: ${shift.name} ${formatPercent(shift.before)} → ${formatPercent(shift.after)} of calls explains ${explained}.`;
}
