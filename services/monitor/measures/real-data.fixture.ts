/** Real data sets for tests; they lie outside the repository and a test that needs an absent one is skipped by name. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "../../../../shared/data");

export interface RealEvent {
  readonly ts: string;
  readonly prompt_version: string | null;
  readonly input: string;
  readonly output: string | null;
  readonly meta: {
    readonly item_id: string;
    readonly group?: string;
    readonly day?: number;
    /** What the answer says, where the data set reads it. */
    readonly parsed?: string | null;
    /** What is true. */
    readonly reference?: string;
  };
}

/** Null, with a line on the console, when the file is absent. */
export function realEvents(name: string): readonly RealEvent[] | null {
  return read(name)?.map((line) => JSON.parse(line) as RealEvent) ?? null;
}

/** Rows of an arrivals plan: when, which item, which version, whose output. */
export function realArrivals(name: string): readonly (readonly string[])[] | null {
  return (
    read(name)
      ?.slice(1)
      .map((line) => line.split(",")) ?? null
  );
}

function read(name: string): string[] | null {
  const path = join(FOLDER, name);
  if (!existsSync(path)) return null;
  return gunzipSync(readFileSync(path)).toString("utf8").trim().split("\n");
}
