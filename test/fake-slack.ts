/**
 * A stand-in for Slack's Web API, over real HTTP: what the notifier's tests and offline demonstrations talk to.
 *
 * It keeps messages as Slack would (edits replace, replies go to threads, history is newest first), checks the
 * limits that make real posts fail, and follows a script of faults. It never verifies tokens unless told that one
 * was revoked.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { blockProblems } from "./slack-blocks.ts";

export interface FakeSlackMessage {
  readonly ts: string;
  readonly text: string;
  readonly blocks: readonly FakeSlackBlock[];
  readonly metadata: { readonly event_type: string; readonly event_payload: Record<string, unknown> } | null;
  readonly thread: readonly string[];
  readonly edits: number;
}

interface FakeSlackBlock {
  readonly type: string;
  readonly text?: { readonly text: string };
  readonly fields?: readonly { readonly text: string }[];
  readonly elements?: readonly { readonly text?: string }[];
}

/** One answer that replaces the normal one. */
export type FakeSlackFault =
  | { readonly kind: "rate_limited"; readonly retry_after_s: number }
  | { readonly kind: "http"; readonly status: number }
  /** Refused with this error code, such as `channel_not_found`. */
  | { readonly kind: "error"; readonly error: string }
  /** Takes effect, and then the connection breaks: the caller cannot know. */
  | { readonly kind: "lost_answer" }
  /** The connection breaks before anything took effect. */
  | { readonly kind: "reset" }
  /** Takes effect; the answer comes after `delay_ms` of real time. */
  | { readonly kind: "slow"; readonly delay_ms: number };

export interface FakeSlack {
  /** Base of the API, with a slash at the end. */
  readonly apiUrl: string;
  readonly channel: string;
  /** Root messages in the order of posting. */
  readonly messages: readonly FakeSlackMessage[];
  /** Every call that arrived: method names in order, faults included. */
  readonly calls: readonly string[];
  /** The next call of `method` gets this answer; several queue up. */
  fail(method: string, fault: FakeSlackFault): void;
  /** Every call gets this answer until it is called with null: an outage, a revoked token. */
  failAll(fault: FakeSlackFault | null): void;
  close(): Promise<void>;
}

interface Stored {
  ts: string;
  text: string;
  blocks: readonly FakeSlackBlock[];
  metadata: FakeSlackMessage["metadata"];
  thread: string[];
  edits: number;
}

type Arguments = Readonly<Record<string, string>>;
type Answer = Record<string, unknown>;

export async function startFakeSlack(options: { channel?: string } = {}): Promise<FakeSlack> {
  const { channel = "C0FAKE0001" } = options;
  const messages: Stored[] = [];
  const calls: string[] = [];
  const scripted = new Map<string, FakeSlackFault[]>();
  let outage: FakeSlackFault | null = null;
  let clock = 1_700_000_000;
  const nextTs = (): string => `${++clock}.000100`;

  function answer(method: string, args: Arguments): Answer {
    if (method !== "auth.test" && args["channel"] !== channel)
      return { ok: false, error: "channel_not_found" };
    switch (method) {
      case "auth.test":
        return { ok: true, team: "fake", user: "plumbline" };
      case "chat.postMessage":
        return post(args);
      case "chat.update":
        return update(args);
      case "conversations.history":
        return history(args);
      default:
        return { ok: false, error: "unknown_method" };
    }
  }

  function post(args: Arguments): Answer {
    const blocks = parseBlocks(args);
    if (blocks === "invalid") return { ok: false, error: "invalid_blocks" };
    const text = args["text"] ?? "";
    if (text === "" && blocks.length === 0) return { ok: false, error: "no_text" };
    const ts = nextTs();
    const parent = args["thread_ts"];
    if (parent === undefined) {
      messages.push({ ts, text, blocks, metadata: parseMetadata(args), thread: [], edits: 0 });
    } else {
      const root = messages.find((each) => each.ts === parent);
      if (root === undefined) return { ok: false, error: "thread_not_found" };
      root.thread.push(text);
    }
    return { ok: true, channel, ts };
  }

  function update(args: Arguments): Answer {
    const blocks = parseBlocks(args);
    if (blocks === "invalid") return { ok: false, error: "invalid_blocks" };
    const message = messages.find((each) => each.ts === args["ts"]);
    if (message === undefined) return { ok: false, error: "message_not_found" };
    message.text = args["text"] ?? "";
    message.blocks = blocks;
    message.metadata = parseMetadata(args) ?? message.metadata;
    message.edits += 1;
    return { ok: true, channel, ts: message.ts, text: message.text };
  }

  function history(args: Arguments): Answer {
    const limit = Number(args["limit"] ?? 100);
    const from = Number(args["cursor"] ?? 0);
    const newestFirst = messages.toReversed();
    const page = newestFirst.slice(from, from + limit).map(({ ts, text, blocks, metadata }) => ({
      type: "message",
      ts,
      text,
      blocks,
      ...(metadata === null || args["include_all_metadata"] !== "true" ? {} : { metadata }),
    }));
    const hasMore = from + limit < newestFirst.length;
    return {
      ok: true,
      messages: page,
      has_more: hasMore,
      response_metadata: { next_cursor: hasMore ? String(from + limit) : "" },
    };
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = (request.url ?? "").replace(/^\/api\//, "").replace(/\?.*$/, "");
    const args = parseBody(await readAll(request), request.headers["content-type"] ?? "");
    calls.push(method);
    const fault = scripted.get(method)?.shift() ?? outage;
    switch (fault?.kind) {
      case undefined:
        return send(response, answer(method, args));
      case "rate_limited":
        response.writeHead(429, { "retry-after": String(fault.retry_after_s) }).end("{}");
        return;
      case "http":
        response.writeHead(fault.status).end("trouble");
        return;
      case "error":
        return send(response, { ok: false, error: fault.error });
      case "lost_answer":
        answer(method, args);
        response.destroy();
        return;
      case "reset":
        response.destroy();
        return;
      case "slow": {
        const body = answer(method, args);
        await new Promise((resolve) => setTimeout(resolve, fault.delay_ms));
        return send(response, body);
      }
    }
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  return {
    apiUrl: `http://127.0.0.1:${port}/api/`,
    channel,
    messages,
    calls,
    fail(method, fault) {
      scripted.set(method, [...(scripted.get(method) ?? []), fault]);
    },
    failAll(fault) {
      outage = fault;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function send(response: ServerResponse, body: Answer): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** The client sends forms, with nested values as JSON strings. */
function parseBody(body: string, contentType: string): Arguments {
  if (!contentType.includes("json")) return Object.fromEntries(new URLSearchParams(body));
  const parsed = JSON.parse(body === "" ? "{}" : body) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(parsed).map(([key, value]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

function parseMetadata(args: Arguments): FakeSlackMessage["metadata"] {
  const { metadata } = args;
  return metadata === undefined ? null : (JSON.parse(metadata) as FakeSlackMessage["metadata"]);
}

function parseBlocks(args: Arguments): readonly FakeSlackBlock[] | "invalid" {
  const blocks: unknown = JSON.parse(args["blocks"] ?? "[]");
  return blockProblems(blocks).length === 0 ? (blocks as FakeSlackBlock[]) : "invalid";
}
