import { tokenUsage } from "@plumbline/emitter/token-usage";
import {
  contentText,
  errorWord,
  lastOfUser,
  listOf,
  objectOf,
  type Protocol,
  type Reading,
  textOf,
} from "./reading.ts";

/** Anthropic's messages. */
export const anthropicMessages: Protocol = {
  provider: "anthropic",
  input: ({ messages }) => lastOfUser(messages),
  read(json, into) {
    const { type, error, message, delta, content_block: block, usage } = json;
    if (error != null) into.error = errorWord(error);
    if (type === "message" || message != null) readMessage(objectOf(message ?? json), into);
    if (type === "content_block_start") readTool(objectOf(block), into);
    if (delta != null) {
      const { text, partial_json: part, thinking, stop_reason: stop } = objectOf(delta);
      into.text += textOf(text);
      into.tools += textOf(part);
      into.hasToken ||= (textOf(text) || textOf(part) || textOf(thinking)) !== "";
      readStop(stop, into);
    }
    if (usage != null) readUsage(usage, into);
  },
};

function readMessage(
  { model, content, usage, stop_reason: stop }: Readonly<Record<string, unknown>>,
  into: Reading,
): void {
  into.model = textOf(model) || into.model;
  into.text += contentText(content);
  for (const block of listOf(content)) {
    readTool(block, into);
    if (block["type"] === "tool_use") into.tools += JSON.stringify(block["input"]);
  }
  readStop(stop, into);
  if (usage != null) readUsage(usage, into);
}

function readTool({ type, name }: Readonly<Record<string, unknown>>, into: Reading): void {
  if (type === "tool_use") into.tools += `${textOf(name)} `;
}

function readStop(stop: unknown, into: Reading): void {
  if (stop == null) return;
  into.isComplete = true;
  if (stop === "refusal") into.isRefused = true;
  if (stop === "max_tokens" || stop === "model_context_window_exceeded") into.cut = "length";
}

/** Of a stream, the beginning reports the input and the end the output. Tokens of thinking are part of the output. */
function readUsage(usage: unknown, into: Reading): void {
  const said = Object.entries(objectOf(usage)).filter(([, count]) => count != null);
  into.rawUsage = { ...into.rawUsage, ...Object.fromEntries(said) };
  into.usage = tokenUsage(into.rawUsage);
}
