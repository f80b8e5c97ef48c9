/**
 * Amounts of money and dates, found by what stands beside what: "12 dollars", "EUR 12", "$12", "3rd of March".
 * It is fed the words, numbers and signs of a text in their order and remembers where the last of each kind stood.
 */
import {
  AMBIGUOUS_MONTH,
  BRIDGE,
  CENT,
  CURRENCY_CODE,
  CURRENCY_WORD,
  MONTH,
  NUMBER_WORD,
  PER,
  POUND,
  WEIGHT,
} from "./word-classes.ts";

/** Words between a pound amount and a word of weight that make it weight. */
const WEIGHT_REACH = 6;
/** Positions that a sentence's end skips, so that nothing stands beside what follows it. */
const SENTENCE_GAP = 4;
const FAR_AWAY = -100;

export class AmountsAndDates {
  amounts = 0;
  dates = 0;

  /** Position of the last word or number: rises by 1 with each. The fields below are positions. */
  private token = 8;
  private numberToken = 0;
  /** A number that may be a day or a year. */
  private dayToken = 0;
  private monthToken = 0;
  private codeToken = 0;
  /** A number whose currency sign was counted. */
  private signToken = 0;
  private perToken = 0;
  private weightToken = FAR_AWAY;
  /** A pound amount that a word of weight may still take back. */
  private poundToken = FAR_AWAY;

  endSentence(): void {
    this.token += SENTENCE_GAP;
  }

  /** A dot after a month ends no sentence: "Sept. 5" stays together. */
  readDot(): void {
    if (this.monthToken !== this.token) this.endSentence();
  }

  /** A word that tells nothing of money or dates, or an ideograph. */
  readPlainWord(): void {
    this.token++;
  }

  /** @param bits what the word is, as `classOfWord` tells */
  readWord(bits: number, isCapitalized: boolean): void {
    const before = this.token++;
    if ((bits & BRIDGE) !== 0) {
      if (this.numberToken === before) this.numberToken = this.token;
      if (this.dayToken === before) this.dayToken = this.token;
    }
    if ((bits & NUMBER_WORD) !== 0) this.numberToken = this.token;
    if ((bits & CURRENCY_WORD) !== 0) this.readCurrency(bits, isCapitalized);
    if ((bits & MONTH) !== 0 && ((bits & AMBIGUOUS_MONTH) === 0 || isCapitalized)) {
      if (this.dayToken === before) this.dates++;
      else this.monthToken = this.token;
    }
    if ((bits & WEIGHT) !== 0) this.readWeight();
    if ((bits & PER) !== 0) this.perToken = this.token;
  }

  /** @param isDayOrYear whether it may stand beside a month */
  readNumber(isDayOrYear: boolean): void {
    const before = this.token++;
    this.numberToken = this.token;
    if (isDayOrYear) {
      // "March 5, 2026" is one date: the year after the day finds no month beside it.
      if (this.monthToken === before) this.dates++;
      else this.dayToken = this.token;
    }
    if (this.signToken !== this.token && this.codeToken === before) {
      this.amounts++;
      this.signToken = this.token;
    }
  }

  /** A currency sign before a number that comes next. */
  readSignBefore(): void {
    this.amounts++;
    this.signToken = this.token + 1;
  }

  /** A currency sign after a digit. */
  readSignAfter(): void {
    if (this.numberToken !== this.token || this.signToken === this.token) return;
    this.amounts++;
    this.signToken = this.token;
  }

  private readCurrency(bits: number, isCapitalized: boolean): void {
    const before = this.token - 1;
    const isCode = (bits & CURRENCY_CODE) !== 0;
    // "Cad" may be a code, "cad" is none.
    if (isCode && !isCapitalized) return;
    const isPercent = (bits & CENT) !== 0 && this.perToken === before;
    if (this.numberToken === before && this.signToken !== before && !isPercent) {
      if ((bits & POUND) === 0) this.amounts++;
      else if (this.token - this.weightToken > WEIGHT_REACH) {
        this.amounts++;
        this.poundToken = this.token;
      }
    }
    if (isCode) this.codeToken = this.token;
  }

  /** Pounds near a word of weight are weight. */
  private readWeight(): void {
    this.weightToken = this.token;
    if (this.token - this.poundToken > WEIGHT_REACH) return;
    this.amounts--;
    this.poundToken = FAR_AWAY;
  }
}
