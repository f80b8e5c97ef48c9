import { tokenUsage } from "@plumbline/emitter/token-usage";
import { errorWord, lastOfUser, listOf, objectOf, type Protocol, textOf } from "./reading.ts";

/** OpenAI's chat completions, and whatever else speaks them. */
export const openaiChat: Protocol = {
  provider: "openai",
  input: ({ messages }) => lastOfUser(messages),
  read({ error, model, choices, usage }, into) {
    if (error != null) into.error = errorWord(error);
    into.model = textOf(model) || into.model;
    if (usage != null) into.usage = tokenUsage(usage);
    const choice = listOf(choices).find(({ index = 0 }) => index === 0) ?? {};
    // A whole answer has a message, a part of a stream has a delta, with the same fields.
    const { content, refusal, tool_calls } = objectOf(choice["message"] ?? choice["delta"]);
    into.text += textOf(content) + textOf(refusal);
    into.isRefused ||= textOf(refusal) !== "";
    for (const call of listOf(tool_calls)) {
      const { name, arguments: args } = objectOf(call["function"]);
      into.tools += (typeof name === "string" ? `${name} ` : "") + textOf(args);
    }
    into.hasToken ||= into.text !== "" || into.tools !== "";
    const { finish_reason: finish } = choice;
    if (finish == null) return;
    into.isComplete = true;
    if (finish === "length" || finish === "content_filter") into.cut = finish;
  },
};
