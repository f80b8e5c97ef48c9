/** Anthropic's messages endpoint. */
import { ExternalError } from "@plumbline/ports";
import { z } from "zod";
import { usageOf } from "./usage.ts";
import { type Address, noAnswer, type Wire, type WireAnswer } from "./wire.ts";

const API_VERSION = "2023-06-01";

export function anthropicWire({ baseUrl, apiKey }: Address): Wire {
  return {
    url: `${baseUrl.replace(/\/+$/, "")}/v1/messages`,
    headers: { "anthropic-version": API_VERSION, ...(apiKey === undefined ? {} : { "x-api-key": apiKey }) },
    read,
  };
}

const Block = z.object({
  type: z.string().catch("text"),
  text: z.string().nullish(),
  input: z.unknown().optional(),
});
const MessageBody = z.object({
  content: z.union([z.string(), z.array(Block)]).nullable(),
  stop_reason: z.string().nullish().catch(null),
  usage: z.unknown().optional(),
});

function read(body: unknown): WireAnswer {
  const parsed = MessageBody.safeParse(body);
  if (!parsed.success) throw new ExternalError("external_invalid_response", "the answer is not a message");
  const { content, stop_reason } = parsed.data;
  if (content === null) throw noAnswer("the answer has no content");
  const blocks = typeof content === "string" ? [{ type: "text", text: content, input: undefined }] : content;
  const tool = blocks.find((block) => block.type === "tool_use");
  return {
    // Blocks of other types are the model's thinking, or no text.
    text: blocks.map((block) => (block.type === "text" ? (block.text ?? "") : "")).join(""),
    ...(tool === undefined ? {} : { tool: tool.input }),
    ended: stop_reason === "refusal" ? "refused" : stop_reason === "max_tokens" ? "length" : "complete",
    usage: usageOf(parsed.data.usage),
  };
}
