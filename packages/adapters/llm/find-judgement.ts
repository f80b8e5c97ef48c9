/** Finds the judgement in a model's text: the last complete object that gives a label, after any thinking. */
import { jsonrepair } from "jsonrepair";

/** A judgement has a few thousand characters; what stands before the last of them is thinking. */
const CHARS_MAX = 64_000;
/** Marks looked at; a text of braces alone would otherwise be read once per brace. */
const MARKS_MAX = 400;
/** Objects repaired, which costs more than to parse them. */
const REPAIRS_MAX = 20;

/** Where a model begins to think, where it ends, and where an object may begin. */
const MARK =
  /<(\/?)(think|thinking|thought|reasoning|reflection|scratchpad|analysis)>|\[(\/?)THINK\]|<\|channel\|>(analysis|final)|\{(?=\s*["'}A-Za-z])/gi;

/** The keys of an object, folded: `Failure type` and `failure_type` are one. */
export type Folded = ReadonlyMap<string, unknown>;

/**
 * Returns the object, its keys folded, or null when there is none. Drafts count for nothing: neither what stands in
 * the thinking, nor an object before the last, nor a complete one before one that was cut.
 */
export function findJudgement(text: string): Folded | null {
  const whole = foldJudgement(tryParse(text));
  if (whole !== null) return whole;
  const read = text.slice(-CHARS_MAX);
  let found: Folded | null = null;
  let repairs = 0;
  let at = 0;
  for (let marks = 0; marks < MARKS_MAX; marks++) {
    MARK.lastIndex = at;
    const mark = MARK.exec(read);
    if (mark === null) return found;
    if (!mark[0].startsWith("{")) {
      const thinks = isThinking(mark);
      // What was found before the end of thinking was thought.
      if (!thinks) found = null;
      const end = thinks ? endOfThinking(read, mark) : mark.index + mark[0].length;
      // Cut while it thought: nothing was answered.
      if (end === null) return null;
      at = end;
      continue;
    }
    const end = endOfObject(read, mark.index);
    const slice = end === null ? "" : read.slice(mark.index, end);
    let value = tryParse(slice);
    if (value === undefined && slice !== "" && repairs < REPAIRS_MAX && /label|verdict/i.test(slice)) {
      repairs += 1;
      value = tryRepair(slice);
    }
    const object = foldJudgement(value);
    if (end !== null && object !== null) {
      found = object;
      at = end;
    } else {
      if (end === null && looksLikeJudgement(read, mark.index)) found = null;
      at = mark.index + 1;
    }
  }
  return found;
}

/** foldJudgement returns the object with folded keys, or null for what gives no label. */
export function foldJudgement(value: unknown): Folded | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const folded = foldKeys(value);
  if (folded.has("label")) return folded;
  // The word for it in many rubrics.
  return folded.has("verdict") ? new Map([...folded, ["label", folded.get("verdict")]]) : null;
}

export function foldKeys(value: object): Folded {
  return new Map(
    Object.entries(value).map(([key, each]) => [key.toLowerCase().replace(/[^a-z]/g, ""), each]),
  );
}

function isThinking([, tagEnd, tag, bracketEnd, channel]: RegExpExecArray): boolean {
  if (channel !== undefined) return channel.toLowerCase() === "analysis";
  return tag !== undefined ? tagEnd === "" : bracketEnd === "";
}

/** Null when the thinking does not end. */
function endOfThinking(text: string, [mark, , tag, , channel]: RegExpExecArray): number | null {
  const close = channel !== undefined ? "<|channel|>final" : tag !== undefined ? `</${tag}>` : "[/THINK]";
  const begin = MARK.lastIndex;
  const end = text.toLowerCase().indexOf(close.toLowerCase(), begin);
  return end < 0 || mark === "" ? null : end + close.length;
}

/** Just after the brace that closes the object; null when it does not close. Braces in strings are text. */
function endOfObject(text: string, start: number): number | null {
  let depth = 0;
  let isText = false;
  for (let i = start; i < text.length; i++) {
    const char = text[i];
    if (isText) {
      if (char === "\\") i++;
      else if (char === '"') isText = false;
    } else if (char === '"') isText = true;
    else if (char === "{") depth++;
    else if (char === "}" && --depth === 0) return i + 1;
  }
  return null;
}

function looksLikeJudgement(text: string, start: number): boolean {
  return /^\{\s*["']?(?:evidence|reasoning|label|verdict)\b/i.test(text.slice(start, start + 40));
}

/** What models write instead of JSON: trailing commas, line breaks in strings, Python's words. */
function tryRepair(text: string): unknown {
  try {
    return tryParse(jsonrepair(text));
  } catch {
    return undefined;
  }
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
