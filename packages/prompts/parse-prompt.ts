/** Reads a `.prompt` file: YAML front matter between lines of three dashes, then the template. */
import { PROMPT_KEYS, PromptFrontMatter } from "@plumbline/schemas";
import type { FileProblem, Parsed } from "./file-problem.ts";
import { type ReadPartial, inlinePartials, normalisedText } from "./template/inline-partials.ts";
import { type InputVariable, inputVariables } from "./input-variables.ts";
import type { PromptDocument, PromptMessage, PromptRole } from "@plumbline/client/render";
import { type TemplateNode, parseTemplate } from "./template/template.ts";
import {
  type TemplateProblem,
  type TemplateToken,
  tagText,
  tokenize,
  withoutStandaloneLines,
} from "./template/template-token.ts";
import { checkSchema, nearestName, readYaml, unknownKeyFix } from "./yaml-source.ts";

/** One message as it stands in the file, for lint; in the order of `document.messages`. */
export interface SourceMessage {
  readonly role: PromptRole | "history";
  readonly file: string;
  readonly line: number;
  /** Empty for history. */
  readonly nodes: readonly TemplateNode[];
}

/** A prompt file: the document that is hashed, and what belongs to the file only. */
export interface ParsedPrompt {
  readonly file: string;
  readonly document: PromptDocument;
  readonly owner: string | null;
  /** Path of the eval set. */
  readonly eval_file: string | null;
  readonly rubrics: readonly string[];
  /** Named slices of the input: name to `regex:` pattern. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly variables: readonly InputVariable[];
  readonly messages: readonly SourceMessage[];
  /** Line of a front matter key, of the front matter itself when it is not there. */
  readonly lineOf: (key: string) => number;
}

const ROLES: Readonly<Record<string, PromptRole>> = {
  system: "system",
  user: "user",
  assistant: "assistant",
  // dotprompt's name for the same.
  model: "assistant",
};
/** Longest prompt file, characters. */
const CHARS_MAX = 1_000_000;

/**
 * @param file path relative to the project; names the use case when the front matter does not
 * @param readPartial default: there are no partials
 */
export function parsePrompt(
  text: string,
  file: string,
  readPartial: ReadPartial = () => null,
): Parsed<ParsedPrompt> {
  const fail = (line: number, message: string, fix: string): Parsed<ParsedPrompt> => ({
    kind: "invalid",
    problems: [{ file, line, field: "", message, fix }],
  });
  if (text.length > CHARS_MAX) {
    return fail(0, `is longer than ${CHARS_MAX} characters`, "Move data into variables");
  }
  const lines = normalisedText(text).split("\n");
  const start = lines.findIndex((line) => line.trim() !== "" && !line.startsWith("#"));
  if (start === -1 || lines[start]!.trimEnd() !== "---") {
    return fail(1, "has no front matter", "Begin the file with ---, model: provider/model, ---");
  }
  const end = lines.findIndex((line, i) => i > start && line.trimEnd() === "---");
  if (end === -1)
    return fail(start + 1, "the front matter is never closed", "Put --- on a line of its own after it");

  const front = readYaml(lines.slice(start + 1, end).join("\n"), file, start + 2);
  if (front.kind === "invalid") return front;
  const source = front.value.value === null ? { ...front.value, value: {} } : front.value;
  const checked = checkSchema(PromptFrontMatter, source, file, PROMPT_KEYS);
  const problems: FileProblem[] = checked.kind === "invalid" ? [...checked.problems] : [];
  problems.push(...unknownKeys(source.value, file, source.lineOf));

  const template = readTemplate(lines.slice(end + 1).join("\n"), file, end + 2, readPartial);
  problems.push(...template.problems.map((problem) => ({ ...problem, field: "" })));
  if (checked.kind === "invalid" || problems.length > 0) return { kind: "invalid", problems };

  const matter = checked.value;
  const useCase = matter["plumbline.use_case"] ?? useCaseOf(file);
  if (useCase === null) {
    return fail(
      start + 1,
      "the file's name is not a use case",
      "Add plumbline.use_case: lower-case words joined by dashes",
    );
  }
  const { format, schema } = matter.output;
  const document: PromptDocument = {
    use_case: useCase,
    model: matter.model,
    config: matter.config,
    messages: template.messages.map(({ message }) => message),
    ...(Object.keys(matter.input.default).length > 0 && { defaults: matter.input.default }),
    ...((format === "json" || schema !== undefined) && {
      output: { format: "json", ...(schema !== undefined && { schema }) },
    }),
  };
  return {
    kind: "parsed",
    warnings: [],
    value: {
      file,
      document,
      owner: matter["plumbline.owner"] ?? null,
      eval_file: matter["plumbline.eval"] ?? null,
      rubrics: matter["plumbline.rubrics"] ?? [],
      attributes: matter["plumbline.attributes"] ?? {},
      variables: inputVariables(matter.input.schema),
      messages: template.messages.map(({ sourceMessage }) => sourceMessage),
      lineOf: (key) => source.lineOf([key]),
    },
  };
}

function unknownKeys(
  value: unknown,
  file: string,
  lineOf: (path: readonly string[]) => number,
): readonly FileProblem[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.keys(value)
    .filter((key) => !PROMPT_KEYS.includes(key) && (!key.includes(".") || key.startsWith("plumbline.")))
    .map((key) => {
      const near = nearestName(key, PROMPT_KEYS);
      const isEngine = key === "engine" || key === "tools";
      return {
        file,
        line: lineOf([key]),
        field: key,
        message: isEngine ? "is not supported" : "is not a known key",
        fix: isEngine
          ? "Pass tools in config; templates use the built-in subset"
          : unknownKeyFix(near, "Remove it, or give it a prefix of your own, such as acme.key"),
      };
    });
}

function useCaseOf(file: string): string | null {
  const name = (file.split("/").at(-1) ?? "").replace(/\.prompt$/, "");
  return /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/.test(name) ? name : null;
}

interface ReadMessage {
  readonly message: PromptMessage;
  readonly sourceMessage: SourceMessage;
}

/** Cuts the template at its role tags. Text before the first is the user's, as in dotprompt. */
function readTemplate(
  text: string,
  file: string,
  firstLine: number,
  readPartial: ReadPartial,
): { readonly messages: readonly ReadMessage[]; readonly problems: readonly TemplateProblem[] } {
  const read = tokenize(text, file, firstLine);
  const inlined = inlinePartials(read.tokens, readPartial);
  const problems = [...read.problems, ...inlined.problems];
  // Comments go first, with their lines, so that a comment never changes a version.
  const tokens = withoutStandaloneLines(inlined.tokens, (token) => token.kind === "comment").filter(
    (token) => token.kind !== "comment",
  );
  problems.push(...parseTemplate(tokens).problems);

  const messages: ReadMessage[] = [];
  let role: PromptRole = "user";
  let opened: TemplateToken | null = null;
  let part: TemplateToken[] = [];
  const close = (): void => {
    const content = part.map(tagText).join("").trim();
    if (content !== "") {
      const nodes = parseTemplate(trimmedTokens(part)).nodes;
      const place = opened ?? part[0]!;
      messages.push({
        message: { role, content },
        sourceMessage: { role, file: place.file, line: place.line, nodes },
      });
    } else if (opened?.kind === "role" && read.problems.length === 0) {
      problems.push({
        file: opened.file,
        line: opened.line,
        message: `the ${role} message is empty`,
        fix: "Write it, or remove its {{role}}",
      });
    }
    part = [];
  };
  for (const token of tokens) {
    if (token.kind === "role") {
      close();
      opened = token;
      const known = ROLES[token.role];
      if (known === undefined) {
        problems.push({
          file: token.file,
          line: token.line,
          message: `there is no role ${token.role}`,
          fix: "Use system, user or assistant",
        });
      } else role = known;
    } else if (token.kind === "history") {
      close();
      opened = token;
      role = "user";
      const { file: tokenFile, line } = token;
      if (messages.some(({ message }) => message.role === "history")) {
        problems.push({ file: tokenFile, line, message: "{{history}} stands twice", fix: "Keep one" });
      }
      messages.push({
        message: { role: "history" },
        sourceMessage: { role: "history", file: tokenFile, line, nodes: [] },
      });
    } else part.push(token);
  }
  close();
  if (messages.length === 0 && problems.length === 0) {
    problems.push({
      file,
      line: firstLine,
      message: "the template is empty",
      fix: 'Add {{role "system"}} and what the model should do',
    });
  }
  return { messages, problems };
}

function trimmedTokens(tokens: readonly TemplateToken[]): readonly TemplateToken[] {
  const last = tokens.length - 1;
  return tokens.map((token, i) => {
    if (token.kind !== "text") return token;
    let { text, line } = token;
    if (i === 0) {
      const kept = text.trimStart();
      line += text.slice(0, text.length - kept.length).split("\n").length - 1;
      text = kept;
    }
    return { ...token, line, text: i === last ? text.trimEnd() : text };
  });
}
