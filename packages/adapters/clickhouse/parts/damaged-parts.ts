/**
 * Damaged parts after a loss of power. The engine sets aside a part whose files are missing or too short, and loads one
 * whose files end in zeroes: every question about its table then fails, often without the name of the part.
 */
import { randomUUID } from "node:crypto";
import { mkdir, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { StoreError } from "@plumbline/ports";
import type { ClickHouseConnection } from "../connection.ts";
import type { StatementRunner } from "../statement.ts";

type Engine = Pick<ClickHouseConnection, "query" | "command"> & StatementRunner;

export interface PartLogger {
  warn(fields: object, message: string): void;
}

/** What is older than this before the last write has long been on the disk, s. */
const YOUNG_SECONDS = 600;
/** Bytes that are read at one start, at most; the newest parts first. */
const CHECKED_BYTES_MAX = 4 * 1024 ** 3;

interface Part {
  readonly table: string;
  readonly name: string;
  /** Its folder. */
  readonly path: string;
}

/**
 * setAsideDamagedParts reads the young parts of every table against their checksums and moves those that fail into the
 * table's folder `detached`. What a merged part was made of is then loaded again in its place, and is read as well.
 *
 * @returns how many parts it moved
 */
export async function setAsideDamagedParts(engine: Engine, logger?: PartLogger): Promise<number> {
  const checked = new Set<string>();
  let moved = 0;
  for (;;) {
    const damaged: (Part & { readonly why: string })[] = [];
    for (const part of await youngParts(engine)) {
      if (checked.has(part.path)) continue;
      checked.add(part.path);
      const why = await damageOf(engine, part);
      if (why !== null) damaged.push({ ...part, why });
    }
    if (damaged.length === 0) return moved;
    for (const table of new Set(damaged.map((part) => part.table))) {
      const parts = damaged.filter((part) => part.table === table);
      await setAside(engine, table, parts);
      for (const { name, why } of parts)
        logger?.warn({ table, part: name, why }, "clickhouse.part_set_aside");
    }
    moved += damaged.length;
  }
}

async function youngParts(engine: Engine): Promise<readonly Part[]> {
  return (await engine.query(
    `SELECT table, name, path FROM (
       SELECT concat('\`', database, '\`.\`', table, '\`') AS table, name, path, modification_time,
              max(modification_time) OVER () AS newest, sum(bytes_on_disk) OVER (ORDER BY modification_time DESC, name) AS bytes
       FROM system.parts WHERE active AND database != 'system')
     WHERE modification_time >= newest - ${YOUNG_SECONDS} AND bytes <= ${CHECKED_BYTES_MAX}`,
  )) as unknown as readonly Part[];
}

/** Why a part is damaged; null when it is whole. */
async function damageOf(engine: Engine, { table, name }: Part): Promise<string | null> {
  const check = `CHECK TABLE ${table} PART '${name}' SETTINGS check_query_single_value_result = 0`;
  const answer = Buffer.from(await engine.execute(check, "JSONEachRow")).toString();
  for (const line of answer.split("\n").filter((each) => each !== "")) {
    const { is_passed, message } = JSON.parse(line) as { is_passed: number | boolean; message?: string };
    if (!is_passed) return message ?? "its checksums differ";
  }
  return null;
}

async function setAside(engine: Engine, table: string, parts: readonly Part[]): Promise<void> {
  await engine.command(`DETACH TABLE ${table} SYNC`);
  try {
    for (const { path } of parts) {
      const folder = path.replace(/\/+$/, "");
      const detached = join(dirname(folder), "detached");
      await mkdir(detached, { recursive: true });
      await rename(folder, join(detached, `broken_${basename(folder)}_${randomUUID()}`));
    }
  } catch (cause) {
    throw new StoreError("store_config", `can't set aside a damaged part of ${table}: ${String(cause)}`, {
      cause,
    });
  } finally {
    await engine.command(`ATTACH TABLE ${table}`);
  }
}
