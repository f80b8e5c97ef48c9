import { open, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { compare } from "../oracle/compare.ts";
import { untilFresh } from "../oracle/fresh.ts";
import { Ledger } from "../oracle/ledger.ts";
import { createLocalMode } from "../processes/local-mode.ts";
import { exitWithin, stop } from "../processes/supervise.ts";
import type { Scenario } from "../scenario.ts";
import { startSenders } from "../senders/sender.ts";

export const damagedPart: Scenario = {
  faults: "F26",
  name: "damaged-part",
  runsOn: "local",
  injects:
    "kill -9 under load, and in the middle of a part of calls other bytes of the same length: ClickHouse loads the part, and fails when it reads it",
  holds: "the start finds the part, says so and sets it aside, and all its rows are there again",
  isInShortForm: true,
  async run(run) {
    const local = await createLocalMode();
    const ledger = new Ledger();
    try {
      let started = local.start();
      await local.serves(started);
      const senders = startSenders({
        ledger,
        url: local.urls.collector,
        senders: 2,
        callsABatch: 200,
        repeats: () => false,
        restMs: 50,
      });
      await sleep(3_000);
      const part = await onePart(local.urls.sql);
      started.send("SIGKILL");
      await exitWithin(started, 5_000);
      run.tally.kill("local", "SIGKILL", "serving");
      await senders.stop();
      await overwriteMiddle(join(part, "data.bin"));

      started = local.start();
      await local.serves(started);
      run.require(
        started.output().includes("clickhouse.part_set_aside") && started.output().includes(basename(part)),
        "the damaged part was not said",
      );
      await untilFresh(run, ledger, local.urls.collector, local.store);
      run.compared(await compare(ledger, local.store, "plumbline_raw.calls FINAL"));
      await stop(started, run.tally);
    } finally {
      await local.remove();
    }
  },
};

/** The folder of the newest part of calls whose columns are in one file, as a small one's are. */
async function onePart(sqlUrl: string): Promise<string> {
  const sql = `SELECT path FROM system.parts WHERE database = 'plumbline_raw' AND table = 'calls' AND active AND part_type = 'Compact' ORDER BY modification_time DESC LIMIT 1 FORMAT TabSeparated`;
  const response = await fetch(`${sqlUrl}/`, { method: "POST", body: sql });
  const path = (await response.text()).trim();
  if (!response.ok || path === "") throw new Error(`no part of calls: ${path}`);
  return join(dirname(path), basename(path));
}

async function overwriteMiddle(file: string): Promise<void> {
  const { size } = await stat(file);
  const handle = await open(file, "r+");
  await handle.write(Buffer.alloc(size - (size >> 1), 0x5a), 0, size - (size >> 1), size >> 1);
  await handle.close();
}
