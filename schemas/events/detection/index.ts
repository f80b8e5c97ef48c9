/**
 * A detection: what the monitor asserts, with the numbers that made it, so that anybody can recompute it.
 *
 * `kind` is the question that was asked and decides the evidence; `evidence.measure` is what was measured for it. Who
 * describes, decides or reports reads these two, never a name or a sentence.
 */
import { z } from "zod";
import { CoverageDetection } from "./coverage.ts";
import { InputDriftDetection, OutputDriftDetection } from "./drift.ts";
import { JudgeDriftDetection } from "./judge.ts";
import { QualityDetection } from "./quality.ts";
import { CostDetection, LatencyDetection, PathMixDetection, SuccessDetection } from "./rates.ts";

export const Detection = z.discriminatedUnion("kind", [
  QualityDetection,
  InputDriftDetection,
  OutputDriftDetection,
  LatencyDetection,
  CostDetection,
  SuccessDetection,
  PathMixDetection,
  CoverageDetection,
  JudgeDriftDetection,
]);
export type Detection = z.infer<typeof Detection>;
export type DetectionKind = Detection["kind"];
export type Measure = Detection["evidence"]["measure"];
export type DetectionOf<Kind extends DetectionKind> = Extract<Detection, { readonly kind: Kind }>;
export type Severity = Detection["severity"];
export type Unit = Detection["metric"]["unit"];

export type { CoverageEvidence, CoverageDetection, TimeZoneSource } from "./coverage.ts";
export type { InputDriftDetection, InputDriftEvidence, OutputDriftDetection } from "./drift.ts";
export type { Cause, Damage, JudgeCalibration, QualityDetection, QualityEvidence } from "./quality.ts";
export type { RateDetection } from "./rates.ts";
export { AlertLabels, CHANGED_LINE_LENGTH_MAX, CHANGED_LINES_MAX } from "./parts.ts";
export type { Impact, MixEvidence, NormalMeasure, PromptChange, RecoveryEvidence } from "./parts.ts";
