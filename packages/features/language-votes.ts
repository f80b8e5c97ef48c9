/**
 * The language of a text, by votes: letters of a script that tells its language, and the commonest words of the others.
 */
import { STOP_WORD_LANGUAGES } from "./word-classes.ts";

/** Languages that a script tells; the index is the bucket in `scripts`. */
const SCRIPT_LANGUAGES = ["ru", "el", "he", "ar", "hi", "th", "ko", "ja", "zh", "uk"] as const;
/** No character before this one belongs to them. */
export const FIRST_OF_SCRIPTS = 0x0370;
const JAPANESE = 7;
const UKRAINIAN = 9;

export class LanguageVotes {
  private readonly scripts = new Uint32Array(SCRIPT_LANGUAGES.length);
  private readonly languages = new Float64Array(STOP_WORD_LANGUAGES.length);
  private scriptLetters = 0;

  clear(): void {
    if (this.scriptLetters > 0) this.scripts.fill(0);
    this.languages.fill(0);
    this.scriptLetters = 0;
  }

  /** Counts a letter or ideograph when its script tells the language. */
  countLetter(c: number): void {
    const script = scriptOf(c);
    if (script < 0) return;
    this.scripts[script]!++;
    this.scriptLetters++;
  }

  /** @param bits the languages a word is common in, a bit each; it is a part of a vote for each of them */
  countWord(bits: number): void {
    let shared = 0;
    for (let rest = bits; rest !== 0; rest &= rest - 1) shared++;
    const vote = 1 / shared;
    for (let rest = bits; rest !== 0; rest &= rest - 1)
      this.languages[31 - Math.clz32(rest & -rest)]! += vote;
  }

  /** result returns an ISO 639-1 code, or "und" when nothing tells. */
  result(words: number): string {
    return this.scriptLetters > 0 && this.scriptLetters >= words ? this.byScript() : this.byWords();
  }

  private byScript(): string {
    const { scripts, scriptLetters } = this;
    // Kana among Han is Japanese; letters that only Ukrainian has make Cyrillic Ukrainian.
    if (scripts[JAPANESE]! * 20 > scriptLetters) return "ja";
    if (scripts[UKRAINIAN]! * 50 > scriptLetters) return "uk";
    let best = 0;
    for (let k = 1; k < scripts.length; k++) if (scripts[k]! > scripts[best]!) best = k;
    return SCRIPT_LANGUAGES[best]!;
  }

  /** The language with the most votes, when it leads the second by a fifth. */
  private byWords(): string {
    let best = 0;
    let bestVotes = 0;
    let secondVotes = 0;
    for (let k = 0; k < this.languages.length; k++) {
      const votes = this.languages[k]!;
      if (votes > bestVotes) {
        secondVotes = bestVotes;
        bestVotes = votes;
        best = k;
      } else if (votes > secondVotes) secondVotes = votes;
    }
    return bestVotes >= 1 && bestVotes > secondVotes * 1.2 ? STOP_WORD_LANGUAGES[best]! : "und";
  }
}

/** scriptOf returns the bucket of a character's script, -1 when the script tells no language. */
function scriptOf(c: number): number {
  if (c < FIRST_OF_SCRIPTS) return -1;
  if (c < 0x0400) return 1;
  if (c < 0x0530) return c === 0x0456 || c === 0x0457 || c === 0x0454 ? UKRAINIAN : 0;
  if (c < 0x0600) return 2;
  if (c < 0x0900) return 3;
  if (c < 0x0e00) return 4;
  if (c < 0x0e80) return 5;
  if (c >= 0x3040 && c < 0x3100) return JAPANESE;
  if (c >= 0x3400 && c < 0xa000) return 8;
  return c >= 0xac00 ? 6 : -1;
}
