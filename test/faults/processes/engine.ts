/**
 * A ClickHouse that no service holds: serves a folder over HTTP, or runs statements on it and ends. A process of its own,
 * so that it can be killed like any other and its memory is not the suite's.
 *
 *   engine.ts <folder> serve <port>
 *   engine.ts <folder> run <statement>...
 */
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { serveClickHouse } from "@plumbline/adapters/clickhouse/http-front";
import { createLogger } from "@plumbline/runtime/logger";

const [, , folder = "", mode, ...rest] = process.argv;
// A server takes up every insert at once; one that waited here for a connection would be none that it works on.
const clickhouse = await openEmbeddedClickHouse({ path: folder, ingestConnections: 8, queryConnections: 6 });
if (mode === "serve") {
  const front = await serveClickHouse(clickhouse, {
    port: Number(rest[0]),
    readOnly: false,
    logger: createLogger("engine", "warn"),
  });
  process.stdout.write(`${front.url}\n`);
  process.once("SIGTERM", () => {
    void front.close().then(() => clickhouse.close());
  });
} else {
  for (const statement of rest) await clickhouse.command(statement);
  await clickhouse.close();
}
