import { setTimeout as sleep } from "node:timers/promises";
import { compareOnce } from "../oracle/compare.ts";
import { untilFresh } from "../oracle/fresh.ts";
import { Ledger } from "../oracle/ledger.ts";
import { until } from "../processes/process.ts";
import { withServices } from "../processes/with-services.ts";
import type { Scenario } from "../scenario.ts";
import { startSenders } from "../senders/sender.ts";

/** The broker is back, and so is what reads and writes it. */
const BACK_MS = 60_000;

export const brokerRestarts: Scenario = {
  faults: "F6",
  name: "broker-restarts",
  runsOn: "production",
  injects: "kill -9 of the Kafka broker under load, down for 3 s, and clean restarts",
  holds: "no service ends; calls are taken again; acknowledged ones are stored once",
  isInShortForm: false,
  async run(run) {
    const production = await run.production();
    const { broker, urls, store } = production;
    await withServices(run, production, ["collector", "writer"], async () => {
      const ledger = new Ledger();
      const senders = startSenders({
        ledger,
        url: urls.collector,
        senders: 2,
        callsABatch: run.size(200, 100),
        repeats: (sender) => sender === 0,
        restMs: 200,
      });
      for (let restart = 0; restart < run.size(8, 2); restart++) {
        await sleep(1_000 + run.random.integer(2_000));
        const isKill = restart % 2 === 0;
        if (isKill) {
          await broker.kill();
          await sleep(3_000);
        }
        await broker.restart();
        run.tally.kill("kafka", isKill ? "SIGKILL" : "SIGTERM", "serving");
        const before = ledger.count("acknowledged");
        await until("calls are taken again", () => ledger.count("acknowledged") > before, BACK_MS, 50);
      }
      await senders.stop();
      await untilFresh(run, ledger, urls.collector, store);
      await compareOnce(run, ledger, production);
      run.count("disturbed_batches", ledger.disturbed);
    });
  },
};
