/**
 * Damaged parts after a loss of power. The engine sets aside a part whose files are missing or too short, and loads others:
 * every question about their table then fails, often without the name of the part.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { ClickHouseConnection } from "./connection.ts";
import { StatementError, type StatementRunner } from "./statement.ts";
import { isDamage } from "./translate-error.ts";

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

interface DamagedPart extends Part {
  readonly why: string;
}

/**
 * setAsideDamagedParts reads the young parts of every table, newest first, and moves those that are damaged into the
 * table's folder `detached`. What a merged part was made of is then loaded again in its place, and is read as well.
 */
export async function setAsideDamagedParts(engine: Engine, logger?: PartLogger): Promise<void> {
  try {
    // A merge would take away parts while they are read.
    await engine.command("SYSTEM STOP MERGES");
    await checkYoungParts(engine, logger);
  } catch (error) {
    logger?.warn({ err: error }, "clickhouse.parts_not_checked");
  } finally {
    await engine.command("SYSTEM START MERGES");
  }
}

async function checkYoungParts(engine: Engine, logger: PartLogger | undefined): Promise<void> {
  const checked = new Set<string>();
  for (;;) {
    const parts = (await youngParts(engine)).filter(({ path }) => !checked.has(path));
    if (parts.length === 0) return;
    for (const table of new Set(parts.map((part) => part.table))) {
      const ofTable = parts.filter((part) => part.table === table);
      for (const { path } of ofTable) checked.add(path);
      try {
        for (const { name, why } of await damagedOf(engine, table, ofTable))
          logger?.warn({ table, part: name, why }, "clickhouse.part_set_aside");
      } catch (error) {
        // The other tables are checked all the same. What is damaged here is told by the first question that meets it.
        logger?.warn({ err: error, table }, "clickhouse.parts_not_checked");
      }
    }
  }
}

/** Folders of parts: partition, first and last block, level, and perhaps a mutation. What is half written has a prefix. */
const PART = /^(?!tmp|delete)[\w-]+_\d+_\d+_\d+(?:_\d+)?$/;

/**
 * setAsideUncheckedParts moves parts without a list of checksums into their tables' folders `detached`, before the engine
 * opens `directory`: it would write new ones, of whatever is left. A part that is whole always has its list.
 *
 * @returns the folders that it moved
 */
export async function setAsideUncheckedParts(directory: string): Promise<readonly string[]> {
  const moved: string[] = [];
  const store = join(directory, "store");
  for (const table of await foldersIn(store, 2)) {
    for (const folder of (await foldersIn(table, 1)).filter((each) => PART.test(basename(each)))) {
      if ((await stat(join(folder, "checksums.txt")).catch(() => null)) !== null) continue;
      await mkdir(join(table, "detached"), { recursive: true });
      await rename(folder, asideOf(folder));
      moved.push(folder);
    }
  }
  return moved;
}

/** Folders at a depth below one, 1 for its own; none when it is not there. */
async function foldersIn(folder: string, depth: number): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
  if (depth === 1) return folders;
  return (await Promise.all(folders.map((each) => foldersIn(each, depth - 1)))).flat();
}

function asideOf(folder: string): string {
  return join(dirname(folder), "detached", `broken_${basename(folder)}_${randomUUID()}`);
}

async function youngParts(engine: Engine): Promise<readonly Part[]> {
  return (await engine.query(
    `SELECT table, name, path FROM (
       SELECT concat('\`', database, '\`.\`', table, '\`') AS table, name, path, modification_time,
              max(modification_time) OVER () AS newest,
              sum(bytes_on_disk) OVER (ORDER BY modification_time DESC, name) AS bytes
       FROM system.parts WHERE active AND database != 'system')
     WHERE modification_time >= newest - ${YOUNG_SECONDS} AND bytes <= ${CHECKED_BYTES_MAX}
     ORDER BY modification_time DESC, name DESC`,
  )) as unknown as readonly Part[];
}

/** Sets aside the damaged ones among the young parts of a table. @returns them */
async function damagedOf(
  engine: Engine,
  table: string,
  parts: readonly Part[],
): Promise<readonly DamagedPart[]> {
  const damaged = [...(await eliminate(engine, table, parts))];
  for (const part of parts) {
    if (damaged.some(({ path }) => path === part.path)) continue;
    const why = await damageOf(engine, part);
    if (why === null) continue;
    await moveAside(engine, part);
    damaged.push({ ...part, why });
  }
  return damaged;
}

/**
 * What keeps the engine from as much as counting the rows of a table, such as a packed index that is cut off, is found by
 * leaving parts out until it counts, and taking each back.
 */
async function eliminate(
  engine: Engine,
  table: string,
  parts: readonly Part[],
): Promise<readonly DamagedPart[]> {
  const count = (): Promise<string | null> => damageIn(engine, `SELECT count() FROM ${table}`);
  const left: { readonly part: Part; readonly aside: string }[] = [];
  let why = await count();
  for (const part of parts) {
    if (why === null) break;
    left.push({ part, aside: await moveAside(engine, part) });
    why = await count();
  }
  const isElsewhere = why !== null;
  const damaged: DamagedPart[] = [];
  for (const { part, aside } of left.toReversed()) {
    await move(engine, table, aside, part.path.replace(/\/+$/, ""));
    const whyNot = isElsewhere ? null : await count();
    if (whyNot === null) continue;
    await moveAside(engine, part);
    damaged.push({ ...part, why: whyNot });
  }
  return damaged;
}

const NO_SUCH_DATA_PART = 232;

/**
 * Why a part is damaged; null when it is whole, or was merged meanwhile: what came of it is checked then. Not all of its
 * files are in its checksums, so it is also read.
 */
async function damageOf(engine: Engine, { table, name }: Part): Promise<string | null> {
  const check = `CHECK TABLE ${table} PART '${name}' SETTINGS check_query_single_value_result = 0`;
  let answer: string;
  try {
    answer = Buffer.from(await engine.execute(check, "JSONEachRow")).toString();
  } catch (error) {
    if (!(error instanceof StatementError)) throw error;
    if (error.clickhouseCode === NO_SUCH_DATA_PART) return null;
    if (isDamage(error.clickhouseCode)) return error.message;
    throw error;
  }
  for (const line of answer.split("\n").filter((each) => each !== "")) {
    const { is_passed, message } = JSON.parse(line) as { is_passed: number | boolean; message?: string };
    if (!is_passed) return message ?? "its checksums differ";
  }
  return damageIn(engine, `SELECT * FROM ${table} WHERE _part = '${name}'`);
}

/** The engine's words about a damaged part that a question met; null when it met none. */
async function damageIn(engine: Engine, question: string): Promise<string | null> {
  try {
    await engine.execute(question, "Null");
    return null;
  } catch (error) {
    return error instanceof StatementError && isDamage(error.clickhouseCode) ? error.message : null;
  }
}

/** Moves a part into the table's folder `detached`. @returns its folder there */
async function moveAside(engine: Engine, { table, path }: Part): Promise<string> {
  const folder = path.replace(/\/+$/, "");
  const aside = asideOf(folder);
  await move(engine, table, folder, aside);
  return aside;
}

/** Renames the folder of a part while the engine does not hold its table. */
async function move(engine: Engine, table: string, from: string, to: string): Promise<void> {
  await engine.command(`DETACH TABLE ${table} SYNC`);
  try {
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to);
  } finally {
    await engine.command(`ATTACH TABLE ${table}`);
    // A table that is attached merges again.
    await engine.command(`SYSTEM STOP MERGES ${table}`);
  }
}
