/** What there is to say of each measure. */
export interface MeasureWords {
  /** What happened, after the name of the use case: `faithfulness down 15.2 pp on v15`. */
  readonly title: string;
  /** The same as a sentence with the values of both sides, without its full stop. */
  readonly sentence: string;
  /** By how much, how sure, out of how many, from when to when; null without evidence. */
  readonly size: string | null;
  /** What the number stands for; null where its name says it. */
  readonly meaning: string | null;
  /** What probably did it, going by what changed and when. */
  readonly cause: string | null;
  /** What people should do first. */
  readonly step: string;
  /** How many calls were hit, with the interval; null for what hits nobody by itself. */
  readonly harm: string | null;
  /** How it ended when nothing was deployed, or when what was unknown is known again. */
  readonly over: string;
  /** What a number of judged units or calls is called. */
  readonly counted: "judged" | "calls";
  /** isMeasuredAgain is true where a recovery has a number to compare. */
  readonly isMeasuredAgain: boolean;
}
