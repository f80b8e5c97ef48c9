import { parseArgs } from "node:util";
import { EXIT } from "@plumbline/runtime/exit-code";

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
  --json             with --until-alert: one JSON line on standard output
  --help, --version
`;

const DEFAULT_PORT = 4319;
/** Three more stand beside it. */
const PORT_MAX = 65_532;
/** Not beside the collector: clients and the command line look for the registry here, local or not. */
const DEFAULT_REGISTRY_PORT = 4800;

/** Raised for flags that can't be read; the message says which and what is allowed. */
export class UsageError extends Error {
  readonly exitCode = EXIT.usage;
}

/** Flags win over the environment, the environment over defaults. @throws UsageError */
export function readFlags(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Flags {
  const values = parse(args);
  const port = readPort("--port", values.port ?? environment["PLUMBLINE_PORT"]) ?? DEFAULT_PORT;
  const beside = (offset: number): number => (port === 0 ? 0 : port + offset);
  return {
    dataDir: values["data-dir"] ?? environment["PLUMBLINE_DATA_DIR"] ?? null,
    ports: {
      collector: port,
      inbox:
        readPort("--inbox-port", values["inbox-port"] ?? environment["PLUMBLINE_INBOX_PORT"]) ?? beside(1),
      sql: readPort("--sql-port", values["sql-port"] ?? environment["PLUMBLINE_SQL_PORT"]) ?? beside(2),
      registry:
        readPort("--registry-port", values["registry-port"] ?? environment["PLUMBLINE_REGISTRY_PORT"]) ??
        (port === 0 ? 0 : DEFAULT_REGISTRY_PORT),
      metrics:
        readPort("--metrics-port", values["metrics-port"] ?? environment["PLUMBLINE_METRICS_PORT"]) ??
        beside(3),
    },
    readyFile: values["ready-file"] ?? null,
    demo: values.demo ?? false,
    untilAlert: values["until-alert"] ?? false,
    json: values.json ?? false,
    help: values.help ?? false,
    version: values.version ?? false,
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

function readPort(name: string, value: string | undefined): number | null {
  if (value === undefined || value === "") return null;
  const port = Number(value);
  if (Number.isInteger(port) && port >= 0 && port <= PORT_MAX) return port;
  throw new UsageError(
    `${name}: "${value}" is not a port; give a whole number from 0 to ${PORT_MAX}, 0 for a free one`,
  );
}
