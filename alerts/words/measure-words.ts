/**
 * The words of a detection, by what was measured: one file a family. A kind without words does
 * not compile, since each is returned by a switch over the kinds.
 */
import type { Detection, RecoveryCause, RecoveryEvidence } from "@plumbline/schemas";
import { coverageWords } from "./coverage-words.ts";
import { inputDriftWords, outputDriftWords } from "./drift-words.ts";
import { judgeWords, qualityWords } from "./quality-words.ts";
import { UTC } from "./quantity.ts";
import { rateWords } from "./rate-words.ts";
import { versionLabel } from "./text.ts";
import type { MeasureWords } from "./words.ts";

/** @param zone IANA name of the time zone of whoever reads */
export function measureWords(detection: Detection, zone: string = UTC): MeasureWords {
  switch (detection.kind) {
    case "quality":
      return qualityWords(detection, zone);
    case "input_drift":
      return inputDriftWords(detection, zone);
    case "output_drift":
      return outputDriftWords(detection, zone);
    case "latency":
    case "cost":
    case "success":
    case "path_mix":
      return rateWords(detection, zone);
    case "coverage":
      return coverageWords(detection, zone);
    case "judge_drift":
      return judgeWords(detection, zone);
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
