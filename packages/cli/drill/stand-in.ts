/**
 * Stands in for registry and collector while a drill runs: delivers the project's own prompts and policies, keeps the calls
 * that the application emits, and takes either part down.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { z } from "zod";

/** A call as the application emitted it; what a drill does not look at is left out. */
const EmittedCall = z.object({
  use_case: z.string(),
  path: z.string().default("primary"),
  status: z.string(),
  error_type: z.string().nullish(),
  latency_ms: z.number(),
  prompt_source: z.string().default("none"),
});
export type EmittedCall = z.output<typeof EmittedCall>;

/** What the registry would say is live, by use case. */
export type LiveUseCases = Readonly<Record<string, unknown>>;

/** Longest body that is read, bytes. */
const BODY_BYTES_MAX = 8 * 1_048_576;
const WAIT_MS_MAX = 30_000;

export class StandIn {
  /** Emitted since the last `begin`. */
  readonly calls: EmittedCall[] = [];
  readonly #server: Server;
  #useCases: LiveUseCases = {};
  #down: "registry" | "collector" | null = null;
  #revision = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** @returns the base address of both parts */
  async listen(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Forgets the calls so far. @param down breaks every connection to this part */
  begin(useCases: LiveUseCases, down: "registry" | "collector" | null): void {
    this.calls.length = 0;
    this.#useCases = useCases;
    this.#down = down;
    this.#revision += 1;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const part = pathname === "/v1/live" ? "registry" : "collector";
    if (this.#down === part) {
      request.socket.destroy();
      return;
    }
    if (pathname === "/v1/live") await this.#live(searchParams, request, response);
    else if (pathname === "/v1/calls") await this.#take(request, response);
    else send(response, 404, { title: "Not found", detail: "a drill answers /v1/live and /v1/calls" });
  }

  async #live(query: URLSearchParams, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const etag = `"${this.#revision}-d1"`;
    response.setHeader("etag", etag);
    if (request.headers["if-none-match"] === etag) {
      // A drill changes nothing while the application runs.
      const waitMs = Math.min(WAIT_MS_MAX, Number(query.get("wait") ?? 0) * 1_000 || 0);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        response.once("close", () => {
          clearTimeout(timer);
          resolve();
        });
      });
      response.writeHead(304).end();
      return;
    }
    const names = (query.get("use_cases") ?? "").split(",").filter((name) => name !== "");
    const found = names.filter((name) => Object.hasOwn(this.#useCases, name));
    send(response, 200, {
      env: query.get("env") ?? "production",
      revision: this.#revision,
      use_cases: Object.fromEntries(found.map((name) => [name, this.#useCases[name]])),
      missing: names.filter((name) => !found.includes(name)),
      switched_off: [],
    });
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) throw new RangeError("the body is too long");
      chunks.push(chunk);
    }
    const raw = Buffer.concat(chunks);
    const text = (request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw).toString("utf8");
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    const isLines = (request.headers["content-type"] ?? "").includes("ndjson");
    const values: readonly unknown[] = isLines
      ? lines.map((line) => JSON.parse(line) as unknown)
      : [JSON.parse(text) as unknown].flat();
    for (const value of values) {
      const call = EmittedCall.safeParse(value);
      if (call.success) this.calls.push(call.data);
    }
    const nothing = { rejected: [], rejected_count: 0, warnings: [], warnings_count: 0 };
    send(response, 200, { accepted: values.length, ...nothing });
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
