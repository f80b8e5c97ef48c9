/** What the world really sends, as small inputs with the right value each. The page of compatibility is written from them. */

export interface OutsideCase {
  /** What is sent, in words that follow "given". */
  readonly given: string;
  /** What becomes of it, in words. */
  readonly becomes: string;
}
