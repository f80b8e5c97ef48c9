/** A model provider for tests: a real HTTP server that answers from a script, so that the wire is what is tested. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export interface FakeReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; a string is sent as it is. */
  readonly body?: unknown;
  /** Never answers. */
  readonly hangs?: boolean;
  /** Cuts the connection. */
  readonly breaks?: boolean;
}

export interface FakeRequest {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Readonly<Record<string, unknown>>;
}

export interface FakeProvider {
  readonly url: string;
  /** What was asked, oldest first. */
  readonly requests: readonly FakeRequest[];
  close(): Promise<void>;
}

/** @param script one reply a request, in order; the last one is repeated. A function sees the request. */
export async function startFakeProvider(
  script: readonly (FakeReply | ((request: FakeRequest) => FakeReply))[],
): Promise<FakeProvider> {
  const requests: FakeRequest[] = [];
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const body: Readonly<Record<string, unknown>> = JSON.parse(Buffer.concat(chunks).toString("utf8"));
      const request = { path: incoming.url ?? "", headers: incoming.headers, body };
      const step = script[Math.min(requests.length, script.length - 1)] ?? {};
      requests.push(request);
      answer(response, typeof step === "function" ? step(request) : step);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the fake provider has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(
  response: ServerResponse,
  { status = 200, headers = {}, body = {}, hangs, breaks }: FakeReply,
): void {
  if (hangs === true) return;
  if (breaks === true) {
    response.destroy();
    return;
  }
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}
