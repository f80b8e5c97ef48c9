/** A version of which the provider caches nothing, although it could → one incident. */
import { prefixFacts, type PromptDocument } from "@plumbline/prompts";
import { DAY_MS, isVersion, type RateDetection } from "@plumbline/schemas";
import { confidenceSequence } from "@plumbline/stats";
import { severityOf } from "../report/severity.ts";
import { type UncachedPrefix, whyUncached } from "../rates/uncached-prefix.ts";
import { iso, type UseCase } from "../units/series.ts";
import { type AssertDeps, BASE, detect, recover, recoverAfterChange, standingOf } from "./open-incident.ts";
import { REFERENCE_CALLS_MIN } from "../rates/version-health.ts";
import { normalMeasures, type UseCaseMeasures } from "./use-case-measures.ts";

const METRIC: RateDetection["metric"] = {
  name: "uncached_prefix",
  unit: "share",
  label: "calls with a cached prompt",
};

/** @param promptOf the prompt of a version; null where the registry does not hold it. Asked only when nothing is cached */
export async function assertUncachedPrefix(
  key: UseCase,
  measures: UseCaseMeasures,
  now: number,
  deps: AssertDeps,
  promptOf: (version: string) => Promise<PromptDocument | null>,
): Promise<void> {
  const serving = measures.serving();
  if (serving === null) return;
  const { reported, cached } = measures.cachedCalls(serving.name);
  const estimate = estimateOf(cached, reported);
  const standing = standingOf(key, "cost", deps).filter(
    ({ detection }) => detection.metric.name === METRIC.name,
  );
  for (const state of standing) {
    if (state.detection.candidate.prompt_version !== serving.name)
      await recoverAfterChange(state, serving.name, measures, now, deps);
    else if (cached > 0) await recover(state, "by_itself", measures, now, deps, estimate);
  }
  const isKnown = standing.some(({ detection }) => detection.candidate.prompt_version === serving.name);
  if (isKnown || cached > 0 || reported < REFERENCE_CALLS_MIN || !isVersion(serving.name)) return;
  // A prefix that the version before had is the finding of its loss.
  if (measures.health?.tests.findings().some(({ metric }) => metric.name === "cached_prefix_share") === true)
    return;
  const prompt = await promptOf(serving.name);
  const found = prompt === null ? null : whyUncached(prefixFacts(prompt));
  if (found === null) return;
  const detection = detectionOf(key, measures, serving, { found, estimate, now });
  await detect(detection, [], now, deps);
}

function detectionOf(
  key: UseCase,
  measures: UseCaseMeasures,
  { name, firstHour }: { readonly name: string; readonly firstHour: number },
  {
    found,
    estimate,
    now,
  }: {
    readonly found: UncachedPrefix;
    readonly estimate: ReturnType<typeof estimateOf>;
    readonly now: number;
  },
): RateDetection {
  const draft = {
    ...BASE,
    ...key,
    kind: "cost" as const,
    metric: METRIC,
    candidate: { prompt_version: name, units: 0, ...estimate },
    incumbent: null,
    effect: 0,
    interval: [0, 0] as const,
    method: "count of calls, and the text of the prompt",
    window: { start: iso(Math.max(firstHour, now - DAY_MS)), end: iso(now) },
    version_started_at: iso(firstHour),
    evidence: {
      measure: "uncached_prefix" as const,
      at_deploy: false,
      normal: normalMeasures(measures, name),
      ...found,
    },
  };
  return { ...draft, severity: severityOf(draft) };
}

function estimateOf(cached: number, reported: number) {
  const { lower, upper } = confidenceSequence(cached, reported);
  const interval: readonly [number, number] = [lower, upper];
  return { calls: reported, mean: reported === 0 ? 0 : cached / reported, interval };
}
