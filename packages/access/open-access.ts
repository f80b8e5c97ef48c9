/** How a process asks for keys, from its configuration: the one place that decides whether it does. */
import type { Clock, EventLog } from "@plumbline/ports";
import { createOpenGuard, isLoopback, type Guard, type TlsFiles } from "@plumbline/runtime/http";
import { InvalidConfigError } from "@plumbline/runtime/variables/load-config";
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
  PLUMBLINE_TLS_CERT: z
    .string()
    .min(1)
    .optional()
    .describe(
      "PEM file of the certificate and those above it; unset: plain HTTP, for a proxy that speaks TLS",
    ),
  PLUMBLINE_TLS_KEY: z.string().min(1).optional().describe("PEM file of the certificate's private key"),
});

interface AccessOptions {
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

interface ProcessAccess {
  readonly guard: Guard;
  /** Null where no key is asked for, or there is no log. */
  readonly directory: KeyDirectory | null;
  /** To be run beside the server. */
  readonly services: readonly Service[];
  /** Undefined: plain HTTP. */
  readonly tls: TlsFiles | undefined;
}

/**
 * Keys are asked for beyond loopback, and on loopback as soon as one is configured.
 *
 * @throws InvalidConfigError when only one of the two files for TLS is named
 */
export function openAccess(options: AccessOptions): ProcessAccess {
  const { config, host, staticKeys = [], log, clock, logger, service } = options;
  const tls = tlsOf(config);
  const admin = config.PLUMBLINE_ADMIN_KEY;
  const fixed: readonly StaticKey[] = admin === undefined ? staticKeys : [...staticKeys, operatorKey(admin)];
  const isAsked = config.PLUMBLINE_REQUIRE_KEYS || !isLoopback(host) || fixed.length > 0;
  if (!isAsked || (log === null && fixed.length === 0)) {
    return { guard: createOpenGuard(), directory: null, services: [], tls };
  }
  const directory =
    log === null ? null : createKeyDirectory({ log, clock, logger, service, needsKey: fixed.length === 0 });
  const guard = createKeyGuard({ clock, staticKeys: fixed, directory });
  return { guard, directory, services: directory === null ? [] : [directory], tls };
}

function tlsOf({
  PLUMBLINE_TLS_CERT: cert,
  PLUMBLINE_TLS_KEY: key,
}: AccessOptions["config"]): TlsFiles | undefined {
  if (cert !== undefined && key !== undefined) return { cert, key };
  if (cert === undefined && key === undefined) return undefined;
  throw new InvalidConfigError(
    "invalid configuration:\n  PLUMBLINE_TLS_CERT and PLUMBLINE_TLS_KEY: set both, or neither",
  );
}

function operatorKey(secret: string): StaticKey {
  return { secret, tenant: "default", name: "admin", scopes: ["admin"], isOperator: true };
}
