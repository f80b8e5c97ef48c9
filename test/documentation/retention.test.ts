/** What docs/operate/retention.md promises is what topics and tables do. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { migrate } from "@plumbline/adapters/clickhouse/migrate";
import { afterAll, beforeAll, expect, test } from "vitest";
import { renderRetention, retentionOf, TABLES_QUERY, toTables, type StoredTable } from "./retention-table.ts";

/** Too small to be worth partitions: expired rows are merged away one by one. */
const ROW_BY_ROW = ["feedback"];

let path: string;
let tables: readonly StoredTable[];

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), "plumbline-retention-"));
  const clickhouse = await openEmbeddedClickHouse({ path });
  await migrate(clickhouse);
  tables = toTables(await clickhouse.query(TABLES_QUERY));
  await clickhouse.close();
});

afterAll(async () => rm(path, { recursive: true }));

test("a table that forgets drops whole partitions, and rewrites nothing", () => {
  const forgetting = tables.map(retentionOf).filter(({ kept }) => kept !== null);
  expect(forgetting.length).toBeGreaterThan(5);
  const rewriting = forgetting.filter(({ dropsParts }) => !dropsParts).map(({ name }) => name);
  expect(rewriting).toEqual(ROW_BY_ROW);
});

test("docs/operate/retention.md is what the topics and the tables say: npm run docs:retention writes it", async () => {
  const file = new URL("../../docs/operate/retention.md", import.meta.url);
  expect(await readFile(file, "utf8")).toBe(renderRetention(tables));
});
