/** The words of one measure. */
export interface MeasureWords {
  /** Follows the name of the use case: `faithfulness down 15.2 pp on v15`. */
  readonly title: string;
  /** The title as a sentence with the values of both sides, without its full stop. */
  readonly sentence: string;
  /** By how much, how sure, out of how many, from when to when; null without evidence. */
  readonly size: string | null;
  /** Meaning of the number; null where its name says it. */
  readonly meaning: string | null;
  /** Probable cause, going by what changed and when. */
  readonly cause: string | null;
  /** First thing to do. */
  readonly step: string;
  /** Number of calls hit, with its interval; null where none are hit directly. */
  readonly harm: string | null;
  /** The end without a deploy: `recovered`, `calls are judged again`. */
  readonly over: string;
  /** Unit of the counts. */
  readonly counted: "judged" | "calls";
  /** isMeasuredAgain is true where a recovery has a number to compare. */
  readonly isMeasuredAgain: boolean;
}
