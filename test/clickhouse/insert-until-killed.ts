/**
 * Inserts batches of calls for ever and prints a batch's number once the store has acknowledged it. Each batch
 * spans three days, hence three parts per table: what a kill can tear apart.
 *
 * argv: directory, number of the first batch.
 */
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { batchRows } from "./batch-rows.ts";

const [, , directory = "", first = "0"] = process.argv;
const store = createClickHouseStore(await openEmbeddedClickHouse({ path: directory }));
await store.migrate();
process.stdout.write("ready\n");
for (let batch = Number(first); ; batch++) {
  await store.insertCalls(batchRows(batch));
  process.stdout.write(`${batch}\n`);
}
