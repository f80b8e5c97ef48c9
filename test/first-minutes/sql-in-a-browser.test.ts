/** The printed SQL address, opened in a browser: a sentence and an example, and no error. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { serveClickHouse } from "@plumbline/adapters/clickhouse/http-front";
import { migrate } from "@plumbline/adapters/clickhouse/migrate";
import { createLogger } from "@plumbline/runtime/logger";
import { expect, onTestFinished, test } from "vitest";

test("a person gets a sentence and an example that can be clicked; a client that forgot its query gets an error", async () => {
  const folder = await mkdtemp(join(tmpdir(), "plumbline-sql-"));
  const clickhouse = await openEmbeddedClickHouse({ path: join(folder, "clickhouse") });
  await migrate(clickhouse);
  const front = await serveClickHouse(clickhouse, { logger: createLogger("test", "silent") });
  onTestFinished(async () => {
    await front.close();
    await clickhouse.close();
    await rm(folder, { recursive: true, force: true });
  });
  const accept = "text/html,application/xhtml+xml,*/*;q=0.8";
  const opened = await fetch(front.url, { headers: { accept } });
  expect({ status: opened.status, text: await opened.text() }).toEqual({
    status: 200,
    text: `This is Plumbline's SQL address: it answers ClickHouse's HTTP interface. Put a query behind it, such as

  ${front.url}/?query=SELECT+*+FROM+plumbline.calls_v1+LIMIT+3+FORMAT+Vertical

  ${front.url}/?query=SHOW+TABLES+FROM+plumbline
`,
  });
  const asked = await fetch(`${front.url}/?query=SELECT+1`, { headers: { accept } });
  expect(await asked.text()).toBe("1\n");
  const forgotten = await fetch(front.url);
  expect(forgotten.status).toBeGreaterThanOrEqual(400);
});
