import { compareOnce } from "../oracle/compare.ts";
import { untilFresh } from "../oracle/fresh.ts";
import { Ledger } from "../oracle/ledger.ts";
import { until, type TestedProcess } from "../processes/process.ts";
import type { Production } from "../processes/production.ts";
import { exitWithin, stop } from "../processes/supervise.ts";
import { withServices } from "../processes/with-services.ts";
import type { Scenario } from "../scenario.ts";
import { sendOnce } from "../senders/sender.ts";

/** An insert of calls takes nine seconds: longer than a killed writer's partitions need to find their next one. */
const SLOW = ["sleep(2.91) = 0", "sleep(2.92) = 0", "sleep(2.93) = 0"];
const CALLS = 200;

export const orphanedInserts: Scenario = {
  faults: "F1, F8",
  name: "orphaned-inserts",
  runsOn: "production",
  injects:
    "kill -9 of the writer while ClickHouse works on its insert, and goes on with it when the next writer has come",
  holds:
    "the next writer ends the insert before it asks what is stored: no row is inserted twice, none is missing",
  isInShortForm: true,
  async run(run) {
    const production = await run.production();
    await withServices(run, production, ["collector"], async () => {
      const ledger = new Ledger();
      let writer = await startWriter(production);
      for (let orphan = 0; orphan < run.size(6, 1); orphan++) {
        await setSlow(production, true);
        await sendOnce(ledger, production.urls.collector, CALLS);
        await until("an insert of calls runs", async () => (await running(production)) > 0, 60_000, 20);
        writer.send("SIGKILL");
        await exitWithin(writer, 5_000);
        run.tally.kill("writer", "SIGKILL", "serving");
        await setSlow(production, false);
        run.count("orphans", await running(production));
        writer = await startWriter(production);
        // An insert that sleeps can't be ended before it wakes: the fault lasts until then.
        await until("no insert of calls runs", async () => (await running(production)) === 0, 60_000, 20);
        await untilFresh(run, ledger, production.urls.collector, production.store);
      }
      run.require(
        (run.counts["orphans"] ?? 0) > 0,
        "no insert outlived its writer: the scenario shows nothing",
      );
      await compareOnce(run, ledger, production);
      await stop(writer, run.tally);
    });
  },
};

async function startWriter(production: Production): Promise<TestedProcess> {
  const service = production.service("writer");
  const started = service.start();
  await service.serves(started);
  return started;
}

/** An insert that runs keeps the constraints with which it began. */
async function setSlow(production: Production, isSlow: boolean): Promise<void> {
  for (const [i, sleep] of SLOW.entries()) {
    const change = isSlow ? `ADD CONSTRAINT slow_${i} CHECK ${sleep}` : `DROP CONSTRAINT slow_${i}`;
    await production.command(`ALTER TABLE plumbline_raw.calls ${change}`);
  }
}

async function running({ store }: Production): Promise<number> {
  const { inserts } = await store.numbers<"inserts">(
    "SELECT count() AS inserts FROM system.processes WHERE query LIKE 'INSERT INTO plumbline_raw.calls (%'",
  );
  return inserts;
}
