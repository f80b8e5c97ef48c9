/**
 * Takes customers' words out of an incident before it leaves for a channel outside (guarantee 10 of the design).
 *
 * Two kinds of names are made of them: a topic is named after words of inputs, and the slice of an attribute after its
 * value. Slices that the product itself names say nothing of anybody, and stay.
 */
import type { IncidentState } from "../incident/incident-state.ts";

/** The monitor's name of a topic: its words, and its number. */
const TOPIC = /^in_topic: .* \((\d+)\)$/su;
/** The slice of an attribute: its key, which comes from code, and its value, which may be anybody's. */
const ATTRIBUTE = /^([\p{L}\p{N}_.-]{1,40})=(.*)$/su;
/** Slices of this form that the product names. */
const OWN = /^(?:lang=[a-z]{2,3}|input_length=(?:short|medium|long|very_long)|model=\S*|cell=.*)$/su;

/** withoutCustomerWords returns the incident with `topic 3` and `customer=#1` in place of names made of customers' words. */
export function withoutCustomerWords(state: IncidentState): IncidentState {
  const names = new Map<string, string>();
  const counts = new Map<string, number>();
  const learn = (text: string): void => {
    if (names.has(text) || OWN.test(text)) return;
    const topic = TOPIC.exec(text)?.[1];
    if (topic !== undefined) return void names.set(text, `topic ${topic}`);
    const key = ATTRIBUTE.exec(text)?.[1];
    if (key === undefined) return;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    names.set(text, `${key}=#${count}`);
  };
  const { detection, recovery, history } = state;
  if (detection.kind === "input_drift" && detection.evidence.measure === "input_topic")
    names.set(detection.metric.label, `topic ${detection.evidence.topic}`);
  visitTexts(detection, learn);
  if (names.size === 0) return state;
  // The longest first: a name may begin with another.
  const ordered = [...names].toSorted(([a], [b]) => b.length - a.length);
  const rename = (text: string): string =>
    names.get(text) ?? ordered.reduce((all, [name, instead]) => all.replaceAll(name, instead), text);
  return {
    ...state,
    detection: mapTexts(detection, rename),
    recovery: mapTexts(recovery, rename),
    history: mapTexts(history, rename),
  };
}

function visitTexts(value: unknown, visit: (text: string) => void): void {
  if (typeof value === "string") visit(value);
  else if (Array.isArray(value)) for (const each of value) visitTexts(each, visit);
  else if (typeof value === "object" && value !== null) {
    for (const [key, each] of Object.entries(value)) {
      visit(key);
      visitTexts(each, visit);
    }
  }
}

/** Same shape: only texts and keys differ. */
function mapTexts<Value>(value: Value, rename: (text: string) => string): Value;
function mapTexts(value: unknown, rename: (text: string) => string): unknown {
  if (typeof value === "string") return rename(value);
  if (Array.isArray(value)) return value.map((each: unknown) => mapTexts(each, rename));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [rename(key), mapTexts<unknown>(each, rename)]),
  );
}
