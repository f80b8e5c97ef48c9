import { tokenUsage } from "@plumbline/emitter/token-usage";
import {
  contentText,
  errorWord,
  type Json,
  lastOfUser,
  listOf,
  objectOf,
  type Protocol,
  type Reading,
  textOf,
} from "./reading.ts";

/** OpenAI's responses. */
export const openaiResponses: Protocol = {
  provider: "openai",
  input: ({ input }) => (typeof input === "string" ? input : lastOfUser(input)),
  read(json, into) {
    const type = textOf(json["type"]);
    if (type === "error") into.error = errorWord(json["error"] ?? json);
    else if (type.endsWith(".delta")) readDelta(type, textOf(json["delta"]), into);
    else if (/^response\.(?:completed|incomplete|failed)$/.test(type))
      readResponse(objectOf(json["response"]), into);
    else if (type === "") readResponse(json, into);
  },
};

function readDelta(type: string, delta: string, into: Reading): void {
  if (type === "response.output_text.delta" || type === "response.refusal.delta") into.text += delta;
  into.isRefused ||= type === "response.refusal.delta";
  into.hasToken ||= delta !== "";
}

function readResponse(response: Json, into: Reading): void {
  const { error, model, output, usage, status, incomplete_details } = response;
  if (error != null) into.error = errorWord(error);
  into.model = textOf(model) || into.model;
  // The end of a stream repeats all of it.
  into.text = "";
  for (const item of listOf(output)) {
    if (item["type"] === "function_call")
      into.tools += `${textOf(item["name"])} ${textOf(item["arguments"])}`;
    for (const part of listOf(item["content"])) {
      if (item["type"] !== "message") continue;
      into.text += contentText([part]) + textOf(part["refusal"]);
      into.isRefused ||= part["type"] === "refusal";
    }
  }
  into.isComplete = status === "completed" || status === "incomplete";
  const { reason } = objectOf(incomplete_details);
  if (reason != null) into.cut = reason === "content_filter" ? reason : "length";
  if (usage != null) into.usage = tokenUsage(usage);
}
