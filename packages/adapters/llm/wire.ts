/** What is asked of a model and what comes back, whichever provider's words carry it. */
import { ExternalError } from "@plumbline/ports";
import type { Usage } from "./price.ts";
import { clip } from "@plumbline/features";

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** One answer of a model. */
export interface WireAnswer {
  readonly text: string;
  /** Arguments of the tool that the model was made to call; undefined without one. */
  readonly tool?: unknown;
  /** `length`: the budget of output tokens was spent. `refused`: by the model. `filtered`: by the provider. */
  readonly ended: "complete" | "length" | "refused" | "filtered";
  /** The model's own words when it refused. */
  readonly refusal?: string;
  /** Null when the provider does not say. */
  readonly usage: Usage | null;
}

/** A request that the provider understood and does not want, in its own words. */
export interface Refused {
  readonly status: number;
  /** In its own words, without keys and texts; `HTTP 400` when it gives none. */
  readonly sentence: string;
  /** The same as it came, to be read and never shown. */
  readonly words: string;
  /** The parameter that it names in a field of its own. */
  readonly param: string | null;
}

/** What a provider's words for a request and its answer are. */
export interface Wire {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** @throws ExternalError when the body is no answer */
  read(body: unknown): WireAnswer;
}

export interface Address {
  /** For openai up to and including the version, such as https://api.openai.com/v1; for anthropic without it. */
  readonly baseUrl: string;
  /** Absent for local servers that ask for none. */
  readonly apiKey?: string | undefined;
}

/** An answer without content: repeated, because it says nothing about the request. */
export function noAnswer(what: string): ExternalError {
  return new ExternalError("external_invalid_response", what, { retryable: true });
}

/** What the refusal is about. Only a refused key or endpoint concerns other requests too. */
type Subject = "key" | "endpoint" | "content" | "length" | "parameter" | "request";

const CONTENT =
  /content[ _-]?(?:filter|policy|management)|responsible[ _]?ai|moderation|flagged|safety (?:system|filter|polic)|prohibited[ _]content|usage polic/i;
const LENGTH =
  /context[ _](?:length|window|size)|maximum context|too (?:long|many (?:input )?tokens)|too large|exceeds? .{0,40}tokens/i;
const KEY =
  /api[ _-]?key|authenticat|unauthori[sz]ed|credential|permission|billing|insufficient[ _]quota|credit balance|subscription|not allowed from|country|organi[sz]ation/i;
const ENDPOINT =
  /model\b.{0,80}(?:not found|not exist|does not|doesn't|unknown|decommissioned|deprecated and)|(?:unknown|no such|invalid) (?:model|route|endpoint|url|deployment)|deployment .{0,60}(?:not exist|not found)|no endpoints? found/i;
/** A parameter is meant, whether or not it is named. */
const PARAMETER =
  /\b(?:unsupported|unknown|unrecogni[sz]ed|unexpected|invalid|extra) (?:request )?(?:parameter|argument|field|key|property|value|name|input|attribute)s?\b|\bparameters?\b.{0,80}\bnot (?:supported|allowed|permitted)|not (?:supported|allowed|permitted) (?:with|by|for|in) (?:this|the) model|extra_forbidden/i;

export function subjectOf({ status, words, param }: Refused): Subject {
  if (status === 401 || status === 402 || status === 407) return "key";
  if (CONTENT.test(words) || CONTENT.test(param ?? "")) return "content";
  if (status === 413 || LENGTH.test(words)) return "length";
  if (KEY.test(words)) return "key";
  if (param !== null && param !== "model") return "parameter";
  if (param === "model" || ENDPOINT.test(words)) return "endpoint";
  if (PARAMETER.test(words)) return "parameter";
  return status === 404 || status === 405 || status === 410 ? "endpoint" : "request";
}

const WORDS_MAX = 1_000;

/** The provider's own sentence in a body of whatever shape; null when there is none. */
export function sentenceOf(body: unknown, text: string): string | null {
  const said = saidIn(body) ?? (body === undefined ? textOfPage(text) : null);
  return said === null || said.trim() === "" ? null : clip(said.replace(/\s+/g, " ").trim(), WORDS_MAX);
}

function saidIn(body: unknown): string | null {
  if (typeof body === "string") return body;
  if (Array.isArray(body)) return body.length === 0 ? null : saidIn(body[0]);
  if (typeof body !== "object" || body === null) return null;
  const fields = body as Readonly<Record<string, unknown>>;
  for (const name of ["error", "message", "msg", "detail", "error_message", "errors", "reason"]) {
    const said = fields[name] === undefined ? null : saidIn(fields[name]);
    if (said !== null && said !== "") return said;
  }
  return null;
}

/** A page says what it is in its title or its first words. */
function textOfPage(text: string): string {
  const begin = text.slice(0, 2_000);
  return /<title>([^<]{1,200})<\/title>/i.exec(begin)?.[1] ?? begin.replace(/<[^<>]{0,200}>/g, " ");
}
