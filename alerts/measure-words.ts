/**
 * What a detection says, by what was measured: one file a family, and nothing but words in them. A kind without words does
 * not compile, since each is returned by a switch over the kinds.
 */
import type { Detection, RecoveryCause, RecoveryEvidence } from "@plumbline/schemas";
import { coverageWords } from "./coverage-words.ts";
import { inputDriftWords, outputDriftWords } from "./drift-words.ts";
import { judgeWords } from "./judge-words.ts";
import { qualityWords } from "./quality-words.ts";
import { rateWords } from "./rate-words.ts";
import { versionLabel } from "./version-labels.ts";

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

export function measureWords(detection: Detection): MeasureWords {
  switch (detection.kind) {
    case "quality":
      return qualityWords(detection);
    case "input_drift":
      return inputDriftWords(detection);
    case "output_drift":
      return outputDriftWords(detection);
    case "latency":
    case "cost":
    case "success":
    case "path_mix":
      return rateWords(detection);
    case "coverage":
      return coverageWords(detection);
    case "judge_drift":
      return judgeWords(detection);
  }
}

/** How an incident ended or is to end: `rolled back to v14`. */
export function recoveryWords(detection: Detection, cause: RecoveryCause, current: RecoveryEvidence): string {
  const version = versionLabel(detection, current.prompt_version, current.number);
  switch (cause) {
    case "rollback":
      return `rolled back to ${version}`;
    case "new_version":
      if (detection.kind === "judge_drift") return `replaced by the judge ${current.prompt_version}`;
      return detection.kind === "quality" ? `fixed by ${version}` : `replaced by ${version}`;
    case "by_itself":
    case "gap_closed":
      return measureWords(detection).over;
  }
}
