import { parseArgs } from "node:util";
import { EXIT } from "@plumbline/runtime/exit-code";
import { invalidConfig } from "@plumbline/runtime/variables/load-config";
import type { Environment } from "@plumbline/runtime/variables/read-settings";
import { z } from "zod";

export interface Flags {
  readonly dataDir: string | null;
  /** 0 picks a free one. */
  readonly ports: {
    readonly collector: number;
    readonly inbox: number;
    readonly sql: number;
    readonly registry: number;
    /** Health checks and metrics. */
    readonly metrics: number;
  };
  readonly readyFile: string | null;
  readonly demo: boolean;
  readonly untilAlert: boolean;
  readonly untilResolved: boolean;
  readonly closeTheLoop: boolean;
  readonly json: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

export const USAGE = `usage: npm start -- [options]     every service in one process, no Docker, no account
       npm run demo -- [options]  the same, and plays the founding incident

  --data-dir DIR     where everything is kept (PLUMBLINE_DATA_DIR; default .plumbline)
  --port N           collector's port, inbox N+1, SQL N+2, health and metrics N+3; 0 picks free ones
                     (PLUMBLINE_PORT; default 4319)
  --inbox-port N     inbox alone (PLUMBLINE_INBOX_PORT)
  --sql-port N       SQL alone (PLUMBLINE_SQL_PORT)
  --registry-port N  registry (PLUMBLINE_REGISTRY_PORT; default 4800, a free one with --port 0)
  --metrics-port N   health checks and metrics alone (PLUMBLINE_METRICS_PORT)
  --ready-file FILE  write the URLs there as JSON once everything serves
  --until-alert      with the demo: end as soon as the alert stands; exit 0, or 1 when none stood in time
  --until-resolved   with the demo: acknowledge the alert, give the command that it prints, and end when quality is
                     back; exit 0, or 1 when it was not in time
  --close-the-loop   with the demo: through the registry, until policy took the bad version back and quality recovered;
                     exit 0, or 1 when it did not in time
  --json             with --until-alert, --until-resolved or --close-the-loop: one JSON line on standard output
  --help, --version
`;

export const DEFAULT_DATA_DIR = ".plumbline";
const DEFAULT_PORT = 4319;
/** Three more stand beside it. */
const PORT_MAX = 65_532;
/** Not beside the collector: clients and the command line look for the registry here, local or not. */
const DEFAULT_REGISTRY_PORT = 4800;

const LocalPort = z.coerce.number().int().min(0).max(PORT_MAX);

/** Variables that local mode's flags stand for, and win over. */
export const LocalFlagsConfig = z.object({
  PLUMBLINE_DATA_DIR: z.string().default(DEFAULT_DATA_DIR).describe("folder of everything; or `--data-dir`"),
  PLUMBLINE_PORT: LocalPort.default(DEFAULT_PORT).describe(
    "collector's port; inbox, SQL, health and metrics take the next ones; 0 picks free ones; or `--port`",
  ),
  PLUMBLINE_INBOX_PORT: LocalPort.optional().describe("port of the inbox page alone; or `--inbox-port`"),
  PLUMBLINE_SQL_PORT: LocalPort.optional().describe("port of SQL alone; or `--sql-port`"),
  PLUMBLINE_REGISTRY_PORT: LocalPort.default(DEFAULT_REGISTRY_PORT).describe(
    "port of the registry; a free one where the collector's is 0; or `--registry-port`",
  ),
  PLUMBLINE_METRICS_PORT: LocalPort.optional().describe(
    "port of health checks and metrics alone; or `--metrics-port`",
  ),
});

/** The flags by their variables. */
const FLAG_OF = {
  PLUMBLINE_DATA_DIR: "data-dir",
  PLUMBLINE_PORT: "port",
  PLUMBLINE_INBOX_PORT: "inbox-port",
  PLUMBLINE_SQL_PORT: "sql-port",
  PLUMBLINE_REGISTRY_PORT: "registry-port",
  PLUMBLINE_METRICS_PORT: "metrics-port",
} as const;
type FlagVariable = keyof typeof FLAG_OF;

/** Raised for flags that can't be read; the message says which and what is allowed. */
export class UsageError extends Error {
  readonly exitCode = EXIT.usage;
}

/**
 * Flags win over the environment, the environment over defaults.
 *
 * @throws UsageError for a flag, InvalidConfigError for a variable
 */
export function readFlags(args: readonly string[], environment: Environment): Flags {
  const values = parse(args);
  const portOf = (variable: Exclude<FlagVariable, "PLUMBLINE_DATA_DIR">): number | null => {
    const flag = FLAG_OF[variable];
    const given = values[flag];
    if (given === undefined) return readPort(variable, environment[variable], (why) => invalidConfig([why]));
    return readPort(`--${flag}`, given, (why) => new UsageError(why));
  };
  const port = portOf("PLUMBLINE_PORT") ?? DEFAULT_PORT;
  const beside = (offset: number): number => (port === 0 ? 0 : port + offset);
  const folder = values["data-dir"] ?? environment["PLUMBLINE_DATA_DIR"];
  return {
    dataDir: folder === undefined || folder === "" ? null : folder,
    ports: {
      collector: port,
      inbox: portOf("PLUMBLINE_INBOX_PORT") ?? beside(1),
      sql: portOf("PLUMBLINE_SQL_PORT") ?? beside(2),
      registry: portOf("PLUMBLINE_REGISTRY_PORT") ?? (port === 0 ? 0 : DEFAULT_REGISTRY_PORT),
      metrics: portOf("PLUMBLINE_METRICS_PORT") ?? beside(3),
    },
    readyFile: values["ready-file"] ?? null,
    demo: values.demo ?? false,
    untilAlert: values["until-alert"] ?? false,
    untilResolved: values["until-resolved"] ?? false,
    closeTheLoop: values["close-the-loop"] ?? false,
    json: values.json ?? false,
    help: values.help ?? false,
    version: values.version ?? false,
  };
}

/** Which of the variables are overruled by a flag. @throws UsageError */
export function flagsGiven(args: readonly string[]): ReadonlyMap<string, string> {
  const values = parse(args);
  const given = Object.entries(FLAG_OF).filter(([, flag]) => values[flag] !== undefined);
  return new Map(given.map(([variable, flag]) => [variable, `--${flag}`]));
}

/** What the flags and their variables come to, by variable. */
export function flagValues({ dataDir, ports }: Flags): Readonly<Record<FlagVariable, string>> {
  return {
    PLUMBLINE_DATA_DIR: dataDir ?? DEFAULT_DATA_DIR,
    PLUMBLINE_PORT: String(ports.collector),
    PLUMBLINE_INBOX_PORT: String(ports.inbox),
    PLUMBLINE_SQL_PORT: String(ports.sql),
    PLUMBLINE_REGISTRY_PORT: String(ports.registry),
    PLUMBLINE_METRICS_PORT: String(ports.metrics),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        "data-dir": { type: "string" },
        port: { type: "string" },
        "inbox-port": { type: "string" },
        "sql-port": { type: "string" },
        "registry-port": { type: "string" },
        "metrics-port": { type: "string" },
        "ready-file": { type: "string" },
        demo: { type: "boolean" },
        "until-alert": { type: "boolean" },
        "until-resolved": { type: "boolean" },
        "close-the-loop": { type: "boolean" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean" },
      },
      strict: true,
    }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

function readPort(
  setting: string,
  value: string | undefined,
  failure: (why: string) => Error,
): number | null {
  if (value === undefined || value === "") return null;
  const port = LocalPort.safeParse(value);
  if (port.success && value.trim() !== "") return port.data;
  throw failure(
    `${setting}: "${value}" is not a port; give a whole number from 0 to ${PORT_MAX}, 0 for a free one`,
  );
}
