import type { Detection } from "@plumbline/schemas";
import { formatCount, formatInterval, formatValue } from "./quantity.ts";

/** What was looked at and did not change. */
export function normalLine({ evidence }: Detection): string | null {
  const measures = "normal" in evidence ? evidence.normal : [];
  if (measures.length === 0) return null;
  const parts = measures.map(
    ({ name, value, unit, interval, n }) =>
      `${name} ${formatValue(value, unit)} (95% interval ${formatInterval(interval, unit)}, n = ${formatCount(n)})`,
  );
  return `Normal: ${parts.join("; ")}.`;
}
