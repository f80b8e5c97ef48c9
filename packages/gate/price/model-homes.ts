/**
 * Under which names a price list may know a model. Applications, gateways and providers write one model in many ways:
 * `azure/gpt-4o`, `us.anthropic.claude-…-v1:0`, `models/gemini-2.5-pro`, `my-gateway/gpt-4o`, with a date or without.
 */
import { findProvider } from "@pydantic/genai-prices";

/** Names as a call has them. */
export interface ModelNames {
  /** Null or empty when nobody says. */
  readonly provider: string | null;
  /** Asked for. */
  readonly model: string;
  /** Said to have answered. */
  readonly response_model?: string | null | undefined;
}

/** A model of a provider's list; without a provider, of the list that knows such a name. */
export interface ModelHome {
  readonly provider: string | null;
  readonly model: string;
}

/** What runs on one's own machines has no list price, whatever it is called. */
const OWN_MACHINES =
  /^(?:ollama|ollama_chat|(?:hosted_)?vllm|lm[_-]?studio|llama[._-]?cpp|llamafile|local-?ai|local|xinference|tgi|sglang)$/i;
/** Every server that speaks OpenAI's words is called so by its clients. */
const SPOKEN_BY_ALL = "openai";
const BEDROCK_ARN = /^arn:aws[\w-]*:bedrock:[^/]*\//i;
const BEDROCK_ID =
  /^(?:(?:us|us-gov|eu|apac|au|jp|ca|sa|global)\.)?(?:ai21|amazon|anthropic|cohere|deepseek|meta|minimax|mistral|moonshot|nvidia|openai|qwen|writer|zai)\.[a-z]/i;
/** `openai:gpt-4o`, `openai:chat:gpt-4o`. */
const COLON = /^([a-z][a-z_-]*):(?:(?:chat|completion|messages|responses):)?([^/]+)$/i;
const DATE = /[-@]20\d{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])$/;

/** The names to look for, the likeliest first: what answered before what was asked for, with its date before without. */
export function modelHomes({ provider, model, response_model }: ModelNames): readonly ModelHome[] {
  const named = [response_model, model].map((name) => name?.trim() ?? "").filter((name) => name !== "");
  const undated = named.map((name) => name.replace(DATE, "")).filter((name) => !named.includes(name));
  const homes = [...named, ...undated].flatMap((name) => homesOf(provider?.trim() ?? "", name));
  const seen = new Set<string>();
  return homes.filter((home) => {
    const key = `${home.provider ?? ""} ${home.model}`;
    return seen.has(key) ? false : seen.add(key) !== undefined;
  });
}

function homesOf(provider: string, name: string): readonly ModelHome[] {
  if (BEDROCK_ARN.test(name)) return [{ provider: "aws", model: name.slice(name.lastIndexOf("/") + 1) }];
  const colon = COLON.exec(name);
  const parts =
    colon !== null && isListed(colon[1]!)
      ? [colon[1]!, colon[2]!]
      : name.split("/").filter((part) => part !== "");
  if ([provider, ...parts.slice(0, -1)].some((part) => OWN_MACHINES.test(part))) return [];
  return parts.flatMap((_, from) => {
    const rest = parts.slice(from).join("/");
    const prefixes = parts.slice(0, from);
    return ownersOf(provider, prefixes, rest).map((owner) => ({ provider: owner, model: rest }));
  });
}

/** The provider that the name itself says counts before the one that the application says. */
function ownersOf(given: string, prefixes: readonly string[], rest: string): readonly (string | null)[] {
  const bedrock = BEDROCK_ID.test(rest) ? ["aws"] : [];
  const prefix = prefixes.findLast(isListed);
  const isGivenListed = given !== "" && isListed(given);
  const said = [...(prefix === undefined ? [] : [prefix]), ...(isGivenListed ? [given] : [])];
  const isAnybody = prefix === undefined && (!isGivenListed || given.toLowerCase() === SPOKEN_BY_ALL);
  return [...bedrock, ...said, ...(isAnybody ? [null] : [])];
}

function isListed(provider: string): boolean {
  return findProvider({ providerId: provider }) !== undefined;
}
