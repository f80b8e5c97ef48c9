/** The contract of the store against a ClickHouse server, where the embedded engine can differ. */
import { openHttpClickHouse } from "@plumbline/adapters/clickhouse/http";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { storeContract } from "@plumbline/ports/store.contract";
import { ClickHouseContainer } from "@testcontainers/clickhouse";
import { afterAll, test } from "vitest";
import { dockerForTests } from "./docker-for-tests.ts";

/** The version of the embedded engine. */
const IMAGE = "clickhouse/clickhouse-server:26.7";
/** What the migrations create. */
const DATABASES = ["plumbline", "plumbline_raw"];

if (await dockerForTests()) {
  const container = await new ClickHouseContainer(IMAGE).start();
  afterAll(() => container.stop());
  const url = `http://${container.getUsername()}:${container.getPassword()}@${container.getHost()}:${container.getHttpPort()}`;

  storeContract("ClickHouse in a container", async () => {
    const connection = openHttpClickHouse({ url });
    for (const database of DATABASES) await connection.command(`DROP DATABASE IF EXISTS ${database} SYNC`);
    const store = createClickHouseStore(connection);
    const other = createClickHouseStore(openHttpClickHouse({ url }));
    return {
      store,
      other,
      close: async () => {
        await store.close();
        await other.close();
      },
    };
  });
} else {
  test.skip("the contract of the store on ClickHouse in a container", () => undefined);
}
