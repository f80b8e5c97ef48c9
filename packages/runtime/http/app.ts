import express, { type NextFunction, type Request, type Response } from "express";
import type { Logger } from "../logger.ts";
import { admit, type Guard } from "./access.ts";
import { HEALTH_PATHS, healthRoutes } from "./health.ts";
import { HttpProblem, toProblem } from "./problem.ts";
import type { HttpApp, Route } from "./route.ts";

export interface HttpAppOptions {
  /** Service name; the log line of a request is `<name>.request`. */
  readonly name: string;
  readonly logger: Logger;
  readonly routes: readonly Route[];
  /** Who may use the routes that are not public. */
  readonly guard: Guard;
  /** Named checks behind `/readyz`. A check resolves when ready and rejects with the reason when not. */
  readonly readiness?: Readonly<Record<string, () => Promise<unknown>>>;
}

export function createHttpApp({ name, logger, routes, guard, readiness = {} }: HttpAppOptions): HttpApp {
  const app = express();
  guards.set(app, { guard, routes });
  app.disable("x-powered-by");
  app.set("etag", false);

  app.use((request, response, next) => {
    const started = performance.now();
    response.once("close", () => {
      const fields = {
        method: request.method,
        path: request.path,
        status: response.statusCode,
        duration_ms: Math.round((performance.now() - started) * 10) / 10,
        ...response.locals,
      };
      if (HEALTH_PATHS.has(request.path)) logger.debug(fields, `${name}.request`);
      else if (response.statusCode >= 500) logger.warn(fields, `${name}.request`);
      else logger.info(fields, `${name}.request`);
    });
    next();
  });

  const all: readonly Route[] = [...healthRoutes(readiness), ...routes];
  for (const route of all) {
    app[METHODS[route.method]](route.path, async (request: Request, response: Response) => {
      if (route.access === "public") return route.handle(request, response);
      const about = { logger, route: `${route.method} ${route.path}` };
      const principal = await admit(guard, route.access, request, response, about);
      return route.handle(request, response, principal);
    });
  }
  for (const path of new Set(all.map((route) => route.path))) {
    const allowed = all.filter((route) => route.path === path).map((route) => route.method);
    app.all(path, (request) => {
      throw new HttpProblem(
        {
          type: "urn:plumbline:method-not-allowed",
          title: "Method not allowed",
          status: 405,
          detail: `${request.method} is not possible here; use ${allowed.join(" or ")}.`,
        },
        { allow: allowed.join(", ") },
      );
    });
  }
  app.use((request: Request) => {
    throw new HttpProblem({
      type: "urn:plumbline:not-found",
      title: "Not found",
      status: 404,
      detail: `There is nothing at this path. ${name} answers ${all
        .filter((route) => !HEALTH_PATHS.has(route.path))
        .map((route) => `${route.method} ${route.path}`)
        .join(", ")}.${request.path === "/" ? "" : " Check the path for a typing error."}`,
    });
  });
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const problem = toProblem(error);
    if (problem.body.status === 500) logger.error({ err: error }, `${name}.request_failed`);
    // The sender is gone, or a part of the answer is: there is nobody to explain anything to.
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    for (const [header, value] of Object.entries(problem.headers)) response.setHeader(header, value);
    response.status(problem.body.status).type("application/problem+json").send(JSON.stringify(problem.body));
  });
  return app;
}

const guards = new WeakMap<HttpApp, Pick<HttpAppOptions, "guard" | "routes">>();

/** Whether everybody who reaches `app` may use all of it: it has a route that is not public, and asks for no key. */
export function isOpenToAll(app: HttpApp): boolean {
  const known = guards.get(app);
  if (known === undefined) return true;
  return !known.guard.asksForKeys && known.routes.some(({ access }) => access !== "public");
}

const METHODS = { GET: "get", POST: "post", PUT: "put", PATCH: "patch", DELETE: "delete" } as const;
