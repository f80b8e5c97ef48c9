/**
 * ClickHouse behind its HTTP interface: a server or a cluster's load balancer.
 */
import { Readable } from "node:stream";
import { text as readText } from "node:stream/consumers";
import { ClickHouseError, ClickHouseLogLevel, createClient } from "@clickhouse/client";
import { PlumblineError, StoreError } from "@plumbline/ports";
import {
  type ClickHouseConnection,
  INSERT_SETTINGS,
  parseRows,
  QUERY_LIMITS,
  RESULT_SETTINGS,
} from "./connection.ts";
import { withSettings } from "./sql/sql-text.ts";
import { storeErrorOf } from "./translate-error.ts";

/** Longer than any statement may run (`max_execution_time`), so that the server's own refusal arrives first. */
const REQUEST_TIMEOUT_MS = 75_000;
/** Below the 3 s after which servers close idle connections by default; later, an insert meets a closed socket. */
const IDLE_SOCKET_TTL_MS = 2_000;

/** Failures before a byte reached the server: nothing can have been written. */
const NOT_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/** @param url includes user and password; a path names the default database */
export function openHttpClickHouse({
  url,
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
  connectionsMax = 10,
}: {
  readonly url: string;
  readonly requestTimeoutMs?: number;
  readonly connectionsMax?: number;
}): ClickHouseConnection {
  const client = createClient({
    url,
    request_timeout: requestTimeoutMs,
    max_open_connections: connectionsMax,
    // Errors reach the caller; the client's own lines would carry statements and parameters past the logger.
    log: { level: ClickHouseLogLevel.OFF },
    keep_alive: { enabled: true, idle_socket_ttl: IDLE_SOCKET_TTL_MS },
  });
  const { host } = new URL(url);

  async function translated<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (error) {
      throw translate(error, host);
    }
  }

  return {
    address: host,
    async command(query, parameters = {}) {
      await translated(client.command({ query, query_params: parameters }));
    },
    async insert({ table, columns, format, bytes, tag }) {
      if (bytes.length === 0) return;
      const settings = { ...INSERT_SETTINGS, ...(tag !== undefined && { log_comment: tag }) };
      const into = withSettings(`INSERT INTO ${table} (${columns.join(", ")})`, settings);
      const { stream, response_headers, http_status_code } = await translated(
        client.exec({
          query: `${into} FORMAT ${format}`,
          values: Readable.from([bytes], { objectMode: false }),
          // The client shortens the server's message, and the number of the bad row is lost with the rest.
          ignore_error_response: true,
        }),
      );
      // Read to its end even when empty: that gives the socket back.
      const answer = await translated(readText(stream));
      const code = Number(response_headers["x-clickhouse-exception-code"] ?? 0);
      if (code !== 0) throw storeErrorOf(code, answer, { isInsert: true });
      if (http_status_code !== undefined && http_status_code >= 300) {
        throw new StoreError("store_unknown", `ClickHouse at ${host}: HTTP ${http_status_code}`);
      }
    },
    async endInserts(tag) {
      const query = "KILL QUERY WHERE Settings['log_comment'] = {tag:String} SYNC";
      await translated(client.command({ query, query_params: { tag } }));
    },
    async query(sql, parameters = {}) {
      const result = client.query({
        query: withSettings(sql, { ...QUERY_LIMITS, ...RESULT_SETTINGS }),
        query_params: parameters,
        format: "JSONEachRow",
      });
      return parseRows(await translated(result.then((each) => each.text())));
    },
    async close() {
      await client.close();
    },
  };
}

function translate(error: unknown, host: string): Error {
  if (error instanceof PlumblineError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ClickHouseError) {
    return storeErrorOf(Number(error.code), message, { cause: error, isInsert: false });
  }
  const systemCode = (error as { code?: unknown }).code;
  const isSent = !(typeof systemCode === "string" && NOT_SENT.has(systemCode));
  return new StoreError(isSent ? "store_unknown" : "store_retriable", `ClickHouse at ${host}: ${message}`, {
    cause: error,
  });
}
