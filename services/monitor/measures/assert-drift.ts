/** Asserts inputs and outputs that moved: against the past, and at a deploy against the incumbent. */
import { type IncidentState, isOpen } from "@plumbline/alerts";
import type { JudgedUnitRow } from "@plumbline/ports";
import type { Detection, InputDriftDetection, OutputDriftDetection } from "@plumbline/schemas";
import { inputDetection, movedOutputDetection, outputDetection, shareOfYes } from "./describe-drift.ts";
import type { FeatureResult } from "../inputs/drift-decision.ts";
import { explainShift } from "../inputs/explain-shift.ts";
import { iso, type UseCase } from "../units/series.ts";
import {
  type AssertDeps,
  detect,
  isDismissed,
  isNews,
  openOf,
  recover,
  recoverAfterChange,
  standingOf,
} from "./open-incident.ts";
import type { UseCaseMeasures } from "./use-case-measures.ts";

/** Input drift, and output drift of a version that nobody deployed lately. */
export async function assertDrift(
  key: UseCase,
  measures: UseCaseMeasures,
  now: number,
  deps: AssertDeps,
): Promise<void> {
  const all = measures.decision?.flagged ?? [];
  const inputs = all.filter((result) => result.side === "input");
  // Other inputs get other answers: outputs that move together with the inputs are not news of their own.
  const outputs = inputs.length > 0 ? [] : all.filter((result) => result.side === "output");
  const found = inputs.length > 0 ? null : ownOutputDetection(key, measures, now);
  if (measures.decision !== null) {
    const drift = inputs.length === 0 ? null : inputDetection(key, inputs, measures);
    await assertOrRecover(
      standingOf(key, "input_drift", deps),
      drift === null ? null : await withExplanation(drift, inputs, now, deps),
      measures,
      now,
      deps,
    );
  }
  // Day by day in every slice, and, where traffic is dense, hour by hour in all of it.
  const moved = outputs.length === 0 ? null : movedOutputDetection(key, outputs, measures);
  const standing = standingOf(key, "output_drift", deps).filter(
    ({ detection }) => !detection.evidence.at_deploy,
  );
  if (measures.decision !== null || measures.self !== null)
    await assertOrRecover(standing, found ?? moved, measures, now, deps);
}

/** Adds the effect of the shift on quality, by the clearest slice that moved; asked only before an assertion. */
async function withExplanation(
  detection: InputDriftDetection,
  inputs: readonly FeatureResult[],
  now: number,
  deps: AssertDeps,
): Promise<InputDriftDetection> {
  const slice = inputs.find((result) => result.is.type === "slice");
  const [known] = openOf(detection, detection.kind, deps);
  const isAsserted = known === undefined ? !isDismissed(detection, deps) : isNews(known, detection, now);
  if (slice?.bins == null || !isAsserted) return detection;
  const { tenant, env, use_case } = detection;
  const units = async (start: number, end: number): Promise<readonly JudgedUnitRow[]> =>
    (
      await deps.store.judgedUnits({ start: iso(start), end: iso(end), use_cases: [{ tenant, use_case }] })
    ).filter((row) => row.tenant === tenant && row.env === env);
  const explanation = explainShift(
    slice.feature,
    { before: shareOfYes(slice.bins.reference), after: shareOfYes(slice.bins.current) },
    await units(slice.referenceStart, slice.referenceEnd),
    await units(slice.windowStart, now),
  );
  return explanation === null
    ? detection
    : { ...detection, evidence: { ...detection.evidence, explanation } };
}

async function assertOrRecover(
  standing: readonly IncidentState[],
  detection: Detection | null,
  measures: UseCaseMeasures,
  now: number,
  deps: AssertDeps,
): Promise<void> {
  if (detection !== null) return detect(detection, standing.filter(isOpen), now, deps);
  for (const state of standing) await recover(state, "by_itself", measures, now, deps);
}

/** Outputs of the watched version against its incumbent's. */
export async function assertOutputs(
  key: UseCase,
  measures: UseCaseMeasures,
  now: number,
  deps: AssertDeps,
): Promise<void> {
  const { watch } = measures;
  const standing = standingOf(key, "output_drift", deps).filter(
    ({ detection: { evidence } }) => evidence.at_deploy,
  );
  const flagged = watch?.fingerprint?.flagged() ?? [];
  for (const state of standing) {
    const { prompt_version } = state.detection.candidate;
    const serving = measures.serving();
    // It stays open while the version serves and differs.
    if (measures.isGone(prompt_version) && serving !== null && serving.name !== prompt_version) {
      await recoverAfterChange(state, serving.name, measures, now, deps);
    } else if (watch?.version === prompt_version && watch.fingerprint !== null && flagged.length === 0) {
      await recover(state, "by_itself", measures, now, deps);
    }
  }
  const [clearest] = flagged;
  if (watch === null || clearest === undefined || measures.isGone(watch.version)) return;
  const own = standing.filter(
    (state) => isOpen(state) && state.detection.candidate.prompt_version === watch.version,
  );
  const compared = {
    version: watch.version,
    incumbent: watch.incumbent,
    startedAt: watch.startedAt,
    isDeploy: true,
    streams: watch.fingerprint?.streams ?? 0,
  };
  await detect(outputDetection(key, compared, clearest, flagged, measures, now), own, now, deps);
}

/** The serving version against its own past; null while nothing moved, and once it no longer serves. */
function ownOutputDetection(
  key: UseCase,
  measures: UseCaseMeasures,
  now: number,
): OutputDriftDetection | null {
  const { self } = measures;
  if (self === null || measures.isGone(self.version)) return null;
  const flagged = self.flagged();
  const [clearest] = flagged;
  if (clearest === undefined) return null;
  const compared = {
    version: self.version,
    incumbent: self.version,
    startedAt: self.movedSince ?? self.frozenAt,
    isDeploy: false,
    streams: self.streams,
  };
  return outputDetection(key, compared, clearest, flagged, measures, now);
}
