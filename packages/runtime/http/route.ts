import type { Scope } from "@plumbline/schemas";
import type { Express, Request, Response } from "express";
import type { Principal } from "./access.ts";

export type { Request, Response };
export type HttpApp = Express;

interface RouteBase {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Express path pattern, such as `/v1/prompts/:use_case`. */
  readonly path: string;
}

/** A route that answers everybody who reaches the server: health, and what has no data in it. */
export interface PublicRoute extends RouteBase {
  readonly access: "public";
  handle(request: Request, response: Response): Promise<void> | void;
}

/** A route that asks who sends the request before its handler runs. */
export interface ProtectedRoute extends RouteBase {
  /** The scope that a key needs. */
  readonly access: Scope;
  handle(request: Request, response: Response, principal: Principal): Promise<void> | void;
}

/**
 * What a server answers. A handler answers the request, or throws: `HttpProblem` to choose the answer, anything else for
 * the mapping of `toProblem`. What it puts into `response.locals` becomes fields of the request's log line.
 */
export type Route = PublicRoute | ProtectedRoute;
