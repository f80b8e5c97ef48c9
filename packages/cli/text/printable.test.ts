import fc from "fast-check";
import { expect, test } from "vitest";
import { hexDump, printable, printableJson, printableLine, textOf } from "./printable.ts";
import { formatTable } from "./table.ts";

/** C0 and C1 controls but tab and line feed, and what turns text around. */
function isUnsafe(code: number): boolean {
  if (code === 0x09 || code === 0x0a) return false;
  return (
    code < 0x20 ||
    (code >= 0x7f && code <= 0x9f) ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069)
  );
}

test("whatever the text, what is printed holds no control character and no character that turns text around", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const obeyed = Array.from(printable(text)).filter((character) => isUnsafe(character.codePointAt(0)!));
      expect(obeyed).toEqual([]);
      expect(printableLine(text)).not.toMatch(/[\n\t]/);
    }),
  );
});

test("a title change and a reversal are seen and do nothing, other text stays as it is", () => {
  expect(printable("\u001b]0;owned\u0007 paid \u202E04$")).toBe(
    String.raw`\u{1b}]0;owned\u{7} paid \u{202e}04$`,
  );
  expect(printable("Grüße, 40 €\n\tdone 🙂")).toBe("Grüße, 40 €\n\tdone 🙂");
});

test("bytes that are no text are dumped, with their offsets", () => {
  const bytes = new Uint8Array([0x7b, 0xff, 0x00, 0x41]);
  expect(textOf(bytes)).toBeNull();
  expect(hexDump(bytes)).toBe(`00000000  7b ff 00 41${" ".repeat(38)}{..A`);
  expect(textOf(new TextEncoder().encode("ä"))).toBe("ä");
});

test("a table's cell is one line, whatever is in it", () => {
  const rows = formatTable([
    ["WHO", "WHY"],
    ["eve", "fine\n2026-11-24  ann  approved\u001b[2A"],
  ]).split("\n");
  expect(rows).toEqual(["WHO  WHY", "eve  fine\\n2026-11-24  ann  approved\\u{1b}[2A"]);
});

test("JSON for a terminal is the same value", () => {
  const value = { reason: "a\u009b2J\u202e\u{e0001}\n\u007f", n: [1, null] };
  const json = printableJson(value);
  expect(JSON.parse(json)).toEqual(value);
  expect(json).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});
