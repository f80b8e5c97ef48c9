/**
 * The scripted provider: an HTTP server on loopback that speaks OpenAI's chat completions and responses and Anthropic's
 * messages, streamed or not, and does with each request what its script says.
 *
 * It is reached as providers are, through a base address, so that what a drill rehearses is the application's own code
 * path, with its own SDK, connections and timeouts.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Behaviour, Script } from "./behaviour.ts";
import type { Answer, Protocol, StreamEvent, Usage } from "./protocols/answer.ts";
import { chatCompletions } from "./protocols/chat-completions.ts";
import { messages } from "./protocols/messages.ts";
import { responses } from "./protocols/responses.ts";

export interface ScriptedProvider {
  /** `http://127.0.0.1:<port>`: the base address for Anthropic's SDK. */
  readonly url: string;
  /** With `/v1`: the base address for OpenAI's SDK. */
  readonly openaiUrl: string;
  /** Every request that came, in order, since the start or the last `script`. */
  readonly requests: readonly ScriptedRequest[];
  /**
   * Replaces what happens from now on, and forgets the requests so far.
   *
   * @param byModel scripts for some models, by the name that requests ask for; they go before `script`
   */
  script(script: Script, byModel?: Readonly<Record<string, Script>>): void;
  /** Ends every connection, also of requests that hang. */
  close(): Promise<void>;
}

export interface ScriptedRequest {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** Parsed JSON; undefined when it was none. */
  readonly body: unknown;
  readonly model: string;
  readonly did: Behaviour["kind"] | "unknown_path";
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly protocol: Protocol;
  readonly model: string;
  readonly isStream: boolean;
  readonly withUsage: boolean;
}

/** Longest request that is read, bytes. */
const BODY_BYTES_MAX = 8 * 1_048_576;
const USAGE: Usage = { input: 40, cacheRead: 0, cacheWrite: 0, output: 8, reasoning: 0 };
const DEFAULT_TEXT = "This is a scripted answer.";
const REFUSAL_TEXT = "I can't help with that.";

const PROTOCOLS: readonly (readonly [suffix: string, Protocol])[] = [
  ["/chat/completions", chatCompletions],
  ["/responses", responses],
  ["/messages", messages],
];

/**
 * @param options.port default: a free one
 * @param options.keepsAlive false ends every connection with its answer: for tests that start many providers, of which one
 * gets the port of another whose connections its clients still hold. Default true, as providers do
 */
export async function startScriptedProvider(
  options: { readonly port?: number; readonly keepsAlive?: boolean } = {},
): Promise<ScriptedProvider> {
  const provider = new Provider(options.keepsAlive ?? true);
  await provider.listen(options.port ?? 0);
  return provider;
}

class Provider implements ScriptedProvider {
  readonly requests: ScriptedRequest[] = [];
  readonly #server: Server;
  #url = "";
  #script = new Steps({});
  #byModel = new Map<string, Steps>();

  constructor(keepsAlive: boolean) {
    this.#server = createServer((request, response) => {
      if (!keepsAlive) response.setHeader("connection", "close");
      // Whoever hangs up in the middle of a request gets no answer.
      this.#serve(request, response).catch(() => response.destroy());
    });
    // A request that hangs is ended by its client, or by `close`.
    this.#server.requestTimeout = 0;
  }

  get url(): string {
    return this.#url;
  }

  get openaiUrl(): string {
    return `${this.#url}/v1`;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", resolve);
    });
    this.#url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  script(script: Script, byModel: Readonly<Record<string, Script>> = {}): void {
    this.#script = new Steps(script);
    this.#byModel = new Map(Object.entries(byModel).map(([model, its]) => [model, new Steps(its)]));
    this.requests.length = 0;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const body = await readJson(request);
    const model = memberOf(body, "model");
    const named = typeof model === "string" ? model : "";
    const protocol = PROTOCOLS.find(([suffix]) => path.endsWith(suffix))?.[1];
    if (request.method !== "POST" || protocol === undefined) {
      this.requests.push({ path, headers: request.headers, body, model: named, did: "unknown_path" });
      const known = PROTOCOLS.map(([suffix]) => `POST …${suffix}`).join(", ");
      sendJson(response, 404, {
        error: { type: "not_found", message: `the scripted provider knows ${known}` },
      });
      return;
    }
    const behaviour = (this.#byModel.get(named) ?? this.#script).next();
    this.requests.push({ path, headers: request.headers, body, model: named, did: behaviour.kind });
    await perform(behaviour, {
      request,
      response,
      protocol,
      model: named,
      isStream: memberOf(body, "stream") === true,
      withUsage: memberOf(memberOf(body, "stream_options"), "include_usage") === true,
    });
  }
}

class Steps {
  readonly #steps: Behaviour[];
  readonly #otherwise: Behaviour;

  constructor({ steps = [], otherwise = { kind: "answer" } }: Script) {
    this.#steps = [...steps];
    this.#otherwise = otherwise;
  }

  next(): Behaviour {
    return this.#steps.shift() ?? this.#otherwise;
  }
}

async function perform(behaviour: Behaviour, exchange: Exchange): Promise<void> {
  const { response, protocol } = exchange;
  switch (behaviour.kind) {
    case "answer": {
      const { text = DEFAULT_TEXT, tool = null, usage, pauseMs = 0, chunkPauseMs = 0 } = behaviour;
      if (pauseMs > 0) await sleep(pauseMs);
      const finish = tool === null ? "stop" : "tool";
      await send(exchange, answerOf(exchange, { text, tool, finish, usage }), { chunkPauseMs });
      return;
    }
    case "hang":
      return;
    case "reset":
      exchange.request.socket.resetAndDestroy();
      return;
    case "slow_body":
    case "half_body":
    case "short_body":
      await send(exchange, answerOf(exchange, { text: behaviour.text ?? DEFAULT_TEXT }), {
        end: behaviour.kind,
      });
      return;
    case "status": {
      const { status, retryAfterMs } = behaviour;
      if (retryAfterMs !== undefined) {
        const seconds = Math.ceil(retryAfterMs / 1000);
        const at = (): string =>
          new Date(Math.ceil(performance.timeOrigin + performance.now()) + seconds * 1000).toUTCString();
        response.setHeader("retry-after", behaviour.asDate === true ? at() : String(seconds));
      }
      sendJson(response, status, protocol.error(status));
      return;
    }
    case "malformed":
      response.writeHead(200, {
        "content-type": exchange.isStream ? "text/event-stream" : "application/json",
      });
      response.end(exchange.isStream ? 'data: {"choices": [oops\n\n' : '{"choices": [oops');
      return;
    case "error_body":
      sendJson(response, 200, protocol.error(500));
      return;
    case "refusal":
      await send(exchange, answerOf(exchange, { text: REFUSAL_TEXT, finish: "refusal" }));
      return;
    case "content_filter":
      await send(exchange, answerOf(exchange, { text: "", finish: "content_filter" }));
      return;
    case "empty":
      await send(exchange, answerOf(exchange, { text: "", finish: "length" }));
      return;
  }
}

function answerOf(
  { model }: Exchange,
  said: {
    readonly text: string;
    readonly tool?: string | null;
    readonly finish?: Answer["finish"];
    readonly usage?: Partial<Usage> | undefined;
  },
): Answer {
  return {
    model: `${model}-scripted`,
    text: said.text,
    tool: said.tool ?? null,
    finish: said.finish ?? "stop",
    usage: { ...USAGE, ...said.usage },
  };
}

/** Sends an answer whole, or as far as its end lets it: `slow_body` leaves it open, `half_body` cuts it, `short_body` ends it. */
async function send(
  { response, protocol, isStream, withUsage }: Exchange,
  answer: Answer,
  how: { readonly end?: "slow_body" | "half_body" | "short_body"; readonly chunkPauseMs?: number } = {},
): Promise<void> {
  const whole = JSON.stringify(protocol.whole(answer));
  const chunks = isStream ? protocol.stream(answer, withUsage).map(toLines) : [whole];
  if (how.end === undefined) {
    if (!isStream) response.setHeader("content-length", Buffer.byteLength(whole));
    response.writeHead(200, { "content-type": isStream ? "text/event-stream" : "application/json" });
    for (const chunk of chunks) {
      response.write(chunk);
      if (how.chunkPauseMs !== undefined && how.chunkPauseMs > 0) await sleep(how.chunkPauseMs);
    }
    response.end();
    return;
  }
  response.writeHead(200, { "content-type": isStream ? "text/event-stream" : "application/json" });
  const half = isStream
    ? chunks.slice(0, Math.ceil(chunks.length / 2)).join("")
    : whole.slice(0, Math.floor(whole.length / 2));
  if (how.end === "slow_body") {
    response.write(half);
  } else if (how.end === "half_body") {
    // Sent first, then cut: a reset may overtake what is still in the buffer.
    await new Promise<void>((resolve) => response.write(half, () => resolve()));
    response.destroy();
  } else {
    response.end(half);
  }
}

function toLines({ event, data }: StreamEvent): string {
  const name = event === undefined ? "" : `event: ${event}\n`;
  return `${name}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
