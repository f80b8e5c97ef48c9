/** What an edit does to the part of a prompt that providers cache. Pure. */
import { canonicalJson, type PromptDocument, type PromptMessage } from "@plumbline/client/render";
import { parseMessage } from "../template/template.ts";
import { cachedTokens, minimumTokens, tokensOf } from "./cached-prefix.ts";

/** A place in the fixed beginning of a prompt. */
export interface PrefixPlace {
  /** From 0, in UTF-8, of the contents of the messages one after the other. */
  readonly byte: number;
  /** From 1. */
  readonly message: number;
  readonly role: PromptMessage["role"];
  /** From 1, in the message. */
  readonly line: number;
}

/** What every call begins with. */
export interface FixedPart {
  /** About. */
  readonly tokens: number;
  /** Of these, what the provider caches: nothing below its minimum. */
  readonly cached_tokens: number;
  /** The tag that ends it, such as `{{ticket}}`, and its place; null when nothing varies. */
  readonly ends_at: (PrefixPlace & { readonly tag: string }) | null;
}

export interface PrefixChange {
  /** Where the two begin to differ. A change of the model or of the output schema is one before the first byte. */
  readonly first_change: PrefixPlace | "model" | "output";
  readonly before: FixedPart;
  readonly after: FixedPart;
  /** Fixed tokens up to the first change: they stay as they are. */
  readonly shared_tokens: number;
  /** Tokens of every call that are no longer read from the cache; 0 when it is as much as before, or more. */
  readonly lost_tokens: number;
  /** Fewest tokens that the provider caches; null when that is not known. */
  readonly minimum_tokens: number | null;
}

/**
 * Compares the fixed beginnings of two versions, message by message.
 *
 * @returns null when the newer one begins with all of the older one's fixed part, so that nothing is read anew
 */
export function prefixChange(before: PromptDocument, after: PromptDocument): PrefixChange | null {
  const older = fixedPart(before);
  const newer = fixedPart(after);
  const place = firstDifference(older.texts, newer.texts);
  const outputs = [before, after].map(({ output }) => canonicalJson(output ?? null));
  const first_change =
    before.model !== after.model ? "model" : outputs[0] !== outputs[1] ? ("output" as const) : place;
  if (first_change === null) return null;
  return {
    first_change,
    before: older.part,
    after: newer.part,
    shared_tokens: typeof first_change === "string" ? 0 : tokensOf(first_change.byte),
    lost_tokens: Math.max(0, older.part.cached_tokens - newer.part.cached_tokens),
    minimum_tokens: minimumTokens(after.model),
  };
}

interface FixedText {
  readonly role: PromptMessage["role"];
  readonly text: string;
}

/** The fixed beginning of a document, and its texts by message; the last may be the beginning of its message only. */
export function fixedPart({ model, messages }: PromptDocument): {
  readonly part: FixedPart;
  readonly texts: readonly FixedText[];
} {
  const texts: FixedText[] = [];
  let tag: string | null = null;
  for (const message of messages) {
    if (message.role === "history") {
      tag = "{{history}}";
      texts.push({ role: "history", text: "" });
      break;
    }
    const { nodes } = parseMessage(message.content);
    const end = nodes.findIndex(({ kind }) => kind !== "text");
    const fixed = end < 0 ? nodes : nodes.slice(0, end);
    const text = fixed.map((node) => (node.kind === "text" ? node.text : "")).join("");
    texts.push({ role: message.role, text });
    const varying = nodes[end];
    if (varying === undefined || varying.kind === "text") continue;
    tag = varying.kind === "variable" ? `{{${varying.path}}}` : `{{#${varying.block} ${varying.path}}}`;
    break;
  }
  const bytes = texts.reduce((sum, { text }) => sum + bytesOf(text), 0);
  const tokens = tokensOf(bytes);
  const ends_at =
    tag === null ? null : { ...placeAt(texts, texts.length - 1, texts.at(-1)!.text.length), tag };
  return { part: { tokens, cached_tokens: cachedTokens(model, tokens), ends_at }, texts };
}

/** Null when the newer texts begin with the older ones. */
function firstDifference(before: readonly FixedText[], after: readonly FixedText[]): PrefixPlace | null {
  for (const [i, older] of before.entries()) {
    const newer = after[i];
    if (newer === undefined || newer.role !== older.role) return placeAt(before, i, 0);
    let at = 0;
    while (at < older.text.length && older.text[at] === newer.text[at]) at++;
    if (at < older.text.length) return placeAt(before, i, at);
    // A message that goes on where the older one ended differs there, unless what follows varied before.
    if (newer.text.length > at && i < before.length - 1) return placeAt(before, i, at);
  }
  return null;
}

function placeAt(texts: readonly FixedText[], index: number, at: number): PrefixPlace {
  const { role, text } = texts[index]!;
  const before = text.slice(0, at);
  const bytes = texts.slice(0, index).reduce((sum, each) => sum + bytesOf(each.text), bytesOf(before));
  return { byte: bytes, message: index + 1, role, line: before.split("\n").length };
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text, "utf8");
}
