/** YAML and JSON of people's files, with the line of every field, so that a schema's complaint can be found. */
import { plainWords, REQUIRED } from "@plumbline/schemas";
import { type Document, LineCounter, isAlias, isNode, isScalar, isSeq, parseDocument, visit } from "yaml";
import type { FileProblem, Parsed } from "./file-problem.ts";

/** Longest file that is read, characters. */
const CHARS_MAX = 1_000_000;
/** Levels of collections in one another. Files of people have ten or so; the parser's time is their number times the text. */
const DEPTH_MAX = 100;
/** Faults of one file that are listed. */
const PROBLEMS_MAX = 20;
/** Aliases multiply; a front matter has no need of many. */
const ALIASES_MAX = 20;

export interface YamlSource {
  readonly value: unknown;
  /** Line of the field at the path, or of its nearest parent that exists. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
}

/** @param firstLine line of the file on which the text starts */
export function readYaml(text: string, file: string, firstLine = 1): Parsed<YamlSource> {
  if (text.length > CHARS_MAX) {
    return invalid([
      {
        file,
        line: 0,
        field: "",
        message: `is longer than ${CHARS_MAX} characters`,
        fix: "Split it, or move data out of it",
      },
    ]);
  }
  if (mayBeDeeper(text, DEPTH_MAX)) {
    return invalid([
      {
        file,
        line: firstLine,
        field: "",
        message: `opens more than ${DEPTH_MAX} brackets, or lists, in one another`,
        fix: "Close them, or quote the text that holds them",
      },
    ]);
  }
  const lines = new LineCounter();
  // The parser compares each key with every one before it; `repeatedKey` looks it up.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    merge: true,
  });
  if (document.errors.length > 0) {
    return invalid(
      document.errors.slice(0, PROBLEMS_MAX).map((error) => ({
        file,
        line: lines.linePos(error.pos[0]).line + firstLine - 1,
        field: "",
        message: `is not YAML: ${error.message.replace(/\.$/, "")}`,
        fix: "Check the indentation, and quote text that holds : or #",
      })),
    );
  }
  const repeated = repeatedKey(document);
  if (repeated !== null) {
    return invalid([
      {
        file,
        line: lines.linePos(repeated.at).line + firstLine - 1,
        field: "",
        message: `is not YAML: the key ${repeated.key.slice(0, 80)} stands twice in one map`,
        fix: "Remove one of the two",
      },
    ]);
  }
  if (mergedAliases(document) > ALIASES_MAX) {
    return invalid([
      {
        file,
        line: firstLine,
        field: "<<",
        message: `merges more than ${ALIASES_MAX} aliases`,
        fix: "Write the values out",
      },
    ]);
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    const isMerge = error instanceof Error && error.message.startsWith("Merge sources");
    return invalid([
      {
        file,
        line: firstLine,
        field: isMerge ? "<<" : "",
        message: isMerge
          ? "merges something that is no map"
          : "cannot be read: an alias has no anchor, or there are too many",
        fix: "Write the values out",
      },
    ]);
  }
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let length = path.length; length > 0; length--) {
      const node: unknown = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line + firstLine - 1;
    }
    return firstLine;
  };
  return { kind: "parsed", value: { value, lineOf }, warnings: [] };
}

/** The first key that stands twice in its map, and where; null when there is none. */
function repeatedKey(document: Document.Parsed): { readonly key: string; readonly at: number } | null {
  let found: { key: string; at: number } | null = null;
  visit(document, {
    Map(_key, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) {
          found = { key: String(key.value), at: key.range?.[0] ?? 0 };
          return visit.BREAK;
        }
        seen.add(key.value);
      }
      return undefined;
    },
  });
  return found;
}

/** Aliases under merge keys, which the parser does not count: merges of merges multiply. */
function mergedAliases(document: Document.Parsed): number {
  let aliases = 0;
  visit(document, {
    Pair(_key, { key, value }) {
      const isMerge = isScalar(key) && typeof key.value === "symbol";
      if (isMerge) aliases += isAlias(value) ? 1 : isSeq(value) ? value.items.filter(isAlias).length : 0;
    },
  });
  return aliases;
}

/** Counts brackets wherever they stand, and dashes that begin lists on one line: more than there are levels, never fewer. */
function mayBeDeeper(text: string, levels: number): boolean {
  let brackets = 0;
  let dashes = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === "[" || character === "{") brackets += 1;
    else if (character === "]" || character === "}") brackets = Math.max(0, brackets - 1);
    if ((character === "-" || character === "?") && text[at + 1] === " ") dashes += 1;
    else if (character !== " ") dashes = 0;
    if (brackets > levels || dashes > levels) return true;
  }
  return false;
}

/** What a schema of `@plumbline/schemas` offers here. */
interface FileSchema<Value> {
  safeParse(
    value: unknown,
    options: { readonly error: typeof plainWords },
  ): { success: true; data: Value } | { success: false; error: { issues: readonly SchemaIssue[] } };
}

interface SchemaIssue {
  readonly code?: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
  readonly errors?: readonly (readonly SchemaIssue[])[];
}

/** Checks a value that was read, and gives every complaint its line. */
export function checkSchema<Value>(
  schema: FileSchema<Value>,
  source: YamlSource,
  file: string,
  knownKeys: readonly string[] = [],
): Parsed<Value> {
  const checked = schema.safeParse(source.value, { error: plainWords });
  if (checked.success) return { kind: "parsed", value: checked.data, warnings: [] };
  return invalid(checked.error.issues.map((issue) => problemOf(issue, source, file, knownKeys)));
}

function problemOf(
  issue: SchemaIssue,
  source: YamlSource,
  file: string,
  knownKeys: readonly string[],
): FileProblem {
  const line = source.lineOf(issue.path);
  const field = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys" && issue.keys !== undefined) {
    const key = issue.keys[0] ?? "";
    const near = nearestName(key, knownKeys);
    return {
      file,
      line: source.lineOf([...issue.path, key]),
      field: [...issue.path.map(String), key].join("."),
      message: "is not a known key",
      fix: unknownKeyFix(near),
    };
  }
  // A union says only that nothing fits; the branch that came furthest says what was expected.
  const deepest = issue.errors
    ?.flat()
    .toSorted((a, b) => b.path.length - a.path.length || Number(isVague(a)) - Number(isVague(b)))[0];
  const message = (deepest?.message ?? issue.message).replace(/\.$/, "");
  const isMissing = message === REQUIRED;
  return {
    file,
    line,
    field,
    message: isMissing ? "is missing" : message,
    fix: isMissing
      ? `Add ${field === "" ? "the content" : field}`
      : `Correct ${field === "" ? "the file" : field}`,
  };
}

/** What to do about a key that nothing reads. */
export function unknownKeyFix(near: string | null, otherwise = "Remove it"): string {
  return near === null ? otherwise : `Write ${near}, or remove it`;
}

/** Another branch of a union says more than that the type is another. */
function isVague({ code }: SchemaIssue): boolean {
  return code === "invalid_type" || code === "invalid_union";
}

/** Known names that one name is compared with: a file may declare thousands, and nobody needs a guess among them. */
const NAMES_COMPARED_MAX = 200;

/** Typing errors in a name of five characters: in a shorter one, two make another word of it. */
const SLIP_SHARE_MAX = 0.4;

/** The known name within two typing errors, if there is one among the first of them. */
export function nearestName(name: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let distance = 3;
  for (const each of known.slice(0, NAMES_COMPARED_MAX)) {
    if (Math.abs(name.length - each.length) >= distance) continue;
    const now = editDistance(name.slice(0, 64), each.slice(0, 64));
    if (now < distance && now <= SLIP_SHARE_MAX * Math.max(name.length, each.length))
      [best, distance] = [each, now];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

function invalid(problems: readonly FileProblem[]): { kind: "invalid"; problems: readonly FileProblem[] } {
  return { kind: "invalid", problems };
}
