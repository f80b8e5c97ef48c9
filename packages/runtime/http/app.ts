import express, { type NextFunction, type Request, type Response } from "express";
import type { Health } from "../health.ts";
import type { Logger } from "../logger.ts";
import { admit, type Guard } from "./access.ts";
import { healthRoutes, PROBE_PATHS } from "./health.ts";
import { HttpProblem, toProblem } from "./problem.ts";
import type { HttpApp, Route } from "./route.ts";

interface HttpAppOptions {
  /** Service name; the log line of a request is `<name>.request`. */
  readonly name: string;
  readonly logger: Logger;
  readonly routes: readonly Route[];
  /** Who may use the routes that are not public. */
  readonly guard: Guard;
  /** The checks behind `/livez` and `/readyz`. */
  readonly health?: Health;
  /** Called once a request, with the pattern of the route that took it, or `none`, and the status or `aborted`. For metrics. */
  readonly onAnswered?: (route: string, status: string) => void;
}

export function createHttpApp(options: HttpAppOptions): HttpApp {
  const { name, logger, routes, guard, health = {}, onAnswered } = options;
  const app = express();
  app.disable("x-powered-by");
  app.set("etag", false);

  app.use((request, response, next) => {
    const started = performance.now();
    response.once("close", () => {
      const outcome = outcomeOf(response);
      const status = outcome === "aborted" && !response.headersSent ? null : response.statusCode;
      const fields = {
        method: request.method,
        path: request.path,
        status,
        outcome,
        duration_ms: Math.round((performance.now() - started) * 10) / 10,
        ...response.locals,
      };
      const route: unknown = request.route?.path;
      onAnswered?.(typeof route === "string" ? route : "none", status === null ? "aborted" : String(status));
      if (PROBE_PATHS.has(request.path)) logger.debug(fields, `${name}.request`);
      else if (outcome === "failed") logger.warn(fields, `${name}.request`);
      else logger.info(fields, `${name}.request`);
    });
    next();
  });

  const all: readonly Route[] = [...healthRoutes(health), ...routes];
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
  const onlyProbes = routes.every((route) => PROBE_PATHS.has(route.path));
  app.use((request: Request) => {
    throw new HttpProblem({
      type: "urn:plumbline:not-found",
      title: "Not found",
      status: 404,
      detail: `There is nothing at this path. ${name} answers ${(onlyProbes ? all : routes)
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
  const pages = all.filter((route) => route.isPage === true).map((route) => pathPattern(route.path));
  return {
    handle: app,
    isPage: (path) => pages.some((page) => page.test(path)),
    routes: all,
    asksForKeys: guard.asksForKeys || routes.every(({ access }) => access === "public"),
  };
}

/** The paths of a route; `:name` is one segment. */
function pathPattern(path: string): RegExp {
  const segments = path.split("/").map((segment) => segment.replace(/:\w+/, "[^/]+").replaceAll(".", "\\."));
  return new RegExp(`^${segments.join("/")}$`);
}

function outcomeOf(response: Response): "ok" | "refused" | "failed" | "aborted" {
  if (!response.writableFinished) return "aborted";
  if (response.statusCode >= 500) return "failed";
  return response.statusCode >= 400 ? "refused" : "ok";
}

const METHODS = { GET: "get", POST: "post", PUT: "put", PATCH: "patch", DELETE: "delete" } as const;
