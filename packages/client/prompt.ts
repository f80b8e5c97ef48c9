import { toHeaders } from "./wrap/call-meta.ts";
import type { Arm } from "./live-arms.ts";
import type { JsonValue, PromptDocument } from "./render/prompt-document.ts";
import type { RenderedMessage } from "./render/render-messages.ts";

/**
 * The source of a prompt. `live`: the registry says that it is live, as of now · `cache`: it said so earlier, and
 * can't be reached, or has sent something since that could not be used · `last_known_good`: it said so to an earlier
 * process · `bundled`: from the bundle.
 */
export type PromptSource = "live" | "cache" | "last_known_good" | "bundled";

/** One version of a prompt, for one call. */
export interface Prompt {
  readonly use_case: string;
  /** `sha256:` and 64 hex digits; the content was checked against it. */
  readonly version: string;
  /** `use-case@<12 hex>`: for people and URLs. */
  readonly ref: string;
  /** Per use case: v<number>. */
  readonly number: number;
  readonly source: PromptSource;
  /** Before the slash of the document's model; null when there is none. */
  readonly provider: string | null;
  /** After the slash: the provider's name for it. */
  readonly model: string;
  /** Frozen, as is `output`. */
  readonly config: Readonly<Record<string, JsonValue>>;
  /** Null for plain text. */
  readonly output: PromptDocument["output"] | null;
  /** As it was written, before any variable is filled; frozen. */
  readonly template: PromptDocument["messages"];
  /** Most time since the registry confirmed it, ms; null when nobody knows. A long poll counts from its start. */
  readonly stale_ms: number | null;
  /** Goes into the event of the call: `client.emit({ ...prompt.tags, status, latency_ms })`. */
  readonly tags: PromptTags;
  /**
   * Tags a request that goes through an instrumented `fetch`: hand them to the SDK as headers of the request. They are
   * taken off before it leaves.
   */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Fills the template. Nothing is escaped, and no value can open a message.
   *
   * @param history earlier messages, oldest first
   * @throws RangeError that names every variable that is missing or of the wrong kind
   */
  messages(vars?: Readonly<Record<string, unknown>>, history?: readonly RenderedMessage[]): RenderedMessage[];
}

/** The fields of an event about its prompt. */
export interface PromptTags {
  readonly use_case: string;
  readonly prompt_version: string;
  readonly prompt_source: PromptSource;
  readonly provider: string | null;
  readonly model: string;
  readonly conversation_id: string | null;
}

export function toPrompt(
  { prompt_version, number, document, render }: Arm,
  served: {
    readonly source: PromptSource;
    readonly staleMs: number | null;
    readonly conversationId: string | null;
  },
): Prompt {
  const { use_case, config, output = null, messages: template } = document;
  const { source, staleMs, conversationId } = served;
  const { provider, name: model } = splitModel(document.model);
  const tags: PromptTags = {
    use_case,
    prompt_version,
    prompt_source: source,
    provider,
    model,
    conversation_id: conversationId,
  };
  return {
    use_case,
    version: prompt_version,
    ref: `${use_case}@${prompt_version.slice("sha256:".length, "sha256:".length + 12)}`,
    number,
    source,
    provider,
    model,
    config,
    output,
    template,
    stale_ms: staleMs,
    tags,
    get headers() {
      return toHeaders(tags);
    },
    messages: render,
  };
}

/** splitModel takes `openai/gpt-5-mini` apart. */
export function splitModel(model: string): { readonly provider: string | null; readonly name: string } {
  const slash = model.indexOf("/");
  return slash > 0
    ? { provider: model.slice(0, slash), name: model.slice(slash + 1) }
    : { provider: null, name: model };
}
