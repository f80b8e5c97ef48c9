/**
 * A message's template as a tree. No Handlebars: the subset is small, and every problem is told at once, with its line and
 * what to write instead. Names resolve as in Handlebars: inside `{{#each}}` a name is a field of the item.
 */
import { renderNodes } from "@plumbline/client/render";
import {
  type BlockKind,
  type TemplateProblem,
  type TemplateToken,
  tokenize,
  withoutStandaloneLines,
} from "./template-token.ts";

export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "variable"; readonly path: string; readonly file: string; readonly line: number }
  | {
      readonly kind: "block";
      readonly block: BlockKind;
      readonly path: string;
      readonly file: string;
      readonly line: number;
      readonly matched: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
    };

const DEPTH_MAX = 20;

interface TemplateTree {
  readonly nodes: readonly TemplateNode[];
  readonly problems: readonly TemplateProblem[];
}

export function parseTemplate(tokens: readonly TemplateToken[]): TemplateTree {
  const lines = withoutStandaloneLines(
    tokens,
    (token) => token.kind === "open" || token.kind === "else" || token.kind === "close",
  );
  const problems: TemplateProblem[] = [];
  interface Open {
    readonly token: TemplateToken & { kind: "open" };
    readonly matched: TemplateNode[];
    otherwise: TemplateNode[] | null;
  }
  const root: TemplateNode[] = [];
  const stack: Open[] = [];
  const here = (): TemplateNode[] => {
    const top = stack.at(-1);
    return top === undefined ? root : (top.otherwise ?? top.matched);
  };
  for (const token of lines) {
    const { file, line } = token;
    switch (token.kind) {
      case "text":
        if (token.text !== "") here().push({ kind: "text", text: token.text });
        break;
      case "variable":
        here().push({ kind: "variable", path: token.path, file, line });
        break;
      case "open":
        if (stack.length >= DEPTH_MAX) {
          problems.push({
            file,
            line,
            message: `blocks are nested deeper than ${DEPTH_MAX}`,
            fix: "Flatten the template",
          });
          return { nodes: root, problems };
        }
        stack.push({ token, matched: [], otherwise: null });
        break;
      case "else": {
        const top = stack.at(-1);
        if (top === undefined || top.otherwise !== null) {
          problems.push({
            file,
            line,
            message: "{{else}} has no block",
            fix: "Remove it, or open a block before it",
          });
        } else top.otherwise = [];
        break;
      }
      case "close": {
        const top = stack.pop();
        if (top === undefined || top.token.block !== token.block) {
          const open =
            top === undefined
              ? "no block is open"
              : `{{#${top.token.block} ${top.token.path}}} of line ${top.token.line} is open`;
          problems.push({
            file,
            line,
            message: `{{/${token.block}}} closes nothing: ${open}`,
            fix: "Close blocks in the reverse order of opening",
          });
          if (top === undefined) break;
        }
        const { block, path, file: openFile, line: openLine } = top!.token;
        here().push({
          kind: "block",
          block,
          path,
          file: openFile,
          line: openLine,
          matched: top!.matched,
          otherwise: top!.otherwise ?? [],
        });
        break;
      }
      case "role":
      case "history":
        if (stack.length > 0) {
          problems.push({
            file,
            line,
            message: `{{${token.kind}}} stands inside a block`,
            fix: "Close the block before the next message begins",
          });
        }
        break;
      case "partial":
        problems.push({
          file,
          line,
          message: `{{>${token.name}}} was not inlined`,
          fix: "Push the prompt again from its file",
        });
        break;
      case "comment":
        break;
    }
  }
  for (const { token } of stack) {
    problems.push({
      file: token.file,
      line: token.line,
      message: `{{#${token.block} ${token.path}}} is never closed`,
      fix: `Add {{/${token.block}}}`,
    });
  }
  return { nodes: root, problems };
}

/** The tree of one message's content. Problems only for content that did not come from `parsePrompt`. */
export function parseMessage(content: string, place = "message"): TemplateTree {
  const { tokens, problems } = tokenize(content, place);
  const tree = parseTemplate(tokens);
  return { nodes: tree.nodes, problems: [...problems, ...tree.problems] };
}

/** One use of a variable of the caller; names inside a loop belong to its items and are not listed. */
interface VariableUse {
  /** First part of the path: the name that the caller passes. */
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** True in `{{#if x}}` and `{{#unless x}}` themselves, and in the branch where x is known to be there. */
  readonly isGuarded: boolean;
}

/** In reading order; loops count as one use of their list. */
export function variableUses(nodes: readonly TemplateNode[]): readonly VariableUse[] {
  const uses: VariableUse[] = [];
  const walk = (each: readonly TemplateNode[], guarded: ReadonlySet<string>, isInLoop: boolean): void => {
    for (const node of each) {
      if (node.kind === "text") continue;
      const name = node.path.split(".")[0]!;
      const { file, line } = node;
      if (!isInLoop && !name.startsWith("@")) {
        const isCondition = node.kind === "block";
        uses.push({ name, file, line, isGuarded: isCondition || guarded.has(name) });
      }
      if (node.kind !== "block") continue;
      const known = new Set([...guarded, name]);
      walk(node.matched, node.block === "if" ? known : guarded, isInLoop || node.block === "each");
      walk(node.otherwise, node.block === "unless" ? known : guarded, isInLoop);
    }
  };
  walk(nodes, new Set(), false);
  return uses;
}

type RenderedText =
  | { readonly kind: "rendered"; readonly text: string }
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

/** Fills a tree as the client does: a variable that is shown must be there, a condition may ask for what is missing. */
export function renderTemplate(
  nodes: readonly TemplateNode[],
  vars: Readonly<Record<string, unknown>>,
): RenderedText {
  const problems = new Set<string>();
  const text = renderNodes(nodes, vars, problems);
  return problems.size > 0 ? { kind: "invalid", problems: [...problems] } : { kind: "rendered", text };
}
