/** `npm run docs:access`: writes docs/reference/access.md from the routes. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKeyDirectory } from "@plumbline/access";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { createLogger } from "@plumbline/runtime/logger";
import { renderAccessTable } from "./access-table.ts";
import { createServers } from "./servers.ts";

const logger = createLogger("docs", "error");
const log = createMemoryEventLog({ clock: systemClock, partitions: 1 });
const keys = createKeyDirectory({ log, clock: systemClock, logger, service: "docs", needsKey: false });
const inboxDir = await mkdtemp(join(tmpdir(), "plumbline-docs-"));
const { all } = await createServers({ log, keys, logger, inboxDir });
await rm(inboxDir, { recursive: true });
await log.close();
const declared = Object.fromEntries(Object.entries(all).map(([server, { routes }]) => [server, routes]));
await writeFile(new URL("../../docs/reference/access.md", import.meta.url), renderAccessTable(declared));
