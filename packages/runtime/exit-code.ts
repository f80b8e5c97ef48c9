/**
 * How a process of ours ends: one map for services, local mode and the command line. Stable under semantic versioning,
 * because scripts and orchestrators depend on it.
 */
export const EXIT = {
  ok: 0,
  /** A defect: nobody foresaw it, and the log has its stack. */
  unexpected: 1,
  /** The command line is wrong. */
  usage: 2,
  /** The configuration, or a file of the project; it stays so until a person changes something. */
  config: 3,
  /** Not found, or somebody else changed it in between. */
  precondition: 4,
  /** The log, the store, the registry or a provider does not answer. */
  unavailable: 5,
  /** No confirmation, or no permission. */
  refused: 6,
  /** A gate or an audit did not pass. */
  gate: 10,
  interrupted: 130,
} as const;

/** Codes of the ports' errors that stay until a person changes something. This package knows no port: they are known by name. */
const CONFIG_CODES: ReadonlySet<unknown> = new Set([
  "config",
  "schema_outdated",
  "topic_mismatch",
  "store_config",
  "store_locked",
]);

/** A fault that the product describes: its message is for people, and a stack would only hide it. */
type DescribedFault = Error &
  ({ readonly exitCode: number } | { readonly code: string; readonly retryable: boolean });

export function isDescribed(error: unknown): error is DescribedFault {
  return error instanceof Error && ("exitCode" in error || ("code" in error && "retryable" in error));
}

/** exitCodeOf returns the exit code of a process or command that ends with this error. */
export function exitCodeOf(error: unknown): number {
  if (!isDescribed(error)) return EXIT.unexpected;
  if ("exitCode" in error) return error.exitCode;
  if (CONFIG_CODES.has(error.code)) return EXIT.config;
  return error.retryable || error.code.startsWith("external_") ? EXIT.unavailable : EXIT.unexpected;
}
