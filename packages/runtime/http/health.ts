/** The routes by which orchestrators and people ask a process how it is. */
import { examine, type Checks, type Health } from "../health.ts";
import type { Response, Route } from "./route.ts";

/** Paths that are asked every few seconds: their requests are logged at `debug`. */
export const PROBE_PATHS: ReadonlySet<string> = new Set(["/livez", "/healthz", "/readyz", "/metrics"]);

/**
 * `/livez`, and `/healthz` because people type it: whether the process should be started anew. `/readyz`: whether it does
 * its work. 503 with the names of what fails; with `?verbose`, every check and its sentence.
 */
export function healthRoutes({ liveness = {}, readiness = {} }: Health): Route[] {
  const answer = (path: string, checks: Checks, failed: string): Route => ({
    method: "GET",
    path,
    access: "public",
    handle: async (request, response) => {
      await report(response, checks, { failed, isVerbose: request.query["verbose"] !== undefined });
    },
  });
  return [
    answer("/livez", liveness, "not_alive"),
    answer("/healthz", liveness, "not_alive"),
    answer("/readyz", readiness, "not_ready"),
  ];
}

async function report(
  response: Response,
  checks: Checks,
  { failed, isVerbose }: { failed: string; isVerbose: boolean },
): Promise<void> {
  const examination = await examine(checks);
  const failing = Object.entries(examination.checks).filter(([, finding]) => !finding.ok);
  response
    .status(examination.ok ? 200 : 503)
    .setHeader("cache-control", "no-store")
    .json({
      status: examination.ok ? "ok" : failed,
      ...(examination.ok ? {} : { failing: failing.map(([name]) => name) }),
      ...(isVerbose ? { checks: examination.checks } : {}),
    });
}
