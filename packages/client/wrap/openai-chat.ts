import {
  countOf,
  errorWord,
  lastOfUser,
  listOf,
  objectOf,
  type Protocol,
  type Reading,
  textOf,
} from "./reading.ts";

/** OpenAI's chat completions, and whatever else speaks them. */
export const openaiChat: Protocol = {
  provider: "openai",
  input: ({ messages }) => lastOfUser(messages),
  read({ error, model, choices, usage }, into) {
    if (error != null) into.error = errorWord(error);
    into.model = textOf(model) || into.model;
    if (usage != null) readUsage(objectOf(usage), into);
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

function readUsage(usage: Readonly<Record<string, unknown>>, into: Reading): void {
  into.usage = {
    input_tokens: countOf(usage["prompt_tokens"]),
    cached_input_tokens: countOf(objectOf(usage["prompt_tokens_details"])["cached_tokens"]),
    cache_write_input_tokens: null,
    output_tokens: countOf(usage["completion_tokens"]),
    reasoning_output_tokens: countOf(objectOf(usage["completion_tokens_details"])["reasoning_tokens"]),
  };
}
