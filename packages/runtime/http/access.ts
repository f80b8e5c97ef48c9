/**
 * Who may use a route. Each route declares it; the app asks the guard in one place, before the handler runs and before a
 * byte of the body is read.
 */
import { SCOPES, type Scope } from "@plumbline/schemas";
import type { Logger } from "../logger.ts";
import { HttpProblem, type ProblemBody } from "./problem.ts";
import type { Principal, Request, Response } from "./route.ts";

export interface Guard {
  /** False: everybody may do everything, so that such a server listens on loopback alone. */
  readonly asksForKeys: boolean;
  /**
   * The sender of `request`, when it may use `scope`. Reads headers only.
   *
   * @throws AccessRefused 401, 403 or 429; 503 while the keys are not known yet
   */
  check(request: Request, scope: Scope): Promise<Principal>;
}

/** A request that the guard turned away. `sender` is what is known of who sent it. */
export class AccessRefused extends HttpProblem {
  readonly sender: Pick<Principal, "tenant" | "name" | "key_id"> | null;
  constructor(body: ProblemBody, headers: Readonly<Record<string, string>>, sender: AccessRefused["sender"]) {
    super(body, headers);
    this.sender = sender;
  }
}

/** Header that names the person where no key is asked for. Where keys are, the key says it. */
const ACTOR_HEADER = "x-plumbline-actor";
const ACTOR_CHARS_MAX = 200;
const EVERY_SCOPE: ReadonlySet<Scope> = new Set(SCOPES);
export const DEFAULT_TENANT = "default";

/** The guard of a server on loopback without keys: everybody may do everything, and is who the header says. */
export function createOpenGuard(): Guard {
  return {
    asksForKeys: false,
    async check(request) {
      const named = request.get(ACTOR_HEADER)?.trim() ?? "";
      const isName = named !== "" && named.length <= ACTOR_CHARS_MAX;
      return {
        tenant: DEFAULT_TENANT,
        name: isName ? named : "local",
        scopes: EVERY_SCOPE,
        key_id: null,
        isOperator: true,
      };
    },
  };
}

/** Scopes whose every request leaves an audit line; of the others the refused ones do. */
const AUDITED: ReadonlySet<Scope> = new Set(["respond", "deploy", "admin"]);

/**
 * Asks `guard`, and leaves the audit lines: one for a refused request, one for the outcome of a deploying one.
 *
 * @param route method and pattern, never the path as sent
 */
export async function admit(
  guard: Guard,
  scope: Scope,
  request: Request,
  response: Response,
  { logger, route }: { readonly logger: Logger; readonly route: string },
): Promise<Principal> {
  try {
    const principal = await guard.check(request, scope);
    if (AUDITED.has(scope)) {
      response.once("close", () => {
        const outcome = response.statusCode < 400 ? "done" : "refused";
        logger.info({ ...senderOf(principal), route, scope, outcome, status: response.statusCode }, "audit");
      });
    }
    return principal;
  } catch (error) {
    if (error instanceof AccessRefused) {
      const { status } = error.body;
      logger.warn({ ...senderOf(error.sender), route, scope, outcome: "refused", status }, "audit");
    }
    throw error;
  }
}

function senderOf(sender: AccessRefused["sender"]): Record<string, unknown> {
  return {
    actor: sender?.name ?? null,
    tenant: sender?.tenant ?? null,
    key_id: sender?.key_id ?? null,
  };
}
