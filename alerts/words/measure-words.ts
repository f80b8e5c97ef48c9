/**
 * The words of a detection, by what was measured: one file a family. A kind without words does
 * not compile, since each is returned by a switch over the kinds.
 */
import type { Detection, RecoveryCause, RecoveryEvidence } from "@plumbline/schemas";
import { coverageWords } from "./coverage-words.ts";
import { inputDriftWords, outputDriftWords } from "./drift-words.ts";
import { judgeWords } from "./judge-words.ts";
import { qualityWords } from "./quality-words.ts";
import { rateWords } from "./rate-words.ts";
import { versionLabel } from "./text.ts";
import type { MeasureWords } from "./words.ts";

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

/** The end of an incident: `rolled back to v14`. */
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
