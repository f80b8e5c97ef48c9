import { setTimeout as sleep } from "node:timers/promises";
import { compareInEffect } from "../oracle/compare.ts";
import { untilFresh } from "../oracle/fresh.ts";
import { Ledger } from "../oracle/ledger.ts";
import { until } from "../processes/process.ts";
import { withServices } from "../processes/with-services.ts";
import type { Scenario } from "../scenario.ts";
import { startSenders } from "../senders/sender.ts";

export const zombieInserts: Scenario = {
  faults: "F8",
  name: "zombie-inserts",
  runsOn: "production",
  injects:
    "inserts whose sender lost the connection, and which a balancer delivers 0.5 to 3 s later, when the sender has asked what is stored and inserted again",
  holds:
    "nothing is missing, and each call counts once: its rows collapse into one (`FINAL`); rows that were inserted twice are counted",
  isInShortForm: false,
  async run(run) {
    const production = await run.production();
    const { proxy, urls, store } = production;
    await withServices(run, production, ["collector", "writer"], async () => {
      const ledger = new Ledger();
      const senders = startSenders({
        ledger,
        url: urls.collector,
        senders: 2,
        callsABatch: run.size(200, 100),
        repeats: () => false,
        restMs: 200,
      });
      proxy.meddle(({ isInsert }) =>
        isInsert && run.random.uniform() < 0.2
          ? { kind: "zombie", afterMs: 500 + run.random.integer(2_500) }
          : null,
      );
      const zombies = (): number => proxy.met.get("zombie") ?? 0;
      await until("inserts became zombies", () => zombies() >= run.size(40, 4), 300_000, 100).catch(
        (error: unknown) => run.require(false, String(error)),
      );
      proxy.meddle(null);
      // The last of them is still on its way.
      await sleep(4_000);
      await senders.stop();
      await untilFresh(run, ledger, urls.collector, store);
      await compareInEffect(run, ledger, production);
      run.count("zombies", zombies());
    });
  },
};
