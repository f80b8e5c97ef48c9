import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { InvalidConfigError } from "../load-config.ts";
import type { Logger } from "../logger.ts";
import { isOpenToAll } from "./app.ts";
import type { HttpApp } from "./route.ts";
import { createTlsServer, type TlsFiles } from "./tls.ts";

export interface ListenOptions {
  /** Address to bind. Default 127.0.0.1: nothing is reachable from outside unless somebody says so. */
  readonly host?: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** The variable or flag that sets the port, for the message when it is taken. */
  readonly portSetting?: string;
  /** Absent: plain HTTP, for loopback or behind a proxy that speaks TLS. */
  readonly tls?: TlsFiles | undefined;
  readonly logger?: Logger;
}

export interface Listening {
  /** Base address without a trailing slash, with the real port. */
  readonly url: string;
  /**
   * Stops accepting, lets requests in flight finish for at most `drainMs` (default 5,000), then cuts what is left.
   * Idle keep-alive connections are closed at once.
   */
  close(drainMs?: number): Promise<void>;
}

const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "::1", "localhost"]);

export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host);
}

/**
 * @throws InvalidConfigError when the address can't be bound, or lies beyond loopback and no key is asked for; the
 *   message says what to change
 */
export async function listen(app: HttpApp, options: ListenOptions): Promise<Listening> {
  const { host = "127.0.0.1", port, portSetting = "the port setting", tls, logger } = options;
  if (!isLoopback(host) && isOpenToAll(app)) {
    throw new InvalidConfigError(
      `whoever reaches ${host} would be obeyed: ask for API keys (PLUMBLINE_ADMIN_KEY is the first one, \`plumbline keys create\` makes more), or bind 127.0.0.1`,
    );
  }
  let isClosing = false;
  const answer: RequestListener = (request, response) => {
    response.once("close", () => {
      if (isClosing) setImmediate(() => server.closeIdleConnections());
    });
    if (isClosing) response.setHeader("connection", "close");
    app(request, response);
  };
  const server: Server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer, logger);
  // A sender that trickles its body holds a socket no longer than this.
  server.requestTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(new InvalidConfigError(bindFailure(error, host, port, portSetting), { cause: error }));
    });
    server.listen(port, host, resolve);
  });
  const bound = (server.address() as AddressInfo).port;

  return {
    url: `${tls === undefined ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    close: async (drainMs = 5000) => {
      if (isClosing) return;
      isClosing = true;
      const cut = setTimeout(() => server.closeAllConnections(), drainMs);
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
      clearTimeout(cut);
    },
  };
}

function bindFailure(error: NodeJS.ErrnoException, host: string, port: number, portSetting: string): string {
  if (error.code === "EADDRINUSE") {
    return `port ${port} on ${host} is in use; stop what uses it, or set ${portSetting} to another port (0 picks a free one)`;
  }
  if (error.code === "EACCES")
    return `no permission to bind port ${port}; set ${portSetting} to one above 1023`;
  return `cannot bind ${host}:${port} (${error.code ?? error.message}); check the host, and ${portSetting}`;
}
