import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { compare } from "../oracle/compare.ts";
import { untilFresh, untilStoredOrStill } from "../oracle/fresh.ts";
import { Ledger } from "../oracle/ledger.ts";
import { createLocalMode } from "../processes/local-mode.ts";
import { exitWithin, stop } from "../processes/supervise.ts";
import { dropUnsynced, filesIn } from "../processes/unsynced.ts";
import type { Scenario } from "../scenario.ts";
import { startSenders } from "../senders/sender.ts";

export const unsyncedWrites: Scenario = {
  faults: "F16",
  name: "unsynced-writes",
  runsOn: "local",
  injects:
    "kill -9 under load, and of ClickHouse's files since the load began some gone, some cut off, some ending in zeroes: what a loss of power makes of writes that nobody synced",
  holds: "it starts, sets damaged parts aside, and has their rows from the log again, once each",
  isInShortForm: true,
  async run(run) {
    const local = await createLocalMode();
    const clickhouse = join(local.dataDir, "clickhouse");
    const ledger = new Ledger();
    try {
      for (let cut = 0; cut < run.size(4, 1); cut++) {
        let started = local.start();
        await local.serves(started);
        await untilStoredOrStill(local.store, ledger);
        await stop(started, run.tally);
        const synced = new Set(await filesIn(clickhouse));

        started = local.start();
        await local.serves(started);
        const senders = startSenders({
          ledger,
          url: local.urls.collector,
          senders: 2,
          callsABatch: 150,
          repeats: () => false,
          restMs: 50,
        });
        await sleep(run.size(5_000 + run.random.integer(20_000), 3_000));
        started.send("SIGKILL");
        await exitWithin(started, 5_000);
        run.tally.kill("local", "SIGKILL", "serving");
        await senders.stop();
        run.count("damaged_files", await dropUnsynced(clickhouse, synced, run.random));
      }
      const started = local.start();
      await local.serves(started);
      await untilFresh(run, ledger, local.urls.collector, local.store);
      run.compared(await compare(ledger, local.store, "plumbline_raw.calls FINAL"));
      const { detached } = await local.store.numbers<"detached">(
        "SELECT count() AS detached FROM system.detached_parts WHERE database = 'plumbline_raw'",
      );
      run.count("detached_parts", detached);
      await stop(started, run.tally);
    } finally {
      await local.remove();
    }
  },
};
