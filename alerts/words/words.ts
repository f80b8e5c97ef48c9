/** The words of one measure. Sentences end with a full stop; `headline`, `whom` and `step` do not. */
export interface MeasureWords {
  /** Follows the name of the use case: `faithfulness fell from 94.1% to 78.9% on v15`. */
  readonly headline: string;
  /** Follows the headline: `only requests that mention money`; null where the headline says it, or all are meant. */
  readonly whom: string | null;
  /** First thing to do. */
  readonly step: string;
  /** Taking the version back is that thing, or a part of it. */
  readonly offersRollback: boolean;
  /** By how much, and what that means; none without an interval to show. */
  readonly worse: readonly string[];
  /** How many calls were hit, with its interval; null where none are hit directly. */
  readonly affected: string | null;
  /** Since when, in event time; null where that is not known. */
  readonly since: string | null;
  /** Probable cause, going by what changed and when. */
  readonly changed: readonly string[];
  /** How sure, and from what: small print. */
  readonly footnote: readonly string[];
  /** The end without a deploy: `recovered`, `calls are judged again`. */
  readonly over: string;
  /** Unit of the counts. */
  readonly counted: "judged" | "calls";
  /** isMeasuredAgain is true where a recovery has a number to compare. */
  readonly isMeasuredAgain: boolean;
}
