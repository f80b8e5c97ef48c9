/**
 * What changed between two prompt documents, for a reviewer: model, config by key, and messages by line, with the
 * words that changed inside a line that was edited.
 */
import { canonicalJson } from "@plumbline/client/render";
import { diffSequence, splitWords } from "./diff-sequence.ts";
import type { JsonValue, PromptDocument, PromptMessage } from "@plumbline/client/render";

interface WordRun {
  readonly op: "same" | "removed" | "added";
  readonly text: string;
}

/** A changed line; an edited line is one removed and one added line, each with its words marked. */
interface ChangedLine {
  readonly op: "removed" | "added";
  readonly text: string;
  readonly words: readonly WordRun[];
}

/** Absent before: undefined. Absent after: undefined. */
export interface ChangedField {
  readonly field: string;
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
}

interface ChangedMessage {
  /** Position in the newer document, from 0; in the older one for a message that is gone. */
  readonly index: number;
  readonly role: PromptMessage["role"];
  readonly lines: readonly ChangedLine[];
}

export interface PromptDiff {
  readonly is_same: boolean;
  readonly fields: readonly ChangedField[];
  readonly messages: readonly ChangedMessage[];
  /** Lines of messages only; a changed field counts in `fields`. */
  readonly lines_added: number;
  readonly lines_removed: number;
}

/** Fields in the order model, config, defaults, output. Pure; symmetric but for the direction. */
export function diffPrompts(before: PromptDocument, after: PromptDocument): PromptDiff {
  const fields = [
    ...diffFields(
      { use_case: before.use_case, model: before.model },
      { use_case: after.use_case, model: after.model },
    ),
    ...diffFields(before.config, after.config, "config."),
    ...diffFields(before.defaults ?? {}, after.defaults ?? {}, "input.default."),
    ...diffFields(before.output ?? {}, after.output ?? {}, "output."),
  ];
  const messages = diffMessages(before.messages, after.messages);
  const lines = messages.flatMap((each) => each.lines);
  return {
    is_same: fields.length === 0 && messages.length === 0,
    fields,
    messages,
    lines_added: lines.filter((line) => line.op === "added").length,
    lines_removed: lines.filter((line) => line.op === "removed").length,
  };
}

/** Keys whose values differ, sorted. For policies and rubrics too. */
export function diffFields(
  before: Readonly<Record<string, JsonValue>>,
  after: Readonly<Record<string, JsonValue>>,
  prefix = "",
): readonly ChangedField[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .toSorted()
    .map((key) => ({
      field: `${prefix}${key}`,
      before: Object.hasOwn(before, key) ? before[key] : undefined,
      after: Object.hasOwn(after, key) ? after[key] : undefined,
    }))
    .filter(
      ({ before: old, after: now }) =>
        old === undefined || now === undefined || canonicalJson(old) !== canonicalJson(now),
    );
}

/** Changed lines of two texts, in reading order. */
export function diffLines(before: string, after: string): readonly ChangedLine[] {
  const changed: ChangedLine[] = [];
  const runs = diffSequence(linesOf(before), linesOf(after));
  for (let i = 0; i < runs.length; i++) {
    const run = runs[i]!;
    const next = runs[i + 1];
    if (run.op === "same") continue;
    if (run.op === "removed" && next?.op === "added") {
      // Lines that were edited in place stand at the same position of the two runs.
      const pairs = Math.min(run.items.length, next.items.length);
      for (let k = 0; k < run.items.length; k++) {
        changed.push(
          k < pairs
            ? markedLine("removed", run.items[k]!, next.items[k]!)
            : wholeLine("removed", run.items[k]!),
        );
      }
      for (let k = 0; k < next.items.length; k++) {
        changed.push(
          k < pairs ? markedLine("added", run.items[k]!, next.items[k]!) : wholeLine("added", next.items[k]!),
        );
      }
      i++;
      continue;
    }
    for (const item of run.items) changed.push(wholeLine(run.op, item));
  }
  return changed;
}

/**
 * Plain text: `+1 −0` first, then only what changed. Marks words as `[-gone-]` and `{+new+}` in lines that were edited.
 */
export function formatDiff(diff: PromptDiff, options: { readonly words?: boolean } = {}): string {
  if (diff.is_same) return "no change\n";
  const out = [`+${diff.lines_added} −${diff.lines_removed}`];
  for (const { field, before, after } of diff.fields) {
    out.push(
      `${field}: ${before === undefined ? "(none)" : JSON.stringify(before)} → ${after === undefined ? "(none)" : JSON.stringify(after)}`,
    );
  }
  for (const { role, lines } of diff.messages) {
    out.push(`${role}:`);
    for (const line of lines) {
      const sign = line.op === "added" ? "+" : "−";
      out.push(`${sign} ${options.words === true ? line.words.map(markedWord).join("") : line.text}`);
    }
  }
  return `${out.join("\n")}\n`;
}

function markedWord({ op, text }: WordRun): string {
  if (op === "same") return text;
  return op === "removed" ? `[-${text}-]` : `{+${text}+}`;
}

/** Messages are matched by role in order, so that a new system message does not make every other one look changed. */
function diffMessages(
  before: readonly PromptMessage[],
  after: readonly PromptMessage[],
): readonly ChangedMessage[] {
  const changed: ChangedMessage[] = [];
  let i = 0;
  let j = 0;
  const whole = (op: "removed" | "added", message: PromptMessage, index: number): void => {
    const text = message.role === "history" ? "{{history}}" : message.content;
    changed.push({ index, role: message.role, lines: linesOf(text).map((line) => wholeLine(op, line)) });
  };
  for (const { op, items } of diffSequence(
    before.map(({ role }) => role),
    after.map(({ role }) => role),
  )) {
    for (let k = 0; k < items.length; k++) {
      if (op === "removed") whole("removed", before[i++]!, i - 1);
      else if (op === "added") whole("added", after[j++]!, j - 1);
      else {
        const old = before[i++]!;
        const now = after[j++]!;
        const lines =
          old.role === "history" || now.role === "history" ? [] : diffLines(old.content, now.content);
        if (lines.length > 0) changed.push({ index: j - 1, role: now.role, lines });
      }
    }
  }
  return changed;
}

function linesOf(text: string): readonly string[] {
  return text === "" ? [] : text.split("\n");
}

function wholeLine(op: "removed" | "added", text: string): ChangedLine {
  return { op, text, words: [{ op, text }] };
}

function markedLine(op: "removed" | "added", before: string, after: string): ChangedLine {
  const words = diffSequence(splitWords(before), splitWords(after))
    .filter((run) => run.op === "same" || run.op === op)
    .map((run) => ({ op: run.op, text: run.items.join("") }));
  return { op, text: op === "removed" ? before : after, words };
}
