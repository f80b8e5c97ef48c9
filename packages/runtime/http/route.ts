import type { Scope } from "@plumbline/schemas";
import type { Request, Response } from "express";
import type { IncomingMessage, ServerResponse } from "node:http";

export type { Request, Response };

/** What answers the requests of one server. */
export interface HttpApp {
  /** Answers the request. A throw or a rejection is answered by `listen`, and ends nothing else. */
  handle(request: IncomingMessage, response: ServerResponse): unknown;
  /** Whether `path` is a document that people open by a link from elsewhere. Absent: no path is. */
  isPage?(path: string): boolean;
  /** Every route that is not public asks for a key. Only such an app is served beyond loopback. */
  readonly asksForKeys?: boolean;
  /** What it answers, health included. */
  readonly routes?: readonly Route[];
}

/** Who sends a request, as the guard knows it from the key or the session. */
export interface Principal {
  readonly tenant: string;
  /** Person or application; the history names it. */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Public prefix of the key; null for a key of the environment, a session or nobody. */
  readonly key_id: string | null;
  /** May act for any tenant: the admin key of the environment, and everybody where no key is asked for. */
  readonly isOperator: boolean;
}

interface RouteBase {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Express path pattern, such as `/v1/prompts/:use_case`. */
  readonly path: string;
  /** A document that people open by a link from elsewhere, such as Slack. Everything else is refused to such a link. */
  readonly isPage?: boolean;
}

/** A route that answers everybody who reaches the server: health, and what has no data in it. */
export interface PublicRoute extends RouteBase {
  readonly access: "public";
  handle(request: Request, response: Response): Promise<void> | void;
}

/** A route that asks who sends the request before its handler runs. */
interface ProtectedRoute extends RouteBase {
  /** The scope that a key needs. */
  readonly access: Scope;
  handle(request: Request, response: Response, principal: Principal): Promise<void> | void;
}

/**
 * What a server answers. A handler answers the request, or throws: `HttpProblem` to choose the answer, anything else for
 * the mapping of `toProblem`. What it puts into `response.locals` becomes fields of the request's log line.
 */
export type Route = PublicRoute | ProtectedRoute;
