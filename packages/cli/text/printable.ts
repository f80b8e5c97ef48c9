/** Bytes of strangers on a terminal: nothing in them may move the cursor, change colours, or turn text around. */

/** Control characters but tab and line feed, and format characters: those that reverse, join or hide text. */
const UNSAFE = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** printable replaces characters that a terminal would obey by `\u{…}`, so that they are seen and do nothing. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

/** One line: line feeds and tabs are written out too. */
export function printableLine(text: string): string {
  return printable(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}

/** printableJson returns JSON on one line that a terminal may be shown: the same value, with unsafe characters as `\\u` escapes. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (character) =>
    // Of a character beyond 16 bits both halves: `split` divides between them.
    character
      .split("")
      .map((half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

const BYTES_A_LINE = 16;

/** `00000000  7b 22 61 …  {"a…`: offset, bytes, and the bytes that are printable ASCII. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; start += BYTES_A_LINE) {
    const line = [...bytes.subarray(start, start + BYTES_A_LINE)];
    const hex = line.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const ascii = line
      .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."))
      .join("");
    lines.push(`${start.toString(16).padStart(8, "0")}  ${hex.padEnd(3 * BYTES_A_LINE - 1)}  ${ascii}`);
  }
  return lines.join("\n");
}

/** The bytes as text when they are UTF-8, else null. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
