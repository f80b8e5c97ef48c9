import type { Request, Response, Route } from "./route.ts";

/** Longest wait for one readiness check, ms: shorter than the usual probe timeout of an orchestrator. */
const READINESS_TIMEOUT_MS = 900;

export const HEALTH_PATHS: ReadonlySet<string> = new Set(["/livez", "/healthz", "/readyz"]);

export function healthRoutes(readiness: Readonly<Record<string, () => Promise<unknown>>>): Route[] {
  const alive = (_request: Request, response: Response): void => {
    response.json({ status: "ok" });
  };
  return [
    { method: "GET", path: "/livez", access: "public", handle: alive },
    { method: "GET", path: "/healthz", access: "public", handle: alive },
    {
      method: "GET",
      path: "/readyz",
      access: "public",
      handle: async (request, response) => {
        const checks = await Promise.all(
          Object.entries(readiness).map(
            async ([check, isReady]) => [check, await outcomeOf(isReady)] as const,
          ),
        );
        const ready = checks.every(([, outcome]) => outcome === "ok");
        response.status(ready ? 200 : 503).json({
          status: ready ? "ok" : "not_ready",
          ...(request.query["verbose"] === undefined ? {} : { checks: Object.fromEntries(checks) }),
        });
      },
    },
  ];
}

async function outcomeOf(isReady: () => Promise<unknown>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer in ${READINESS_TIMEOUT_MS} ms`)),
      READINESS_TIMEOUT_MS,
    );
  });
  try {
    await Promise.race([isReady(), limit]);
    return "ok";
  } catch (error) {
    return error instanceof Error ? error.message : "failed";
  } finally {
    clearTimeout(timer);
  }
}
