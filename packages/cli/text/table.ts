import { printableLine } from "./printable.ts";

/**
 * Columns for people, two spaces apart; the last one is not padded. A cell is one line whatever is in it: a line feed in
 * somebody's reason forges no row.
 *
 * @param rows shape [n][k], the head among them
 */
export function formatTable(cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(printableLine));
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...rows.map((row) => (row[i] ?? "").length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
