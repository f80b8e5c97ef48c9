/** A rendered prompt as providers take it, with the mark up to which their prefix caches reach. */
import type { Prompt } from "../prompt.ts";
import type { RenderedMessage } from "../render/render-messages.ts";

/** Goes into a request to OpenAI, or to anything that speaks chat completions. */
export interface OpenAIRequest {
  messages: RenderedMessage[];
  /** The same for every call of a version: requests with one prefix meet where it is cached. 64 characters. */
  prompt_cache_key: string;
}

export interface AnthropicTextBlock {
  type: "text";
  text: string;
  cache_control?: { type: "ephemeral" };
}

/** Goes into a request to Anthropic. */
export interface AnthropicRequest {
  system: AnthropicTextBlock[];
  messages: { role: "user" | "assistant"; content: AnthropicTextBlock[] }[];
}

type Rendered = Pick<Prompt, "messages" | "template">;
type Vars = Readonly<Record<string, unknown>>;

/** `openai.chat.completions.create({ model: prompt.model, ...openAIRequest(prompt, { ticket }) })` */
export function openAIRequest(
  prompt: Pick<Prompt, "messages" | "version">,
  vars?: Vars,
  history?: readonly RenderedMessage[],
): OpenAIRequest {
  const prompt_cache_key = prompt.version.replace("sha256:", "").slice(0, 64);
  return { messages: prompt.messages(vars, history), prompt_cache_key };
}

/**
 * Marks the last block that is the same in every call. A message that varies in the middle becomes two blocks.
 *
 * `claude.messages.create({ model: prompt.model, max_tokens: 500, ...anthropicRequest(prompt, { ticket }) })`
 */
export function anthropicRequest(
  prompt: Rendered,
  vars?: Vars,
  history: readonly RenderedMessage[] = [],
): AnthropicRequest {
  const fixed = fixedTexts(prompt, history.length > 0);
  const request: AnthropicRequest = { system: [], messages: [] };
  let last: AnthropicTextBlock | undefined;
  for (const [i, { role, content }] of prompt.messages(vars, history).entries()) {
    const chars = fixed[i] ?? 0;
    const texts = [content.slice(0, chars), content.slice(chars)];
    // Anthropic refuses a block of white space.
    const isSplit = texts.every((text) => text.trim() !== "");
    const blocks = (isSplit ? texts : [content]).map((text): AnthropicTextBlock => ({ type: "text", text }));
    if (isSplit || (chars > 0 && chars === content.length)) last = blocks[0];
    if (role === "system") request.system.push(...blocks);
    else request.messages.push({ role, content: blocks });
  }
  if (last !== undefined) last.cache_control = { type: "ephemeral" };
  return request;
}

/** Characters at the beginning of each message that never vary; ends with the message in which something does. */
function fixedTexts({ template }: Rendered, hasHistory: boolean): readonly number[] {
  const lengths: number[] = [];
  const hasPlace = template.some(({ role }) => role === "history");
  for (const [i, message] of template.entries()) {
    const isLast = i === template.length - 1 && message.role === "user";
    // Without a place of its own the conversation comes before the user's last message.
    if (message.role === "history" || (isLast && !hasPlace && hasHistory)) break;
    const tag = message.content.indexOf("{{");
    if (tag < 0) {
      lengths.push(message.content.length);
      continue;
    }
    // Spaces before a block on a line of its own are not sent.
    lengths.push(message.content.slice(0, tag).replace(/[ \t]+$/, "").length);
    break;
  }
  return lengths;
}
