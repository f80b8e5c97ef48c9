/** What the labels of a file can be judged on: each criterion is a field of the events and a rubric. */
import type { Rubric } from "@plumbline/ports";
import { DEFAULT_RUBRICS, hashRubric } from "../../judge/default-rubric.ts";
import type { EventRow } from "./read-traffic.ts";

export interface LabelCriterion {
  readonly rubric: Rubric;
  /** Dotted path into an event: a number in [0,1], or true and false. */
  readonly field: string;
}

/** Tried on every file; a criterion without a single value is left out. */
const FIELDS = {
  quality: "label.quality",
  faithfulness: "label.faithful",
  completeness: "meta.fact_recall",
} as const;

/** @param chosen `name=field`, replacing the usual ones; each becomes a guardrail criterion */
export function labelCriteria(chosen: readonly string[] = []): readonly LabelCriterion[] {
  const pairs = chosen.length === 0 ? Object.entries(FIELDS) : chosen.map((each) => splitPair(each));
  return pairs.map(([name, field]) => ({ field, rubric: rubricOf(name, field) }));
}

/** The score of an event in [0,1], or null when the file has none. */
export function labelOf(row: EventRow, field: string): number | null {
  let value: unknown = row;
  for (const key of field.split(".")) {
    if (typeof value !== "object" || value === null) return null;
    value = (value as Record<string, unknown>)[key];
  }
  if (typeof value === "boolean") return value ? 1 : 0;
  return typeof value === "number" && value >= 0 && value <= 1 ? value : null;
}

function splitPair(pair: string): readonly [string, string] {
  const at = pair.indexOf("=");
  if (at < 1 || at === pair.length - 1) throw new RangeError(`criterion ${pair}: must be name=field`);
  return [pair.slice(0, at), pair.slice(at + 1)];
}

function rubricOf(name: string, field: string): Rubric {
  const usual = DEFAULT_RUBRICS.find((rubric) => rubric.name === name);
  if (usual !== undefined) return usual;
  const rubric = {
    name,
    version: 1,
    is_guardrail: true,
    criterion: `The field ${field} of the event.`,
    pass_if: 0.8,
  };
  return { ...rubric, hash: hashRubric(rubric) };
}
