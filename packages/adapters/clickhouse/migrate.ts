/**
 * Brings a store to the schema of this code. ClickHouse has neither transactions nor unique keys to serialise two
 * starters, so nothing is locked: every statement can be repeated, and so can the note that it was applied.
 */
import { ConfigError } from "@plumbline/ports";
import type { ClickHouseConnection } from "./connection.ts";
import { type Migration, readMigrations, readQuery } from "./sql/sql-files.ts";
import { splitStatements } from "./sql/sql-text.ts";

const engineVersion = readQuery("engine_version");
const ledgerExists = readQuery("ledger_exists");
const appliedMigrations = readQuery("applied_migrations");
const recordMigration = readQuery("record_migration");

/** First version that knows every setting and function of our SQL. */
const VERSION_MIN = [26, 7] as const;

/**
 * @throws ConfigError `config` when the engine is older than our SQL needs
 * @param version as `version()` gives it, such as 26.7.2.1
 */
export function requireVersion(version: string, address: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [least, leastMinor] = VERSION_MIN;
  if (major > least || (major === least && minor >= leastMinor)) return;
  throw new ConfigError(
    `ClickHouse at ${address} is ${version}: version ${least}.${leastMinor} or later is needed. Nothing was changed.`,
  );
}

/**
 * @returns names of the migrations that this call applied, in order
 * @throws ConfigError `schema_outdated` when a migration was applied from a different file of the same name, `config` when
 *   the engine is too old
 */
export async function migrate(
  clickhouse: ClickHouseConnection,
  migrations: readonly Migration[] = readMigrations(),
): Promise<readonly string[]> {
  const missing = await findMissing(clickhouse, migrations);
  if (missing.length > 0) {
    const [engine] = await clickhouse.query(engineVersion);
    requireVersion(String(engine?.["version"]), clickhouse.address);
  }
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
