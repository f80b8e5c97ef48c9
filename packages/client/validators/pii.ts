/**
 * Personal data by its shape: e-mail addresses, telephone numbers, card numbers and bank accounts by their check digits,
 * American social security numbers, IP addresses. Names and postal addresses have no shape, and are not found.
 */
import type { Validator } from "./validator.ts";

export type PiiKind = "email" | "phone" | "card" | "iban" | "ssn" | "ip";

/** Longest text that is looked at, characters: what a validator has not read it does not pass. */
const CHARS_MAX = 1_000_000;

const EMAIL = /[\w.+%-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}/i;
/** With a country code, or in groups of at least seven digits as people write them. */
const PHONE =
  /(?<![\w.])(?:\+\d[\d ().-]{6,20}\d|\(\d{2,5}\) ?\d[\d .-]{4,12}\d|\d{3}[ .-]\d{3}[ .-]\d{4})(?![\w])/;
const CARD = /(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])/g;
const IBAN = /(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?!\w)/g;
const SSN = /(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])/;
const IP = /(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.]*\d)/;

const FINDERS: Readonly<Record<PiiKind, (text: string) => boolean>> = {
  email: (text) => EMAIL.test(text),
  card: (text) => (text.match(CARD) ?? []).some(hasLuhnDigit),
  iban: (text) => (text.match(IBAN) ?? []).some(hasIbanDigits),
  ssn: (text) => SSN.test(text),
  phone: (text) => PHONE.test(text),
  ip: (text) => IP.test(text),
};

/**
 * hasNoPii returns a validator whose reason names what it found, such as `pii_email`; `pii_unchecked` for a text that
 * is too long to look at.
 */
export function hasNoPii(kinds: readonly PiiKind[] = ["email", "card", "iban", "ssn", "phone"]): Validator {
  return (text) => {
    if (text.length > CHARS_MAX) return "pii_unchecked";
    const found = kinds.find((kind) => FINDERS[kind](text));
    return found === undefined ? null : `pii_${found}`;
  };
}

function hasLuhnDigit(number: string): boolean {
  let sum = 0;
  for (const [i, digit] of Array.from(number.replace(/\D/g, "")).toReversed().entries()) {
    const value = Number(digit) * (i % 2 === 1 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 === 0;
}

/** ISO 7064, modulo 97. */
function hasIbanDigits(account: string): boolean {
  const text = account.replaceAll(" ", "");
  let rest = 0;
  for (const character of text.slice(4) + text.slice(0, 4)) {
    const digits = String(parseInt(character, 36));
    rest = Number(`${rest}${digits}`) % 97;
  }
  return rest === 1;
}
