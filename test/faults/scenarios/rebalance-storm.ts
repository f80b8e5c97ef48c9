import { setTimeout as sleep } from "node:timers/promises";
import { compareInEffect } from "../oracle/compare.ts";
import { untilFresh } from "../oracle/fresh.ts";
import { Ledger } from "../oracle/ledger.ts";
import type { TestedProcess } from "../processes/process.ts";
import type { Production } from "../processes/production.ts";
import { exitWithin, stop } from "../processes/supervise.ts";
import { withServices } from "../processes/with-services.ts";
import type { Scenario, ScenarioRun } from "../scenario.ts";
import { startSenders } from "../senders/sender.ts";

/** Many sessions long: the frozen writer's partitions belong to another one when it wakes. */
const FROZEN_MS = 15_000;
const STALL_MS = 5_000;

export const rebalanceStorm: Scenario = {
  faults: "F11, F22",
  name: "rebalance-storm",
  runsOn: "production",
  injects:
    "a second writer joins and leaves every few seconds, by SIGTERM and SIGKILL; a writer is frozen for 15 s and woken; the collector stalls for 5 s",
  holds:
    "nothing is missing; a call counts once, also where a frozen writer's insert went on after its partition had moved; every writer lives on",
  isInShortForm: false,
  async run(run) {
    const production = await run.production();
    const { urls, store } = production;
    await withServices(run, production, ["collector", "writer"], async ({ collector }) => {
      const ledger = new Ledger();
      const senders = startSenders({
        ledger,
        url: urls.collector,
        senders: 2,
        callsABatch: run.size(150, 100),
        repeats: (sender) => sender === 0,
        restMs: 150,
      });
      for (let visit = 0; visit < run.size(20, 2); visit++) await visitGroup(run, production);
      for (let freeze = 0; freeze < run.size(2, 1); freeze++) await freezeWriter(run, production, collector);
      await senders.stop();
      await untilFresh(run, ledger, urls.collector, store);
      await compareInEffect(run, ledger, production);
    });
  },
};

async function visitGroup(run: ScenarioRun, production: Production): Promise<void> {
  const service = production.service("writer");
  const visitor = service.start();
  await service.serves(visitor);
  await sleep(run.random.integer(3_000));
  const signal = run.random.integer(2) === 0 ? "SIGKILL" : "SIGTERM";
  visitor.send(signal);
  await exitWithin(visitor, 30_000);
  run.tally.kill("writer", signal, "serving");
  await sleep(run.random.integer(1_500));
}

async function freezeWriter(
  run: ScenarioRun,
  production: Production,
  collector: TestedProcess,
): Promise<void> {
  const service = production.service("writer");
  const frozen = service.start();
  await service.serves(frozen);
  await sleep(500 + run.random.integer(500));
  frozen.send("SIGSTOP");
  collector.send("SIGSTOP");
  await sleep(STALL_MS);
  collector.send("SIGCONT");
  await sleep(FROZEN_MS - STALL_MS);
  frozen.send("SIGCONT");
  await sleep(3_000);
  run.count("freezes", 1);
  // It found out that it holds nothing, joined again, and works.
  await stop(frozen, run.tally);
}
