/**
 * The SQL of the store lies in the schemas package, where analysts and the tests find it; this reads it. Found
 * through the package's root, so that the same code works from source and from `dist` and nothing is copied.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const DIRECTORY = join(
  dirname(createRequire(import.meta.url).resolve("@plumbline/schemas/package.json")),
  "clickhouse",
);

export interface Migration {
  /** File name; its number gives the order. */
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the file, hex. */
  readonly hash: string;
}

/** All migrations, in order. */
export function readMigrations(): readonly Migration[] {
  const folder = join(DIRECTORY, "migrations");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name) => {
      const sql = readFileSync(join(folder, name), "utf8");
      return { name, sql, hash: createHash("sha256").update(sql).digest("hex") };
    });
}

const OVER = /^-- Over: (\w+)\.sql$/m;

/** A query of `queries`, by name. One that says `-- Over: name.sql` names the rows of that one like a table. */
export function readQuery(name: string): string {
  const sql = readFileSync(join(DIRECTORY, "queries", `${name}.sql`), "utf8");
  const source = OVER.exec(sql)?.[1];
  return source === undefined
    ? sql
    : sql.replace(/^SELECT$/m, () => `WITH ${source} AS (\n${readQuery(source)})\nSELECT`);
}
