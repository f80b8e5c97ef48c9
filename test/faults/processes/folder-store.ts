/** The ClickHouse folder of a local mode that is not running. */
import { join } from "node:path";
import { sourceArgs, startProcess } from "./process.ts";

/** Runs statements on a folder. @throws Error with the output when one fails */
export async function runOnFolder(dataDir: string, statements: readonly string[]): Promise<void> {
  const started = startProcess("engine", [
    ...sourceArgs("engine.ts"),
    join(dataDir, "clickhouse"),
    "run",
    ...statements,
  ]);
  const { code } = await started.exited;
  if (code !== 0) throw new Error(`${statements.join("; ")}\n${started.output()}`);
}

/**
 * From now on no two parts merge: a merge collapses the rows of a call, and a row that was inserted twice would look like
 * one that was inserted once.
 */
export function keepEveryRow(dataDir: string): Promise<void> {
  return runOnFolder(
    dataDir,
    ["calls", "call_payloads"].map(
      (table) =>
        `ALTER TABLE plumbline_raw.${table} MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, parts_to_delay_insert = 100000, parts_to_throw_insert = 100000`,
    ),
  );
}
