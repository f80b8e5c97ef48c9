import { type Answer, pieces, type Protocol, type StreamEvent } from "./answer.ts";

const STOP = {
  stop: "end_turn",
  length: "max_tokens",
  // Anthropic has one word for both.
  content_filter: "refusal",
  refusal: "refusal",
  tool: "tool_use",
} as const;

/** Anthropic's `POST /v1/messages`. */
export const messages: Protocol = {
  whole: (answer) => ({ ...message(answer), content: contentOf(answer), stop_reason: STOP[answer.finish] }),
  stream: (answer) => {
    const named = (type: string, rest: object): StreamEvent => ({ event: type, data: { type, ...rest } });
    const block =
      answer.tool === null
        ? { type: "text", text: "" }
        : { type: "tool_use", id: "toolu_scripted", name: "scripted_tool", input: {} };
    const deltas =
      answer.tool === null
        ? pieces(answer.text).map((text) => ({ type: "text_delta", text }))
        : [{ type: "input_json_delta", partial_json: answer.tool }];
    const first = message(answer);
    return [
      named("message_start", { message: { ...first, usage: { ...first.usage, output_tokens: 1 } } }),
      named("content_block_start", { index: 0, content_block: block }),
      named("ping", {}),
      ...deltas.map((delta) => named("content_block_delta", { index: 0, delta })),
      named("content_block_stop", { index: 0 }),
      named("message_delta", {
        delta: { stop_reason: STOP[answer.finish], stop_sequence: null },
        usage: { output_tokens: answer.usage.output },
      }),
      named("message_stop", {}),
    ];
  },
  error: (status) => {
    const type =
      status === 429
        ? "rate_limit_error"
        : status === 529
          ? "overloaded_error"
          : status >= 500
            ? "api_error"
            : "invalid_request_error";
    return { type: "error", error: { type, message: `scripted ${status}` } };
  },
};

function message({ model, usage }: Answer) {
  return {
    id: "msg_scripted",
    type: "message",
    role: "assistant",
    model,
    content: [] as unknown[],
    stop_reason: null as string | null,
    stop_sequence: null,
    usage: {
      // Anthropic counts what the cache served and took apart.
      input_tokens: usage.input - usage.cacheRead - usage.cacheWrite,
      cache_read_input_tokens: usage.cacheRead,
      cache_creation_input_tokens: usage.cacheWrite,
      output_tokens: usage.output,
    },
  };
}

function contentOf({ text, tool }: Answer): unknown[] {
  if (tool !== null)
    return [
      { type: "tool_use", id: "toolu_scripted", name: "scripted_tool", input: JSON.parse(tool) as unknown },
    ];
  return text === "" ? [] : [{ type: "text", text }];
}
