/** Markdown of what others wrote. */

/** What models and customers wrote stays text: no table cell, link, mention or tag of its own. */
export function markdownText(text: string): string {
  return text
    .replaceAll(/\s+/g, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(/[\\`*[\]|]/g, String.raw`\$&`)
    .replaceAll("@", "@\u200B");
}

/** A table whose first row is its head; "" without rows. */
export function markdownTable([head, ...rows]: readonly (readonly string[])[]): string {
  if (head === undefined) return "";
  const line = (cells: readonly string[]): string => `| ${cells.map(markdownText).join(" | ")} |`;
  return [line(head), `|${" --- |".repeat(head.length)}`, ...rows.map(line)].join("\n");
}
