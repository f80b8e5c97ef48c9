import { type Answer, pieces, type Protocol, type StreamEvent } from "./answer.ts";

const FINISH = {
  stop: "stop",
  length: "length",
  content_filter: "content_filter",
  refusal: "stop",
  tool: "tool_calls",
} as const;

/** OpenAI's `POST /v1/chat/completions`. */
export const chatCompletions: Protocol = {
  whole: (answer) => ({
    id: "chatcmpl-scripted",
    object: "chat.completion",
    created: 1_700_000_000,
    model: answer.model,
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: answer.finish === "refusal" || answer.tool !== null ? null : answer.text,
          refusal: answer.finish === "refusal" ? answer.text : null,
          ...(answer.tool === null ? {} : { tool_calls: [toolCall(answer.tool)] }),
        },
        finish_reason: FINISH[answer.finish],
      },
    ],
    usage: usageOf(answer),
  }),
  stream: (answer, withUsage) => {
    const chunk = (choices: readonly unknown[], more: object = {}): StreamEvent => ({
      data: {
        id: "chatcmpl-scripted",
        object: "chat.completion.chunk",
        created: 1_700_000_000,
        model: answer.model,
        choices,
        ...more,
      },
    });
    const delta = (content: object): StreamEvent =>
      chunk([{ index: 0, delta: content, finish_reason: null }]);
    const field = answer.finish === "refusal" ? "refusal" : "content";
    return [
      delta({ role: "assistant", content: "" }),
      ...(answer.tool === null
        ? pieces(answer.text).map((piece) => delta({ [field]: piece }))
        : [delta({ tool_calls: [{ index: 0, ...toolCall(answer.tool) }] })]),
      chunk([{ index: 0, delta: {}, finish_reason: FINISH[answer.finish] }]),
      ...(withUsage ? [chunk([], { usage: usageOf(answer) })] : []),
      { data: "[DONE]" },
    ];
  },
  error: openaiError,
};

/** The error body of every protocol of OpenAI. */
export function openaiError(status: number): unknown {
  const type =
    status === 429 ? "rate_limit_exceeded" : status >= 500 ? "server_error" : "invalid_request_error";
  return { error: { message: `scripted ${status}`, type, param: null, code: type } };
}

function toolCall(args: string): object {
  return { id: "call_scripted", type: "function", function: { name: "scripted_tool", arguments: args } };
}

function usageOf({ usage }: Answer): unknown {
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cacheRead },
    completion_tokens_details: { reasoning_tokens: usage.reasoning },
  };
}
