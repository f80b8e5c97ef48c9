import type { OutsideCase } from "../case.ts";
import type { Style } from "../judge-over-http.ts";

interface ShapeCase extends OutsideCase {
  readonly style: Style;
  readonly body: object;
  readonly expected: {
    readonly text: string;
    /** Words of why there is no answer; null for an answer. */
    readonly lack: RegExp | null;
    readonly usage?: object | null;
  };
}

const usage = { prompt_tokens: 9, completion_tokens: 2 };
const choice = (message: unknown, finish_reason: string | null = "stop") => ({
  choices: [{ finish_reason, message }],
  usage,
});
const known = { input_tokens: 9, cached_input_tokens: 0, cache_write_input_tokens: 0, output_tokens: 2 };

export const SHAPE_CASES: readonly ShapeCase[] = [
  {
    style: "openai",
    given: "`content` as a list of parts",
    body: choice({
      content: [
        { type: "text", text: "Hi " },
        { type: "text", text: "you" },
      ],
    }),
    becomes: "the texts joined",
    expected: { text: "Hi you", lack: null, usage: known },
  },
  {
    style: "openai",
    given: "parts of thinking beside the text",
    body: choice({
      content: [
        { type: "reasoning", text: "hm" },
        { type: "output_text", text: "Hi" },
      ],
    }),
    becomes: "the text without the thinking",
    expected: { text: "Hi", lack: null },
  },
  {
    style: "openai",
    given: "a list of plain strings",
    body: choice({ content: ["Hi", "!"] }),
    becomes: "the texts joined",
    expected: { text: "Hi!", lack: null },
  },
  {
    style: "openai",
    given: "`message: null`",
    body: choice(null),
    becomes: "no answer, and says so",
    expected: { text: "", lack: /empty/ },
  },
  {
    style: "openai",
    given: "`content: null` with `length`",
    body: choice({ content: null }, "length"),
    becomes: "no answer: the output tokens were spent",
    expected: { text: "", lack: /output tokens/ },
  },
  {
    style: "openai",
    given: "a refusal beside the content",
    body: choice({ content: null, refusal: "I can't help." }),
    becomes: "no answer: refused, in the model's words",
    expected: { text: "", lack: /refused.*can't help/ },
  },
  {
    style: "openai",
    given: "a refusal as a part",
    body: choice({ content: [{ type: "refusal", refusal: "No." }] }),
    becomes: "no answer: refused",
    expected: { text: "", lack: /refused/ },
  },
  {
    style: "openai",
    given: "`content_filter` with half a text",
    body: choice({ content: "The plan is" }, "content_filter"),
    becomes: "no answer: filtered",
    expected: { text: "The plan is", lack: /filter/ },
  },
  {
    style: "openai",
    given: "`finish_reason` of another type",
    body: { choices: [{ finish_reason: 1, message: { content: "Hi" } }] },
    becomes: "the text, usage unknown",
    expected: { text: "Hi", lack: null, usage: null },
  },
  {
    style: "openai",
    given: "`usage` with a null count",
    body: { ...choice({ content: "Hi" }), usage: { prompt_tokens: null, completion_tokens: 2 } },
    becomes: "the text, usage unknown",
    expected: { text: "Hi", lack: null, usage: null },
  },
  {
    style: "openai",
    given: "`usage: null`",
    body: { ...choice({ content: "Hi" }), usage: null },
    becomes: "the text, usage unknown",
    expected: { text: "Hi", lack: null, usage: null },
  },
  {
    style: "openai",
    given: "`usage` as a word",
    body: { ...choice({ content: "Hi" }), usage: "n/a" },
    becomes: "the text, usage unknown",
    expected: { text: "Hi", lack: null, usage: null },
  },
  {
    style: "openai",
    given: "`usage` in the newer names",
    body: { ...choice({ content: "Hi" }), usage: { input_tokens: 9, output_tokens: 2 } },
    becomes: "the text and the counts",
    expected: { text: "Hi", lack: null, usage: known },
  },
  {
    style: "openai",
    given: "the older `text` instead of a message",
    body: { choices: [{ text: "Hi" }] },
    becomes: "the text",
    expected: { text: "Hi", lack: null },
  },
  {
    style: "openai",
    given: "white space only",
    body: choice({ content: " \n" }),
    becomes: "no answer: empty",
    expected: { text: " \n", lack: /empty/ },
  },
  {
    style: "anthropic",
    given: "a block of thinking before the text",
    body: {
      content: [
        { type: "thinking", thinking: "hm" },
        { type: "text", text: "Hi" },
      ],
    },
    becomes: "the text",
    expected: { text: "Hi", lack: null, usage: null },
  },
  {
    style: "anthropic",
    given: "`content` as a string",
    body: { content: "Hi", stop_reason: "end_turn" },
    becomes: "the text",
    expected: { text: "Hi", lack: null },
  },
  {
    style: "anthropic",
    given: "`content: []` with `max_tokens`",
    body: { content: [], stop_reason: "max_tokens" },
    becomes: "no answer: the output tokens were spent",
    expected: { text: "", lack: /output tokens/ },
  },
  {
    style: "anthropic",
    given: "`stop_reason: refusal`",
    body: { content: [], stop_reason: "refusal" },
    becomes: "no answer: refused",
    expected: { text: "", lack: /refused/ },
  },
  {
    style: "anthropic",
    given: "cached tokens beside the input",
    body: {
      content: "Hi",
      usage: {
        input_tokens: 5,
        output_tokens: 2,
        cache_read_input_tokens: 3,
        cache_creation_input_tokens: 1,
      },
    },
    becomes: "the text, cached tokens counted in the input",
    expected: {
      text: "Hi",
      lack: null,
      usage: { input_tokens: 9, cached_input_tokens: 3, cache_write_input_tokens: 1, output_tokens: 2 },
    },
  },
];
