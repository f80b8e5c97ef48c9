import { compareInEffect, repeatedRows } from "../oracle/compare.ts";
import { untilFresh, untilStoredOrStill } from "../oracle/fresh.ts";
import { Ledger } from "../oracle/ledger.ts";
import { withServices } from "../processes/with-services.ts";
import type { Scenario } from "../scenario.ts";
import { newBatch, sendBatch } from "../senders/sender.ts";

const CALLS = 1_000;
/** A batch every partition of which the writer has passed by more than its memory of ids: 50,000 a partition. */
const BATCHES_TO_FORGET = 240;

export const replays: Scenario = {
  faults: "F10",
  name: "replays",
  runsOn: "production",
  injects:
    "batches sent again with the same ids: while the writer remembers them, after a restart of it, and after 50,000 newer calls a partition",
  holds:
    "repeats that the writer remembers are left out and counted; older ones collapse (`FINAL`): each call counts once",
  isInShortForm: false,
  async run(run) {
    const production = await run.production();
    const { urls, store } = production;
    const ledger = new Ledger();
    const send = async (batch: ReturnType<typeof newBatch>): Promise<void> => {
      run.require(
        await sendBatch(urls.collector, batch, ledger.linesOf(batch)),
        "the collector refused a batch",
      );
      run.count("batches_sent", 1);
    };
    const batches = Array.from({ length: 10 }, () => newBatch(ledger, CALLS));
    await withServices(run, production, ["collector", "writer"], async () => {
      for (const batch of batches) await send(batch);
      await untilStoredOrStill(store, ledger);
      for (const batch of batches.slice(0, 5)) await send(batch);
    });
    // A new writer warms its memory from the log.
    await withServices(run, production, ["collector", "writer"], async () => {
      for (const batch of batches.slice(5)) await send(batch);
      await untilFresh(run, ledger, urls.collector, store);
      const remembered = await repeatedRows(ledger, store);
      run.requireEqual(remembered, 0, "rows of repeats that the writer should remember");
      if (!run.isShort) {
        for (let newer = 0; newer < BATCHES_TO_FORGET; newer++) await send(newBatch(ledger, CALLS));
        await send(batches[0]!);
        await untilFresh(run, ledger, urls.collector, store);
      }
      await compareInEffect(run, ledger, production);
    });
    const { duplicates } = await store.numbers<"duplicates">(
      "SELECT sum(duplicates) AS duplicates FROM plumbline_raw.ingest_audit FINAL WHERE topic = 'plumbline.calls'",
    );
    run.count("repeats_left_out", duplicates);
    run.require(duplicates >= 10 * CALLS, `the audit counts ${duplicates} repeats, ${10 * CALLS} were sent`);
  },
};
