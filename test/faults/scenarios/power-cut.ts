import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { compare } from "../oracle/compare.ts";
import { untilFresh, untilStoredOrStill } from "../oracle/fresh.ts";
import { Ledger } from "../oracle/ledger.ts";
import { createLocalMode } from "../processes/local-mode.ts";
import { exitWithin, stop } from "../processes/supervise.ts";
import type { Scenario } from "../scenario.ts";
import { startSenders } from "../senders/sender.ts";

export const powerCut: Scenario = {
  faults: "F16",
  name: "power-cut",
  runsOn: "local",
  injects:
    "kill -9 under load, and the ClickHouse folder of seconds or a minute ago beside the log of now: what a loss of power leaves, for the log is synced and ClickHouse's parts are not",
  holds: "the rows that went with the power come again from the log, once each",
  isInShortForm: false,
  async run(run) {
    const local = await createLocalMode();
    const [live, older] = [join(local.dataDir, "clickhouse"), join(local.folder, "older")];
    const ledger = new Ledger();
    const load = () =>
      startSenders({
        ledger,
        url: local.urls.collector,
        senders: 2,
        callsABatch: 100,
        repeats: () => false,
        restMs: 50,
      });
    try {
      for (let cut = 0; cut < run.size(3, 1); cut++) {
        let started = local.start();
        await local.serves(started);
        const warm = load();
        await sleep(2_000);
        await warm.stop();
        await untilStoredOrStill(local.store, ledger);
        await stop(started, run.tally);
        await rm(older, { recursive: true, force: true });
        await cp(live, older, { recursive: true });

        started = local.start();
        await local.serves(started);
        const senders = load();
        await sleep(run.size(5_000 + run.random.integer(30_000), 3_000));
        started.send("SIGKILL");
        await exitWithin(started, 5_000);
        run.tally.kill("local", "SIGKILL", "serving");
        await senders.stop();
        await rm(live, { recursive: true });
        await cp(older, live, { recursive: true });
      }
      const started = local.start();
      await local.serves(started);
      await untilFresh(run, ledger, local.urls.collector, local.store);
      run.compared(await compare(ledger, local.store, "plumbline_raw.calls FINAL"));
      await stop(started, run.tally);
    } finally {
      await local.remove();
    }
  },
};
