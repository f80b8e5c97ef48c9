/** Reads a store from outside, over ClickHouse's HTTP interface, row by row. */
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";

export interface StoreReader {
  /** Rows of a SELECT, each an array of its columns as text. */
  rows(sql: string): AsyncGenerator<readonly string[]>;
  /** The one row of a SELECT of numbers. */
  numbers<Name extends string>(sql: string): Promise<Readonly<Record<Name, number>>>;
}

/** @param url of a ClickHouse, or a function of it for one that moves */
export function createStoreReader(url: () => string): StoreReader {
  async function ask(sql: string, format: string): Promise<Response> {
    const response = await fetch(`${url()}/`, { method: "POST", body: `${sql} FORMAT ${format}` });
    if (!response.ok) throw new Error(`${sql}\n${await response.text()}`);
    return response;
  }
  return {
    async *rows(sql) {
      const { body } = await ask(sql, "TabSeparated");
      if (body === null) return;
      for await (const line of createInterface({ input: Readable.fromWeb(body as ReadableStream) })) {
        if (line !== "") yield line.split("\t");
      }
    },
    async numbers(sql) {
      const row = (await (await ask(sql, "JSONEachRow")).json()) as Record<string, unknown>;
      return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)])) as never;
    },
  };
}
