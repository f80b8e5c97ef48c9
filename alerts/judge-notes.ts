import type { Detection } from "@plumbline/schemas";
import { formatCount } from "./quantity.ts";

/** Who judged, how that judge agrees with people, and the change on their scale where labels allow it. */
export function judgeNotes(detection: Detection): string[] {
  if (detection.judge === null) return [];
  const judge = `judge ${judgeName(detection.judge)}`;
  const calibration = detection.kind === "quality" ? detection.evidence.judge_calibration : null;
  if (calibration === null) return [judge];
  const { state, labels, labels_min, kappa, corrected, reasons } = calibration;
  if (state === "uncalibrated") {
    const why =
      labels < labels_min
        ? `${labels} of ${labels_min} labels`
        : (reasons[0] ?? "no labels").replaceAll("_", " ");
    return [`${judge} (uncalibrated: ${why})`];
  }
  const agreement = kappa === null ? "calibrated" : `κ ${kappa.toFixed(2)} vs humans`;
  const points = (value: number): string => (100 * value).toFixed(1);
  return [
    `${judge} (${agreement}, n = ${formatCount(labels)})`,
    ...(corrected === null
      ? []
      : [
          `corrected for the judge's errors ${points(corrected.effect)} points ` +
            `[${points(corrected.interval[0])}, ${points(corrected.interval[1])}], if it errs alike on both versions`,
        ]),
  ];
}

/** Scores made without a language model say so wherever they appear. */
export function judgeName(judge: string): string {
  return /^lexical/i.test(judge) ? `${judge} (lexical, no LLM)` : judge;
}
