/**
 * Every statement of `schemas/clickhouse` against the real engine: a query that doesn't run, or a column that
 * nobody described, is found here and not by an analyst.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type EmbeddedClickHouse, openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { assertMigrated, migrate } from "@plumbline/adapters/clickhouse/migrate";
import { readMigrations, readQuery } from "@plumbline/adapters/clickhouse/sql/sql-files";
import { splitStatements } from "@plumbline/adapters/clickhouse/sql/sql-text";
import { TEXTS_KEPT_DAYS } from "@plumbline/schemas";
import { ERASURE, FEATURE_CELLS, OFFSETS, QUERIES, type Query, WORK_LIST } from "@plumbline/schemas/queries";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const SQL = join(
  dirname(createRequire(import.meta.url).resolve("@plumbline/schemas/package.json")),
  "clickhouse",
);
const queryNames = (await readdir(join(SQL, "queries")))
  .filter((file) => file.endsWith(".sql"))
  .map((file) => file.slice(0, -".sql".length));

const PARAMETERS = {
  start: "2026-11-24 00:00:00.000",
  end: "2026-11-25 00:00:00.000",
  since: "2026-11-24 00:00:00.000",
  criterion: "faithfulness",
  rubric_hash: "sha256:00",
  limit: 10,
  call_ids: ["01935b2e-7c4e-7000-8000-000000000000"],
  names: ["customer=Acme"],
  before: ["0".repeat(64)],
  after: ["{}"],
  metrics: ["faithfulness"],
  tenants: ["default"],
  use_cases: ["ticket-summary"],
  env: "production",
  prompt_version: "v1",
  slices: ["mentions_money"],
  table: "verdicts",
  log_partition: 0,
  from: 0,
  to: 10,
  log_epoch: 0,
  topic: "plumbline.calls",
  name: "probe.sql",
  use_case: "ticket-summary",
  day_limit: 10,
  tenant: "default",
  kind: "conversation",
  subject_hash: "00",
  until: "2026-11-24 00:00:00.000",
  hash: "00",
};

let path: string;
let clickhouse: EmbeddedClickHouse;

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), "plumbline-sql-"));
  clickhouse = await openEmbeddedClickHouse({ path });
  await migrate(clickhouse);
});

afterAll(async () => {
  await clickhouse.close();
  await rm(path, { recursive: true });
});

/** Queries that read events of every tenant and name none, and why that mixes nobody's evidence with another's. */
const WITHOUT_TENANT: ReadonlySet<string> = new Set([
  // Places in the log, which all tenants share: they count and compare offsets, and say nothing about a use case.
  "ingest_ledger",
  "missing_offsets_of_calls",
  "stored_offsets_of_calls",
  "unstored_runs",
]);
const EVIDENCE =
  /plumbline_raw\.(?:calls|call_payloads|verdicts|feedback|evidence_hourly|baseline_snapshots|quality_states|drift_results)\b/;

test("every query of evidence keeps tenants apart: it asks for one, or its rows say whose they are", () => {
  const ofEvidence = queryNames.filter((name) => EVIDENCE.test(withoutComments(readQuery(name))));
  expect(ofEvidence.length).toBeGreaterThan(15);
  const mixing = ofEvidence.filter((name) => !/\btenant\b/.test(withoutComments(readQuery(name))));
  expect(mixing.toSorted()).toEqual([...WITHOUT_TENANT].toSorted());
});

function withoutComments(sql: string): string {
  return sql.replaceAll(/--.*$/gm, "");
}

describe("queries", () => {
  test("there are some", () => {
    expect(queryNames.length).toBeGreaterThan(5);
  });

  test.each(queryNames)("%s says what it asks, and runs on an empty store", async (name) => {
    const sql = readQuery(name);
    expect(sql).toMatch(/^-- .*\S/);
    const isSelect = /^(?:SELECT|WITH)/m.test(sql) && !/^INSERT/m.test(sql);
    if (isSelect) expect(Array.isArray(await clickhouse.query(sql, PARAMETERS))).toBe(true);
    else await clickhouse.command(sql, PARAMETERS);
  });
});

describe("defined queries", () => {
  const defined: readonly Query[] = [
    ...Object.values<Query>(QUERIES),
    ...Object.values<Query>(OFFSETS),
    ...Object.values<Query>(WORK_LIST),
    ...Object.values<Query>(ERASURE),
    FEATURE_CELLS,
  ];
  const ASKED = {
    ...PARAMETERS,
    start: "2026-11-24T00:00:00.000Z",
    end: "2026-11-25T00:00:00.000Z",
    since: "2026-11-24T00:00:00.000Z",
    until: "2026-11-24T00:00:00.000Z",
    use_cases: [{ tenant: "default", use_case: "ticket-summary" }],
  };

  test.each(defined.map((query) => [query.file, query] as const))(
    "%s is asked with what stands in its SQL, no more and no less",
    (_, { file, parameters }) => {
      const parsed = parameters.parse(ASKED);
      const placeholders = [...withoutComments(readQuery(file)).matchAll(/\{(\w+):\w/g)].map(
        ([, name]) => name,
      );
      expect(new Set(Object.keys(parsed))).toEqual(new Set(placeholders));
    },
  );

  test("a file is of one definition", () => {
    const files = defined.map(({ file }) => file);
    expect(files.filter((file, i) => files.indexOf(file) !== i)).toEqual([]);
  });
});

describe("migrations", () => {
  test("texts live as long as every process takes it that they do", async () => {
    const [table] = await clickhouse.query(
      "SELECT engine_full FROM system.tables WHERE database = 'plumbline_raw' AND name = 'call_payloads'",
    );
    expect(table).toMatchObject({
      engine_full: expect.stringContaining(`TTL toDateTime(started_at) + toIntervalDay(${TEXTS_KEPT_DAYS})`),
    });
  });

  test("every statement can be repeated", async () => {
    for (const { sql } of readMigrations()) {
      for (const statement of splitStatements(sql)) await clickhouse.command(statement);
    }
  });

  test("an edited migration is refused, by name", async () => {
    const [first, ...rest] = readMigrations();
    const edited = [{ ...first!, hash: "00" }, ...rest];
    await expect(migrate(clickhouse, edited)).rejects.toMatchObject({ code: "schema_outdated" });
    await expect(migrate(clickhouse, edited)).rejects.toThrow(first!.name);
  });

  test("a store older than the code is refused, a newer one is not", async () => {
    const future = { name: "9999_future.sql", sql: "SELECT 1", hash: "00" };
    await expect(assertMigrated(clickhouse, [...readMigrations(), future])).rejects.toThrow(
      "9999_future.sql",
    );
    await assertMigrated(clickhouse, readMigrations().slice(0, 1));
  });

  test("every column of every table and view is described", async () => {
    const columns = await clickhouse.query(
      "SELECT concat(database, '.', table, '.', name) AS name, comment FROM system.columns WHERE database LIKE 'plumbline%'",
    );
    expect(columns.length).toBeGreaterThan(200);
    expect(columns.filter((column) => column.comment === "").map((column) => column.name)).toEqual([]);
  });

  test("every table and view is described", async () => {
    const tables = await clickhouse.query(
      "SELECT name, comment FROM system.tables WHERE database LIKE 'plumbline%'",
    );
    expect(tables.filter((table) => table.comment === "").map((table) => table.name)).toEqual([]);
  });

  test("no table drops an insert for looking like one before, and none forgets merged parts at once", async () => {
    const tables = await clickhouse.query(
      "SELECT name, create_table_query AS ddl FROM system.tables WHERE database = 'plumbline_raw'",
    );
    for (const { ddl } of tables) {
      expect(ddl).toContain("non_replicated_deduplication_window = 0");
      expect(ddl).toContain("old_parts_lifetime = 480");
    }
  });

  test("what the registry tells people is no incident of the analysts' view", async () => {
    await clickhouse.command(
      `INSERT INTO plumbline_raw.incidents (incident_id, type, log_offset) VALUES
        ('inc_detected', 'detected', 1), ('inc_detected', 'acknowledged', 2), ('inc_back', 'rolled_back', 3)`,
    );
    expect(await clickhouse.query("SELECT incident_id, last_event FROM plumbline.incidents_v1")).toEqual([
      { incident_id: "inc_detected", last_event: "acknowledged" },
    ]);
  });

  test("every view can be read", async () => {
    const views = await clickhouse.query("SELECT name FROM system.tables WHERE database = 'plumbline'");
    expect(views.length).toBeGreaterThan(5);
    for (const { name } of views)
      await clickhouse.query(`SELECT count() AS rows FROM plumbline.${String(name)}`);
  });
});
