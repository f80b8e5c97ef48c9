import type { Express, Request, Response } from "express";

export type { Request, Response };
export type HttpApp = Express;

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Express path pattern, such as `/v1/prompts/:use_case`. */
  readonly path: string;
  /**
   * Answers the request, or throws: `HttpProblem` to choose the answer, anything else for the mapping below.
   * What it puts into `response.locals` becomes fields of the request's log line.
   */
  handle(request: Request, response: Response): Promise<void> | void;
}
