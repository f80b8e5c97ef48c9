/** Quantities that people write in files with a unit: `24h`, `64MiB`. Parsed to milliseconds and bytes. */
import { z } from "zod";

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1000,
  KiB: 1024,
  MB: 1_000_000,
  MiB: 1_048_576,
  GB: 1_000_000_000,
  GiB: 1_073_741_824,
};

/** A span of time: a whole number of milliseconds, or a number with ms, s, m, h, d or w. Output: ms. */
export const Duration = z.union([
  z.number().int().nonnegative().describe("milliseconds"),
  z
    .string()
    .regex(
      /^\d{1,12}(?:\.\d{1,3})?(?:ms|s|m|h|d|w)$/,
      'must be a number with ms, s, m, h, d or w, such as "24h"',
    )
    .transform((text) => quantity(text, MS_PER_UNIT)),
]);

/** A size: a whole number of bytes, or a number with B, kB, KiB, MB, MiB, GB or GiB. Output: bytes. */
export const ByteSize = z.union([
  z.number().int().nonnegative().describe("bytes"),
  z
    .string()
    .regex(
      /^\d{1,12}(?:\.\d{1,3})?(?:B|kB|KiB|MB|MiB|GB|GiB)$/,
      'must be a number with B, kB, KiB, MB, MiB, GB or GiB, such as "64MiB"',
    )
    .transform((text) => quantity(text, BYTES_PER_UNIT)),
]);

function quantity(text: string, scale: Readonly<Record<string, number>>): number {
  const unit = text.replace(/^[\d.]+/, "");
  return Math.round(Number(text.slice(0, text.length - unit.length)) * (scale[unit] ?? 1));
}
