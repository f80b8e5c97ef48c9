/**
 * A pretend model that speaks chat completions on loopback, so that the walk in `docs/start` needs no account:
 * `node --conditions=source --import tsx examples/ticket-summary/provider.ts [--port 4900] [--latency-ms 300]`.
 *
 * It is no model. It knows the texts of `fixtures/` and answers each with its human summary; when its instructions ask
 * to be careful with financial information, with the summary whose figures are hidden. That is the founding incident:
 * a model that takes a well-meant sentence too literally, while every call succeeds.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { readPassages } from "./passages.ts";

const NAME = "pretend-model";
const BODY_BYTES_MAX = 1_000_000;
const CAREFUL = /careful with financial information/i;
/** What `traffic.ts` writes above a text, so that no two tickets are the same. */
const TICKET_LINE = /^Ticket [\w-]+\n+/;
/** As a rule of thumb. */
const CHARS_A_TOKEN = 4;

interface Message {
  readonly role: string;
  readonly content: string;
}
interface Reply {
  readonly status: number;
  readonly body: unknown;
}

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "4900" },
    "latency-ms": { type: "string", default: "300" },
  },
});
const latencyMs = Number(values["latency-ms"]);
const summaries = new Map(readPassages().map((passage) => [passage.input, passage]));

// Whoever hangs up in the middle of a request gets no answer.
const server = createServer((request, response) => {
  serve(request, response).catch(() => response.destroy());
});
server.listen(Number(values.port), "127.0.0.1", () => {
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : values.port;
  process.stdout.write(`${NAME} answers at http://127.0.0.1:${port}/v1 from ${summaries.size} texts\n`);
});

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  const isAsked = request.method === "POST" && request.url?.endsWith("/chat/completions") === true;
  const { status, body } = isAsked
    ? answer(bytes <= BODY_BYTES_MAX ? Buffer.concat(chunks).toString("utf8") : "")
    : refusal(404, `${NAME} answers POST /v1/chat/completions only`);
  if (status === 200) await sleep(latencyMs);
  response.writeHead(status, { "content-type": "application/json", server: NAME });
  response.end(JSON.stringify(body));
}

function answer(body: string): Reply {
  const messages = readMessages(body);
  if (messages === null) return refusal(400, "messages: a list of {role, content} is needed, at most 1 MB");
  const ticket = messages.at(-1)?.content ?? "";
  const summary = summaries.get(ticket.replace(TICKET_LINE, ""));
  if (summary === undefined)
    return refusal(400, `${NAME} knows the texts of examples/ticket-summary/fixtures only`);
  const isCareful = messages.some(({ role, content }) => role === "system" && CAREFUL.test(content));
  const content = isCareful ? summary.v2 : summary.v1;
  const prompt_tokens = tokens(messages.map((message) => message.content).join("\n"));
  const completion_tokens = tokens(content);
  return {
    status: 200,
    body: {
      object: "chat.completion",
      model: NAME,
      choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content } }],
      usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
    },
  };
}

function readMessages(body: string): readonly Message[] | null {
  try {
    const { messages } = JSON.parse(body) as { messages?: unknown };
    const isList =
      Array.isArray(messages) &&
      messages.every((each) => typeof each?.role === "string" && typeof each?.content === "string");
    return isList ? (messages as readonly Message[]) : null;
  } catch {
    return null;
  }
}

function refusal(status: number, message: string): Reply {
  return { status, body: { error: { message, type: "invalid_request_error" } } };
}

function tokens(text: string): number {
  return Math.ceil(text.length / CHARS_A_TOKEN);
}
