/**
 * Stands between services and ClickHouse's HTTP interface and does to requests what networks, balancers and servers in
 * trouble do. Without a fault it passes everything on.
 */
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export type Fault =
  /** The connection breaks before a byte went on. */
  | { readonly kind: "reset" }
  /** Half of the body goes on, then both connections break. */
  | { readonly kind: "cut_body" }
  /** Takes effect, and the connection breaks instead of an answer. */
  | { readonly kind: "lose_answer" }
  /** The connection breaks at once; the request takes effect later, when its sender has long asked what is stored. */
  | { readonly kind: "zombie"; readonly afterMs: number }
  /** Goes on after a while, or never if the sender does not wait. */
  | { readonly kind: "delay"; readonly ms: number }
  /** The answer comes in bytes with pauses. */
  | { readonly kind: "trickle"; readonly pauseMs: number }
  /** Refused as ClickHouse refuses. */
  | { readonly kind: "refuse"; readonly status: number; readonly code: number; readonly message: string }
  /** Refused by something that is not ClickHouse. */
  | { readonly kind: "gateway"; readonly status: number };

export interface ProxiedRequest {
  readonly isInsert: boolean;
  readonly statement: string;
}

export interface FaultProxy {
  readonly url: string;
  /** Decides what happens to the next requests; null lets everything pass. */
  meddle(choose: ((request: ProxiedRequest) => Fault | null) | null): void;
  /** Nobody listens any more: connections are refused. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  /** Requests that met a fault, by its kind. */
  readonly met: ReadonlyMap<Fault["kind"], number>;
  close(): Promise<void>;
}

const TRICKLE_BYTES = 64;
const TRICKLE_CHUNKS_MAX = 10;

/** @param upstream of the ClickHouse, `http://host:port` */
export async function startFaultProxy(upstream: string): Promise<FaultProxy> {
  let choose: ((request: ProxiedRequest) => Fault | null) | null = null;
  const met = new Map<Fault["kind"], number>();
  // A kept connection may be closed by the other side just when it is used, which would be a fault that nobody asked for.
  const agent = new Agent({ keepAlive: false });
  const server = createServer({ maxHeaderSize: 1_048_576 }, (incoming, response) => {
    handle(incoming, response).catch(() => response.destroy());
  });

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const asked = describe(incoming, body);
    const fault = choose?.(asked) ?? null;
    if (fault !== null) met.set(fault.kind, (met.get(fault.kind) ?? 0) + 1);
    switch (fault?.kind) {
      case "reset":
        response.destroy();
        return;
      case "cut_body":
        await pass(incoming, body.subarray(0, body.length >> 1), body.length).catch(() => null);
        response.destroy();
        return;
      case "lose_answer":
        await pass(incoming, body);
        response.destroy();
        return;
      case "zombie":
        response.destroy();
        await sleep(fault.afterMs);
        await pass(incoming, body);
        return;
      case "delay":
        await sleep(fault.ms);
        if (!response.destroyed) reply(response, await pass(incoming, body));
        return;
      case "trickle":
        await trickle(response, await pass(incoming, body), fault.pauseMs);
        return;
      case "refuse":
        response
          .writeHead(fault.status, { "X-ClickHouse-Exception-Code": String(fault.code) })
          .end(`Code: ${fault.code}. DB::Exception: ${fault.message}\n`);
        return;
      case "gateway":
        response.writeHead(fault.status, { "content-type": "text/html" }).end("<h1>Bad gateway</h1>");
        return;
      case undefined:
        reply(response, await pass(incoming, body));
    }
  }

  /** @param announced bytes of the body as its header says; more than are sent when the body is cut */
  function pass(incoming: IncomingMessage, body: Buffer, announced = body.length): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { connection: _, "content-length": __, "transfer-encoding": ___, ...headers } = incoming.headers;
      const outgoing = request(new URL(incoming.url ?? "/", upstream), {
        agent,
        method: incoming.method ?? "GET",
        headers: { ...headers, "content-length": announced },
      });
      outgoing.on("error", reject);
      outgoing.on("response", (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: Buffer.concat(chunks) }),
        );
      });
      if (announced === body.length) outgoing.end(body);
      else outgoing.write(body, () => setTimeout(() => outgoing.destroy(), 20));
    });
  }

  let port = 0;
  const comeBack = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        server.removeListener("error", reject);
        resolve();
      });
    });
  const goAway = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await comeBack();
  const address = server.address();
  port = address === null || typeof address === "string" ? 0 : address.port;
  return {
    url: `http://127.0.0.1:${port}`,
    meddle(next) {
      choose = next;
    },
    goAway,
    comeBack,
    met,
    async close() {
      if (server.listening) await goAway();
      agent.destroy();
    },
  };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

function reply(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, endToEnd(headers)).end(body);
}

async function trickle(
  response: ServerResponse,
  { status, headers, body }: Answer,
  pauseMs: number,
): Promise<void> {
  response.writeHead(status, endToEnd(headers));
  const bytes = Math.max(TRICKLE_BYTES, Math.ceil(body.length / TRICKLE_CHUNKS_MAX));
  for (let start = 0; start < body.length; start += bytes) {
    response.write(body.subarray(start, start + bytes));
    await sleep(pauseMs);
  }
  response.end();
}

/** Headers of one connection are not the next one's. */
function endToEnd(headers: IncomingMessage["headers"]): IncomingMessage["headers"] {
  const {
    connection: _,
    "keep-alive": __,
    "transfer-encoding": ___,
    "content-length": ____,
    ...rest
  } = headers;
  return rest;
}

function describe(incoming: IncomingMessage, body: Buffer): ProxiedRequest {
  const query = new URL(incoming.url ?? "/", "http://proxy").searchParams.get("query") ?? "";
  const statement = query === "" ? body.subarray(0, 2_000).toString("utf8") : query;
  return { statement, isInsert: /^\s*INSERT/i.test(statement) };
}
