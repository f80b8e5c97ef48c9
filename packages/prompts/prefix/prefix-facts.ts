import type { PromptDocument } from "@plumbline/client/render";
import { type TemplateNode, parseMessage } from "../template/template.ts";
import { minimumTokens, tokensOf } from "./cached-prefix.ts";
import { fixedPart } from "./prefix-change.ts";

/** What providers can cache of one version; tokens are about. */
export interface PrefixFacts {
  /** Before anything that varies. */
  readonly fixed_tokens: number;
  /** Fixed text in all of the prompt, also behind what varies. */
  readonly all_fixed_tokens: number;
  /** Fewest that the provider caches; null when that is not known. */
  readonly minimum_tokens: number | null;
}

export function prefixFacts(document: PromptDocument): PrefixFacts {
  let bytes = 0;
  const add = (nodes: readonly TemplateNode[]): void => {
    for (const node of nodes) {
      if (node.kind === "text") bytes += Buffer.byteLength(node.text, "utf8");
      else if (node.kind === "block") {
        add(node.matched);
        add(node.otherwise);
      }
    }
  };
  for (const message of document.messages)
    if (message.role !== "history") add(parseMessage(message.content).nodes);
  return {
    fixed_tokens: fixedPart(document).part.tokens,
    all_fixed_tokens: tokensOf(bytes),
    minimum_tokens: minimumTokens(document.model),
  };
}
