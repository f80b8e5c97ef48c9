/**
 * Brings a store to the schema of this code. ClickHouse has neither transactions nor unique keys to serialise two
 * starters, so nothing is locked: every statement can be repeated, and so can the note that it was applied.
 */
import { ConfigError } from "@plumbline/ports";
import type { ClickHouseConnection } from "./connection.ts";
import { type Migration, readMigrations, readQuery } from "./sql-files.ts";
import { splitStatements } from "./sql-text.ts";

const ledgerExists = readQuery("ledger_exists");
const appliedMigrations = readQuery("applied_migrations");
const recordMigration = readQuery("record_migration");

/**
 * @returns names of the migrations that this call applied, in order
 * @throws ConfigError `schema_outdated` when a migration was applied from a different file of the same name
 */
export async function migrate(
  clickhouse: ClickHouseConnection,
  migrations: readonly Migration[] = readMigrations(),
): Promise<readonly string[]> {
  const missing = await findMissing(clickhouse, migrations);
  for (const { name, sql, hash } of missing) {
    for (const statement of splitStatements(sql)) await clickhouse.command(statement);
    await clickhouse.command(recordMigration, { name, hash });
  }
  return missing.map((each) => each.name);
}

/** @throws ConfigError `schema_outdated` when the store is older than this code; a newer store is fine */
export async function assertMigrated(
  clickhouse: ClickHouseConnection,
  migrations: readonly Migration[] = readMigrations(),
): Promise<void> {
  const missing = await findMissing(clickhouse, migrations);
  if (missing.length === 0) return;
  throw new ConfigError(
    `the schema of ClickHouse at ${clickhouse.address} is older than this program: ` +
      `${missing.map((each) => each.name).join(", ")} not applied. Run the migrations before the services.`,
    { code: "schema_outdated" },
  );
}

async function findMissing(
  clickhouse: ClickHouseConnection,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  const [ledger] = await clickhouse.query(ledgerExists);
  if (ledger?.tables === 0) return migrations;

  const hashes = new Map<string, Set<string>>();
  for (const { name, hash } of await clickhouse.query(appliedMigrations)) {
    hashes.set(String(name), (hashes.get(String(name)) ?? new Set()).add(String(hash)));
  }
  const changed = migrations.find(({ name, hash }) => hashes.has(name) && !hashes.get(name)!.has(hash));
  if (changed !== undefined) {
    throw new ConfigError(
      `${changed.name} was applied to ClickHouse at ${clickhouse.address} with other content. ` +
        "Applied migrations are never edited: undo the edit and add a new file.",
      { code: "schema_outdated" },
    );
  }
  return migrations.filter(({ name }) => !hashes.has(name));
}
