import type { FakeReply, FakeRequest } from "@plumbline/adapters/llm/fake-provider.fixture";
import type { OutsideCase } from "../case.ts";
import { says, type Style } from "../judge-over-http.ts";

/** What is asked about the text that one refusal is about. */
export const BAD = "a text that the provider does not want";

type Outcome =
  | { readonly state: "scored" | "cannot_judge"; readonly cause?: string }
  /** The error's code, and words of its message. */
  | { readonly code: string; readonly message: RegExp };

interface RefusalCase extends OutsideCase {
  readonly style?: Style;
  readonly reply: (request: FakeRequest, number: number) => FakeReply;
  /** In order; the others are about a good text. */
  readonly outcomes: readonly { readonly isBad?: boolean; readonly is: Outcome }[];
  /** Fields of the body of the last request that was answered. */
  readonly last?: Readonly<Record<string, unknown>>;
}

const good = (style: Style = "openai"): FakeReply => ({
  body: says(
    style,
    JSON.stringify({
      evidence: [{ statement: "charged twice", supported: true, quote: "twice" }],
      reasoning: "r",
      label: "pass",
      failure_type: null,
    }),
  ),
});
const isBad = ({ body }: FakeRequest): boolean => JSON.stringify(body).includes(BAD);
const error = (status: number, message: string, more: object = {}): FakeReply => ({
  status,
  body: { error: { message, ...more } },
});
const onBad =
  (reply: FakeReply, style: Style = "openai") =>
  (request: FakeRequest): FakeReply =>
    isBad(request) ? reply : good(style);

const scored = { is: { state: "scored" } } as const;
const refused = (message: RegExp) =>
  ({ isBad: true, is: { code: "external_invalid_response", message } }) as const;
const outage = (message: RegExp) => ({ is: { code: "external_refused", message } }) as const;

/** Nothing was given up. */
const WHOLE = {
  temperature: 0,
  max_completion_tokens: 1_500,
  response_format: { type: "json_schema" },
};

export const REFUSAL_CASES: readonly RefusalCase[] = [
  {
    given: "403 without a word, for one text",
    becomes: "that call ends, with its reason; the others are judged",
    reply: onBad({ status: 403, body: "" }),
    outcomes: [scored, refused(/HTTP 403/), scored],
    last: WHOLE,
  },
  {
    given: "403 without a word, for the first text of all",
    becomes: "that call ends; a request that any model answers shows that the endpoint works",
    reply: onBad({ status: 403, body: "" }),
    outcomes: [refused(/HTTP 403/), scored],
    last: WHOLE,
  },
  {
    given: "403 with a firewall's page, for one text",
    becomes: "that call ends, in the page's words; the others are judged",
    reply: onBad({ status: 403, body: "<html><title>Request blocked</title></html>" }),
    outcomes: [refused(/Request blocked/), scored],
  },
  {
    given: "403 for everything",
    becomes: "an outage: all wait, none is lost",
    reply: () => error(403, "Forbidden"),
    outcomes: [outage(/Forbidden/), outage(/Forbidden/)],
  },
  {
    given: "401",
    becomes: "an outage that names the key, after one request",
    reply: () => error(401, "Incorrect API key provided"),
    outcomes: [outage(/Incorrect API key.*check the key/)],
  },
  {
    given: "400 that says the API key is not valid",
    becomes: "an outage that names the key",
    reply: () => error(400, "API key not valid. Please pass a valid API key."),
    outcomes: [outage(/API key not valid.*check the key/)],
  },
  {
    given: "404 that says the model does not exist",
    becomes: "an outage that names the model",
    reply: () => error(404, "The model `m-2026` does not exist"),
    outcomes: [outage(/does not exist.*model/)],
  },
  {
    given: "404 for one text only",
    becomes: "that call ends; the others are judged",
    reply: onBad(error(404, "No endpoints found that can handle the requested input")),
    outcomes: [scored, refused(/No endpoints found/), scored],
  },
  {
    given: "400 without `param`, once",
    becomes: "that call ends; nothing is given up",
    reply: onBad(error(400, "Bad Request")),
    outcomes: [refused(/Bad Request/), scored, scored],
    last: WHOLE,
  },
  {
    given: "400 of a content filter",
    becomes: "`cannot_judge`: filtered, in the provider's words; nothing is given up",
    reply: onBad(
      error(400, "The response was filtered due to the prompt triggering the content management policy."),
    ),
    outcomes: [{ isBad: true, is: { state: "cannot_judge", cause: "filtered" } }, scored],
    last: WHOLE,
  },
  {
    given: "400 because the text is longer than the context",
    becomes: "that call ends; `max_tokens`, which is named, is not given up",
    reply: onBad(
      error(400, "max_tokens is too large: this model's maximum context length is 4096 tokens", {
        param: "max_tokens",
      }),
    ),
    outcomes: [refused(/maximum context length/), scored],
    last: WHOLE,
  },
  {
    given: "400 that names `temperature` in words",
    becomes: "temperature is given up, and only that",
    reply: ({ body }) =>
      "temperature" in body ? error(400, "`temperature` is not supported with this model.") : good(),
    outcomes: [scored, scored],
    last: { max_completion_tokens: 1_500, response_format: { type: "json_schema" } },
  },
  {
    style: "anthropic",
    given: "a Claude that refuses `temperature`",
    becomes: "temperature is given up, and only that",
    reply: ({ body }) =>
      "temperature" in body
        ? error(400, "temperature: `temperature` is deprecated for this model.")
        : good("anthropic"),
    outcomes: [scored, scored],
    last: { output_config: { format: { type: "json_schema" } } },
  },
  {
    style: "anthropic",
    given: "a gateway that does not know `cache_control`",
    becomes: "the mark of the cache is given up, and only that",
    reply: ({ body }) =>
      JSON.stringify(body).includes("cache_control")
        ? error(400, "system.0.cache_control: Extra inputs are not permitted")
        : good("anthropic"),
    outcomes: [scored],
    last: { temperature: 0, output_config: { format: { type: "json_schema" } } },
  },
  {
    given: "a server that knows only `max_tokens`",
    becomes: "the older name is used",
    reply: ({ body }) =>
      "max_completion_tokens" in body
        ? error(400, "Unsupported parameter", { param: "max_completion_tokens" })
        : good(),
    outcomes: [scored],
    last: { max_tokens: 1_500, temperature: 0, response_format: { type: "json_schema" } },
  },
  {
    given: "a model without a system role",
    becomes: "the rubric stands before the texts",
    reply: ({ body }) =>
      JSON.stringify(body["messages"]).includes('"system"')
        ? error(400, "System role not supported")
        : good(),
    outcomes: [scored],
    last: WHOLE,
  },
  {
    given: "a server that refuses schemas and says only `Bad Request`",
    becomes: "a known-good request finds out; the schema is given up, and only that",
    reply: ({ body }) =>
      JSON.stringify(body["response_format"] ?? "").includes("json_schema")
        ? error(400, "Bad Request")
        : good(),
    outcomes: [scored, scored],
    last: { temperature: 0, max_completion_tokens: 1_500, response_format: { type: "json_object" } },
  },
  {
    given: "HTTP 500 with a server's own validation error that names `response_format` (llama-cpp-python)",
    becomes: "only the format is given up; no outage",
    reply: ({ body }) =>
      JSON.stringify(body["response_format"] ?? "").includes("json_schema")
        ? error(
            500,
            "[{'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text' or 'json_object'\", 'input': 'json_schema'}]",
            { type: "internal_server_error", code: null, param: null },
          )
        : good(),
    outcomes: [scored, scored],
    last: { temperature: 0, max_completion_tokens: 1_500, response_format: { type: "json_object" } },
  },
  {
    given: "422 in the words of a list of details",
    becomes: "that call ends, in those words",
    reply: onBad({ status: 422, body: { detail: [{ loc: ["body"], msg: "Input should be shorter" }] } }),
    outcomes: [refused(/Input should be shorter/), scored],
  },
  {
    given: "200 with an `error` of the server, once",
    becomes: "asked again",
    reply: (_request, number) =>
      number === 0 ? { body: { error: { message: "Internal server error", code: 500 } } } : good(),
    outcomes: [scored],
  },
  {
    given: "200 with an `error` that limits the rate, for ever",
    becomes: "waits as for 429",
    reply: () => ({ body: { error: { type: "rate_limit_error", message: "Slow down" } } }),
    outcomes: [{ is: { code: "external_rate_limited", message: /Slow down/ } }],
  },
  {
    given: "200 with empty `choices`, once",
    becomes: "asked again",
    reply: (_request, number) => (number === 0 ? { body: { choices: [] } } : good()),
    outcomes: [scored],
  },
  {
    given: "200 with a page, once",
    becomes: "asked again",
    reply: (_request, number) => (number === 0 ? { body: "<html>Gateway</html>" } : good()),
    outcomes: [scored],
  },
  {
    given: "200 with an error within the choice, once",
    becomes: "asked again",
    reply: (_request, number) =>
      number === 0 ? { body: { choices: [{ error: { message: "upstream" }, message: null }] } } : good(),
    outcomes: [scored],
  },
  {
    given: "a refusal that repeats the text",
    becomes: "the text is not passed on",
    reply: onBad(error(422, `Cannot process: ${BAD}!`)),
    outcomes: [scored, refused(/HTTP 422: Cannot process: \[…\]!$/), scored],
  },
  {
    given: "a refusal that repeats the key",
    becomes: "the key is not passed on",
    reply: () => error(401, "Unknown key key-1"),
    outcomes: [outage(/Unknown key \[key\]/)],
  },
];
