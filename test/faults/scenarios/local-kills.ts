import { join } from "node:path";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openLmdbEventLog } from "@plumbline/adapters/lmdb/event-log";
import { compare } from "../oracle/compare.ts";
import { countRecoveries } from "../oracle/delivery-check.ts";
import { Ledger } from "../oracle/ledger.ts";
import { checkLog, countDeadLetters } from "../oracle/log-check.ts";
import { untilFresh } from "../oracle/fresh.ts";
import { keepEveryRow } from "../processes/folder-store.ts";
import { createLocalMode, type LocalMode } from "../processes/local-mode.ts";
import { punish, stop } from "../processes/supervise.ts";
import type { Scenario, ScenarioRun } from "../scenario.ts";
import { startSenders } from "../senders/sender.ts";

const SENDERS = 3;

export const localKills: Scenario = {
  faults: "F1, F2, F4, F5",
  name: "local-kills",
  runsOn: "local",
  injects:
    "kill -9 and SIGTERM of the one process that is log, store and every service, while sending: as it starts, 0 to 160 ms after it serves, later, several in a row",
  holds:
    "what was acknowledged is stored once, with its texts; SIGTERM ends with 0; no open intent stays; a fresh call flows",
  isInShortForm: true,
  async run(run) {
    const kills = run.size(300, 36);
    // The parts of a folder are never merged, so that every inserted row can be counted. What its kills leave undelivered
    // stands before the fresh call at its end.
    const killsAFolder = run.size(25, 36);
    for (let done = 0; done < kills; done += killsAFolder) await punishFolder(run, killsAFolder);
    run.require(
      (run.counts["disturbed_batches"] ?? 0) > kills / 4,
      "kills hardly met batches in flight: the scenario shows nothing",
    );
    run.require(
      run.isShort || (run.counts["recoveries"] ?? 0) > 0,
      "no restart met an open intent: the scenario shows nothing",
    );
  },
};

async function punishFolder(run: ScenarioRun, kills: number): Promise<void> {
  const local = await createLocalMode();
  try {
    const first = local.start();
    await local.serves(first);
    await stop(first, run.tally);
    await keepEveryRow(local.dataDir);

    const ledger = new Ledger();
    const senders = startSenders({
      ledger,
      url: local.urls.collector,
      senders: SENDERS,
      callsABatch: run.size(300, 250),
      // Without a rest the backlog at the end is as long as the disk is fast, and the fresh call waits for the disk.
      restMs: run.size(500, 0),
      repeats: (sender) => sender === 0,
    });
    const last = await punish(local, { random: run.random, tally: run.tally, kills });
    await senders.stop();
    await untilFresh(run, ledger, local.urls.collector, local.store);

    const comparison = await compare(ledger, local.store);
    run.compared(comparison);
    run.count("disturbed_batches", ledger.disturbed);
    run.count("recoveries", await countRecoveries(local));
    await stop(last, run.tally);
    await checkFolder(run, local, comparison.stored);
  } finally {
    await local.remove();
  }
}

/** After the last stop: everything in the log is delivered, nothing is in the dead letters. */
async function checkFolder(run: ScenarioRun, local: LocalMode, stored: number): Promise<void> {
  const log = await openLmdbEventLog({ path: join(local.dataDir, "log"), clock: systemClock });
  const check = await checkLog(log, "plumbline.calls");
  const deadLetters = await countDeadLetters(log);
  await log.close();
  run.count("repeated_in_log", check.records - check.keys);
  run.requireEqual(check.uncommitted, 0, "records behind the committed offset after a clean stop");
  run.requireEqual(check.open_intents, 0, "open intents after a clean stop");
  run.requireEqual(check.keys, stored, "calls in the log against calls in the store");
  run.requireEqual(deadLetters, 0, "dead letters of valid calls");
}
