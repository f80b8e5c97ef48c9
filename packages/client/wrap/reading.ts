import type { CallStatus } from "@plumbline/emitter";
import type { TokenUsage } from "@plumbline/emitter/token-usage";

/** What has been read of an answer so far, in whatever pieces it comes. */
export interface Reading {
  model: string | null;
  text: string;
  /** Calls of tools as `name(arguments)`, one after the other. */
  tools: string;
  usage: TokenUsage | null;
  /** Anthropic reports usage in parts. */
  rawUsage: Json;
  /** Something that a model made has arrived. */
  hasToken: boolean;
  /** The provider says that this is all. */
  isComplete: boolean;
  isRefused: boolean;
  /** Why it ended, where that is not that it was done: `length`, `content_filter`. */
  cut: "length" | "content_filter" | null;
  /** The provider's own word for what went wrong, under status 200. */
  error: string | null;
}

/** How one API of a provider is read. */
export interface Protocol {
  readonly provider: string;
  /** The text of the last thing that the user said; null when there is none. */
  input(request: Json): string | null;
  /** Reads a whole answer, or one event of a stream. */
  read(json: Json, into: Reading): void;
}

export type Json = Readonly<Record<string, unknown>>;

export function createReading(): Reading {
  return {
    model: null,
    text: "",
    tools: "",
    usage: null,
    rawUsage: {},
    hasToken: false,
    isComplete: false,
    isRefused: false,
    cut: null,
    error: null,
  };
}

/** How an answer ended for its user, as far as the provider says. */
export interface Ending {
  readonly status: CallStatus;
  readonly error_type: string | null;
}

/** endingOf returns the outcome of an answer that was read to its end. */
export function endingOf(reading: Reading): Ending {
  const { error, isComplete, isRefused, cut, text, tools } = reading;
  if (error !== null) {
    const isLimit = /rate.?limit|too_many|429/i.test(error);
    return { status: isLimit ? "rate_limited" : "error", error_type: error };
  }
  if (isRefused) return { status: "refused", error_type: "refusal" };
  if (cut === "content_filter") return { status: "refused", error_type: cut };
  if (!isComplete) return { status: "error", error_type: "incomplete_answer" };
  if (text !== "" || tools !== "") return { status: "ok", error_type: null };
  return { status: "invalid_output", error_type: cut === "length" ? "empty_for_length" : "empty_output" };
}

export function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

export function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(objectOf) : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A provider's word for an error, as a low-cardinality class. */
export function errorWord(error: unknown): string {
  const { code, type } = objectOf(error);
  const word = textOf(code) || textOf(type) || "provider_error";
  return word.replace(/[^\w.-]+/g, "_").slice(0, 60);
}

/** The text of a message's content: a string, or its parts of text. */
export function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  return listOf(content)
    .map(({ text }) => textOf(text))
    .join("");
}

/** The last message of the user that has a text; what tools answered is none. */
export function lastOfUser(messages: unknown): string | null {
  for (const { role, content } of listOf(messages).toReversed()) {
    const text = role === "user" ? contentText(content) : "";
    if (text !== "") return text;
  }
  return null;
}
