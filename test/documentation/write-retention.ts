/** `npm run docs:retention`: writes docs/operate/retention.md from the topics and the migrations. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { migrate } from "@plumbline/adapters/clickhouse/migrate";
import { renderRetention, TABLES_QUERY, toTables } from "./retention-table.ts";

const path = await mkdtemp(join(tmpdir(), "plumbline-retention-"));
const clickhouse = await openEmbeddedClickHouse({ path });
await migrate(clickhouse);
const tables = await clickhouse.query(TABLES_QUERY);
await clickhouse.close();
await rm(path, { recursive: true });
const file = new URL("../../docs/operate/retention.md", import.meta.url);
await writeFile(file, renderRetention(toTables(tables)));
