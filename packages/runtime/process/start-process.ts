import type { z } from "zod";
import { allowHosts } from "../http/allowed-hosts.ts";
import { loadConfig } from "../variables/load-config.ts";
import { createLogger, type Logger } from "../logger.ts";
import type { Environment } from "../variables/read-settings.ts";
import { exitOnFault } from "../run.ts";
import { EXIT } from "../exit-code.ts";
import { productVersion } from "./product-version.ts";
import { variableRows } from "../variables/variable-rows.ts";
import { describeUnknown, findUnknown } from "../variables/unknown-variables.ts";

interface StartedProcess<Config> {
  readonly config: Config;
  readonly logger: Logger;
}

/**
 * The first lines of every service's process: faults end it with their exit code, the environment is read once, and
 * what in it belongs to nobody is logged.
 *
 * With `--help` or `--version` it prints them and ends; another argument is a mistake, for there are none.
 *
 * @throws InvalidConfigError
 */
export function startProcess<Schema extends z.ZodObject>(
  name: string,
  schema: Schema,
  environment: Environment,
  args: readonly string[] = process.argv.slice(2),
): StartedProcess<z.output<Schema>> {
  exitOnFault(name);
  answerArguments(name, schema, args);
  const config = loadConfig(schema, environment);
  const { PLUMBLINE_LOG_LEVEL: level, PLUMBLINE_ALLOWED_HOSTS: hosts } = config;
  if (Array.isArray(hosts)) allowHosts(hosts);
  const logger = createLogger(name, typeof level === "string" ? level : "info");
  for (const unknown of findUnknown(environment)) {
    logger.warn({ ...unknown, problem: describeUnknown(unknown) }, "config.unknown_variable");
  }
  return { config, logger };
}

function answerArguments(name: string, schema: z.ZodObject, args: readonly string[]): void {
  const [first] = args;
  if (first === undefined) return;
  if (first === "--version") {
    process.stdout.write(`${productVersion()}\n`);
    process.exit(EXIT.ok);
  }
  if (first === "--help" || first === "-h") {
    process.stdout.write(helpOf(name, schema));
    process.exit(EXIT.ok);
  }
  process.stderr.write(`plumbline: ${name} takes no arguments, only variables; --help lists them\n`);
  process.exit(EXIT.usage);
}

/** helpOf returns the help of a process: every variable that it reads, what it means, and its default. */
function helpOf(name: string, schema: z.ZodObject): string {
  const rows = variableRows({ [name]: schema.shape });
  const width = Math.max(...rows.map(({ variable }) => variable.length));
  const lines = rows.map(({ variable, meaning, usual }) => {
    const given =
      usual === "–" ? "" : usual === "required" ? " (required)" : ` (default ${usual.replaceAll("`", "")})`;
    return `  ${variable.padEnd(width)}  ${meaning}${given}`;
  });
  return [
    `Plumbline's ${name} as a process of its own. It is set by variables and takes no arguments:`,
    "",
    ...lines,
    "",
    "A variable that holds a secret may be a file's name instead: <variable>_FILE. `plumbline config print` shows what is in force.",
    "--help prints this, --version the version. It stops on SIGTERM, and ends with 3 when a variable is wrong, 5 when",
    "something that it needs does not answer.",
    "",
  ].join("\n");
}
