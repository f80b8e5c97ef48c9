/** How a process asks for keys, from its configuration: the one place that decides whether it does. */
import type { Clock, EventLog } from "@plumbline/ports";
import { createOpenGuard, isLoopback, type Guard } from "@plumbline/runtime/http";
import type { Logger } from "@plumbline/runtime/logger";
import type { Service } from "@plumbline/runtime/run";
import { z } from "zod";
import { createKeyDirectory, type KeyDirectory } from "./key-directory.ts";
import { createKeyGuard, type StaticKey } from "./key-guard.ts";

const ADMIN_KEY_CHARS_MIN = 24;

/** Environment of every process that serves HTTP. */
export const AccessConfig = z.object({
  PLUMBLINE_ADMIN_KEY: z
    .string()
    .regex(/^\S+$/, "must have no blanks")
    .min(ADMIN_KEY_CHARS_MIN, `must have at least ${ADMIN_KEY_CHARS_MIN} characters`)
    .optional()
    .describe(
      "first key, with every scope and for every tenant: makes the others by `plumbline keys create`",
    ),
  PLUMBLINE_REQUIRE_KEYS: z
    .enum(["true", "false"])
    .default("false")
    .transform((value) => value === "true")
    .describe(
      "`true` asks for API keys on loopback too, such as behind a proxy; beyond loopback they always are",
    ),
});

export interface AccessOptions {
  readonly config: z.output<typeof AccessConfig>;
  /** Address that the server binds. */
  readonly host: string;
  /** Keys that the process's own configuration names. */
  readonly staticKeys?: readonly StaticKey[];
  /** Null for a process without a log: then only keys of the environment hold. */
  readonly log: Pick<EventLog, "append" | "read"> | null;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Name for messages, such as `collector`. */
  readonly service: string;
}

export interface ProcessAccess {
  readonly guard: Guard;
  /** Null where no key is asked for, or there is no log. */
  readonly directory: KeyDirectory | null;
  /** To be run beside the server. */
  readonly services: readonly Service[];
}

/** Keys are asked for beyond loopback, and on loopback as soon as one is configured. */
export function openAccess(options: AccessOptions): ProcessAccess {
  const { config, host, staticKeys = [], log, clock, logger, service } = options;
  const admin = config.PLUMBLINE_ADMIN_KEY;
  const fixed: readonly StaticKey[] = admin === undefined ? staticKeys : [...staticKeys, operatorKey(admin)];
  const isAsked = config.PLUMBLINE_REQUIRE_KEYS || !isLoopback(host) || fixed.length > 0;
  if (!isAsked || (log === null && fixed.length === 0)) {
    return { guard: createOpenGuard(), directory: null, services: [] };
  }
  const directory =
    log === null ? null : createKeyDirectory({ log, clock, logger, service, needsKey: fixed.length === 0 });
  const guard = createKeyGuard({ clock, staticKeys: fixed, directory });
  return { guard, directory, services: directory === null ? [] : [directory] };
}

function operatorKey(secret: string): StaticKey {
  return { secret, tenant: "default", name: "admin", scopes: ["admin"], isOperator: true };
}
