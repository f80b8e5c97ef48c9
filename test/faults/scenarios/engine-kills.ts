import { setTimeout as sleep } from "node:timers/promises";
import { compare } from "../oracle/compare.ts";
import { untilFresh } from "../oracle/fresh.ts";
import { untilDrained } from "../oracle/log-check.ts";
import { Ledger } from "../oracle/ledger.ts";
import { exitWithin } from "../processes/supervise.ts";
import { withServices } from "../processes/with-services.ts";
import type { Scenario } from "../scenario.ts";
import { startSenders } from "../senders/sender.ts";

const KILLS_A_BACKLOG = 4;

export const engineKills: Scenario = {
  faults: "F7, F9",
  name: "engine-kills",
  runsOn: "production",
  injects: "kill -9 of ClickHouse itself in the middle of inserts, back after a few seconds",
  holds: "the writer waits and verifies; each call counts once",
  isInShortForm: false,
  async run(run) {
    const production = await run.production();
    const { engine, urls, store } = production;
    await withServices(run, production, ["collector", "writer"], async () => {
      const ledger = new Ledger();
      const senders = startSenders({
        ledger,
        url: urls.collector,
        senders: 2,
        callsABatch: 100,
        repeats: () => false,
        restMs: run.size(500, 100),
      });
      for (let kill = 0; kill < run.size(12, 2); kill++) {
        await sleep(500 + run.random.integer(2_500));
        production.engineProcess.send("SIGKILL");
        await exitWithin(production.engineProcess, 5_000);
        run.tally.kill(engine.name, "SIGKILL", "serving");
        await sleep(run.random.integer(2_000));
        production.engineProcess = engine.start();
        await engine.serves(production.engineProcess);
        // A ClickHouse that dies every three seconds takes next to nothing: it is left alone now and then.
        if ((kill + 1) % KILLS_A_BACKLOG === 0) await untilDrained(production.log);
      }
      await senders.stop();
      await untilFresh(run, ledger, urls.collector, store);
      run.compared(await compare(ledger, store, "plumbline_raw.calls FINAL"));
    });
  },
};
