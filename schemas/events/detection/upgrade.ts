/**
 * Incident events as they were written until December 2026, read as today's.
 *
 * Then a metric was a name, evidence a record without a type, and the way in which an incident ended a sentence. The
 * topic keeps its records, so they are read for as long as it does. Only this file reads names and sentences.
 */
import { z } from "zod";
import { NormalMeasure } from "./parts.ts";
import { QualityEvidence } from "./quality.ts";

type Old = Readonly<Record<string, unknown>>;

/** The event as today's, if it is one of then; else what was given. */
export function upgradeIncidentEvent(value: unknown): unknown {
  const event = asRecord(value);
  if (event["type"] === "recovered" && typeof event["how"] === "string" && event["cause"] === undefined) {
    const { how, ...rest } = event;
    return { ...rest, cause: causeOf(how as string) };
  }
  const detection = asRecord(event["detection"]);
  const { metric } = detection;
  if (event["type"] !== "detected" || typeof metric !== "string") return value;
  const evidence = evidenceOf(String(detection["kind"]), metric, asRecord(detection["evidence"]));
  const { measure } = evidence;
  return {
    ...event,
    detection: { ...detection, metric: metricOf(metric, String(measure), evidence), evidence },
  };
}

const CAUSES = [
  [/^rolled back/i, "rollback"],
  [/^(fixed by|replaced by)/i, "new_version"],
  [/again$|is stored$|^the gap closed$/i, "gap_closed"],
] as const;

function causeOf(how: string): string {
  // The judge that agrees again is a recovery like any other, whatever the words.
  if (how.startsWith("the judge agrees")) return "by_itself";
  return CAUSES.find(([words]) => words.test(how))?.[1] ?? "by_itself";
}

const RATE_LABELS: Readonly<Record<string, string>> = {
  success_rate: "success rate",
  primary_share: "answers from the primary model",
  cached_prefix_share: "calls with a cached prefix",
  cost_per_call: "cost per call",
};

function metricOf(name: string, measure: string, { threshold_ms }: Old): object {
  const label =
    measure === "share_within"
      ? `calls within ${Number(threshold_ms).toLocaleString("en-US")} ms`
      : (RATE_LABELS[measure] ?? name);
  return { name, unit: unitOf(measure), label };
}

function unitOf(measure: string): string {
  switch (measure) {
    case "cost_per_call":
      return "usd";
    case "input_text":
      return "auc";
    case "input_slice":
    case "input_topic":
    case "input_number":
    case "output_feature":
      return "psi";
    case "traffic":
      return "calls";
    default:
      return "share";
  }
}

function evidenceOf(kind: string, metric: string, old: Old): Old & { readonly measure: unknown } {
  const kept = { ...old, normal: list(NormalMeasure, old["normal"]) };
  switch (kind) {
    case "quality":
      return qualityOf(old);
    case "input_drift":
      return inputsOf(metric, kept);
    case "output_drift":
      return outputsOf(kept);
    case "latency":
      return {
        ...kept,
        measure: "share_within",
        threshold_ms: Number(/^share_within_(\d+)_milliseconds$/.exec(metric)?.[1]),
      };
    case "cost":
      return { ...kept, measure: metric === "cost_usd_per_call" ? "cost_per_call" : metric };
    case "success":
      return { ...kept, measure: "success_rate", impact: null };
    case "path_mix":
      return { ...kept, measure: "primary_share", degraded_share: null };
    case "judge_drift":
      return { ...kept, measure: "judge_agreement" };
    default:
      return { ...old, measure: metric };
  }
}

/** What does not parse is not known: an incident is never lost over a part of its evidence. */
function qualityOf(old: Old): Old & { readonly measure: unknown } {
  const detector = asRecord(old["detector"]);
  const upgraded: Old = {
    ...old,
    detector: { ...detector, kind: detector["kind"] ?? "streams" },
    reference: { ...asRecord(old["reference"]), source: asRecord(old["reference"])["source"] ?? null },
  };
  const entries = Object.entries(QualityEvidence.shape).map(([key, schema]) => {
    const parsed = z.safeParse(schema, upgraded[key]);
    return [key, parsed.success ? parsed.data : (EMPTY[key] ?? null)] as const;
  });
  return { ...Object.fromEntries(entries), measure: "quality" };
}

const EMPTY: Old = { slice_intervals: {}, success: [], normal: [], units_watched: 0 };

function inputsOf(metric: string, old: Old): Old & { readonly measure: unknown } {
  const { names, current, explanation, reference } = old;
  // Counts of the reference and its window once had the same name, and the counts won.
  const counts = Array.isArray(reference) ? reference : null;
  const shared = {
    ...old,
    reference_window: counts === null ? (reference ?? null) : null,
    bins: counts === null || !Array.isArray(names) ? null : { names, reference: counts, current },
    top_bins: old["top_bins"] ?? [],
    jensen_shannon: old["jensen_shannon"] ?? null,
    explanation: explanation ?? null,
  };
  if (metric === "in_text") return { ...shared, ...textOf(old) };
  if (!Array.isArray(names) || names.join() !== "no,yes" || counts === null) {
    return { ...shared, measure: "input_number", sizes: sizesOf(old) };
  }
  const shares = { before: shareOfYes(counts), after: shareOfYes(current) };
  const topic = /^in_topic: .* \((\d+)\)$/su.exec(metric)?.[1];
  return topic === undefined
    ? { ...shared, ...shares, measure: "input_slice" }
    : { ...shared, ...shares, measure: "input_topic", topic: Number(topic) };
}

function textOf({ interval }: Old): Old & { readonly measure: unknown } {
  const ends = Array.isArray(interval) ? interval.map((end: unknown) => 0.5 + Number(end)) : null;
  return { measure: "input_text", auc_interval: ends };
}

function outputsOf(old: Old): Old & { readonly measure: unknown } {
  const { names, reference, current } = old;
  const hasBins = Array.isArray(names) && Array.isArray(reference);
  return {
    ...old,
    measure: "output_feature",
    slice: typeof old["slice"] === "string" ? old["slice"] : null,
    sizes: sizesOf(old),
    bins: hasBins ? { names, reference, current } : null,
    jensen_shannon: old["jensen_shannon"] ?? null,
    // Day by day without a deploy, features were watched over all traffic.
    streams_watched: old["streams_watched"] ?? old["features_watched"] ?? 0,
    features: Array.isArray(old["features"])
      ? old["features"].map((each: unknown) => ({ slice: null, ...asRecord(each) }))
      : [],
    response_models: old["response_models"] ?? null,
  };
}

function sizesOf({ reference_mean, current_mean, ks, wasserstein_per_iqr }: Old): object | null {
  if (typeof reference_mean !== "number" || typeof current_mean !== "number") return null;
  return { mean_before: reference_mean, mean_after: current_mean, ks, wasserstein_per_iqr };
}

function shareOfYes(counts: unknown): number {
  const [no, yes] = Array.isArray(counts) ? counts.map(Number) : [];
  return no === undefined || yes === undefined || no + yes === 0 ? 0 : yes / (no + yes);
}

function list<Item>(schema: z.ZodType<Item>, values: unknown): Item[] {
  if (!Array.isArray(values)) return [];
  return values.flatMap((each: unknown) => {
    const parsed = schema.safeParse(
      asRecord(each)["unit"] === "index" ? { ...asRecord(each), unit: "psi" } : each,
    );
    return parsed.success ? [parsed.data] : [];
  });
}

function asRecord(value: unknown): Old {
  return typeof value === "object" && value !== null ? (value as Old) : {};
}
