/** A defined query as a function: the SQL is read once, what is asked and every row of the answer are checked. */
import type { Query, SqlParameters } from "@plumbline/schemas/queries";
import { z } from "zod";
import type { ClickHouseConnection } from "./connection.ts";
import { toDateTime64 } from "./encode/encode-rows.ts";
import { readQuery } from "./sql/sql-files.ts";
import type { QueryParameters } from "./sql/sql-text.ts";

export function prepareQuery<Asked, Row>(
  clickhouse: ClickHouseConnection,
  { file, parameters, row }: Query<Asked, Row>,
): (asked: Asked) => Promise<Row[]> {
  const sql = readQuery(file);
  const rows = z.array(row);
  return async (asked) => rows.parse(await clickhouse.query(sql, encode(parameters.parse(asked))));
}

function encode(parameters: SqlParameters): QueryParameters {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      value instanceof Date ? toDateTime64(value) : value,
    ]),
  );
}
