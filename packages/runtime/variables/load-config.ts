import type { z } from "zod";
import { EXIT } from "../exit-code.ts";
import { readSettings, type Environment } from "./read-settings.ts";
import { maySecret, rememberSecret } from "../secrets.ts";
import { describeUnknown, findUnknown } from "./unknown-variables.ts";

/** Raised once at start, with every problem in one message and never a value. */
export class InvalidConfigError extends Error {
  /** Exit code that the command line promises for configuration problems. */
  readonly exitCode = EXIT.config;
}

/**
 * Parses a service's environment once. Only the schema's own variables are read. A secret may come as a file: the first
 * line of the one that `<variable>_FILE` names.
 *
 * @throws InvalidConfigError naming every offending variable, and those that no process of the product reads
 */
export function loadConfig<Schema extends z.ZodObject>(
  schema: Schema,
  environment: Environment,
): z.output<Schema> {
  const { settings, problems, config } = readSettings(schema, environment);
  for (const { variable, value } of settings) {
    if (value !== null && maySecret(variable)) rememberSecret(variable, value);
  }
  if (config !== null) return config;
  throw invalidConfig([...problems, ...findUnknown(environment).map(describeUnknown)]);
}

/** @param problems a line each, which names its variable and never its value */
export function invalidConfig(problems: readonly string[]): InvalidConfigError {
  return new InvalidConfigError(
    ["invalid configuration:", ...problems.map((line) => `  ${line}`)].join("\n"),
  );
}
