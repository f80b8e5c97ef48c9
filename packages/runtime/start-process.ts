import type { z } from "zod";
import { allowHosts } from "./http/allowed-hosts.ts";
import { loadConfig } from "./load-config.ts";
import { createLogger, type Logger } from "./logger.ts";
import type { Environment } from "./read-settings.ts";
import { exitOnFault } from "./run.ts";
import { describeUnknown, findUnknown } from "./unknown-variables.ts";

export interface StartedProcess<Config> {
  readonly config: Config;
  readonly logger: Logger;
}

/**
 * The first lines of every service's process: faults end it with their exit code, the environment is read once, and
 * what in it belongs to nobody is logged.
 *
 * @throws InvalidConfigError
 */
export function startProcess<Schema extends z.ZodObject>(
  name: string,
  schema: Schema,
  environment: Environment,
): StartedProcess<z.output<Schema>> {
  exitOnFault(name);
  const config = loadConfig(schema, environment);
  const { PLUMBLINE_LOG_LEVEL: level, PLUMBLINE_ALLOWED_HOSTS: hosts } = config;
  if (Array.isArray(hosts)) allowHosts(hosts);
  const logger = createLogger(name, typeof level === "string" ? level : "info");
  for (const unknown of findUnknown(environment)) {
    logger.warn({ ...unknown, problem: describeUnknown(unknown) }, "config.unknown_variable");
  }
  return { config, logger };
}
