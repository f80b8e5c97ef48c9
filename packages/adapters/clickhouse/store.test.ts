import { createLogger } from "@plumbline/runtime/logger";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storeContract } from "@plumbline/ports/store.contract";
import { openEmbeddedClickHouse } from "./embedded.ts";
import { serveClickHouse } from "./http-front.ts";
import { openHttpClickHouse } from "./http.ts";
import { createClickHouseStore } from "./store.ts";

const logger = createLogger("test", "silent");

storeContract("ClickHouse in-process", async () => {
  const path = await mkdtemp(join(tmpdir(), "plumbline-store-"));
  const store = createClickHouseStore(await openEmbeddedClickHouse({ path }));
  const other = createClickHouseStore(await openEmbeddedClickHouse({ path }));
  return {
    store,
    other,
    close: async () => {
      await store.close();
      await other.close();
      await rm(path, { recursive: true });
    },
  };
});

storeContract("ClickHouse over HTTP", async () => {
  const path = await mkdtemp(join(tmpdir(), "plumbline-store-"));
  const engine = await openEmbeddedClickHouse({ path });
  const front = await serveClickHouse(engine, { logger, readOnly: false });
  const store = createClickHouseStore(openHttpClickHouse({ url: front.url }));
  const other = createClickHouseStore(openHttpClickHouse({ url: front.url }));
  return {
    store,
    other,
    close: async () => {
      await store.close();
      await other.close();
      await front.close();
      await engine.close();
      await rm(path, { recursive: true });
    },
  };
});
