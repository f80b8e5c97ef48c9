import { type Answer, pieces, type Protocol } from "./answer.ts";
import { openaiError } from "./chat-completions.ts";

/** OpenAI's `POST /v1/responses`. */
export const responses: Protocol = {
  whole: response,
  stream: (answer) => {
    const whole = response(answer);
    const isDone = whole.status === "completed";
    const field = answer.finish === "refusal" ? "refusal" : "output_text";
    const events = [
      { type: "response.created", response: { ...whole, status: "in_progress", output: [], usage: null } },
      ...(answer.tool === null
        ? pieces(answer.text).map((delta) => ({
            type: `response.${field}.delta`,
            item_id: "msg_scripted",
            output_index: 0,
            content_index: 0,
            delta,
          }))
        : [
            {
              type: "response.function_call_arguments.delta",
              item_id: "fc_scripted",
              output_index: 0,
              delta: answer.tool,
            },
          ]),
      { type: isDone ? "response.completed" : "response.incomplete", response: whole },
    ];
    return events.map((data, i) => ({ event: data.type, data: { ...data, sequence_number: i } }));
  },
  error: openaiError,
};

function response(answer: Answer): { readonly status: string } & Readonly<Record<string, unknown>> {
  const { finish, text, tool, usage, model } = answer;
  const isCut = finish === "length" || finish === "content_filter";
  const content =
    finish === "refusal"
      ? [{ type: "refusal", refusal: text }]
      : text === ""
        ? []
        : [{ type: "output_text", text, annotations: [] }];
  return {
    id: "resp_scripted",
    object: "response",
    created_at: 1_700_000_000,
    model,
    status: isCut ? "incomplete" : "completed",
    error: null,
    incomplete_details: isCut
      ? { reason: finish === "length" ? "max_output_tokens" : "content_filter" }
      : null,
    output:
      tool === null
        ? [{ type: "message", id: "msg_scripted", role: "assistant", status: "completed", content }]
        : [
            {
              type: "function_call",
              id: "fc_scripted",
              call_id: "call_scripted",
              name: "scripted_tool",
              arguments: tool,
              status: "completed",
            },
          ],
    parallel_tool_calls: true,
    tools: [],
    usage: {
      input_tokens: usage.input,
      input_tokens_details: { cached_tokens: usage.cacheRead },
      output_tokens: usage.output,
      output_tokens_details: { reasoning_tokens: usage.reasoning },
      total_tokens: usage.input + usage.output,
    },
  };
}
