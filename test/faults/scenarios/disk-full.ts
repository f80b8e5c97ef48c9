import { execFile } from "node:child_process";
import { mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { compare } from "../oracle/compare.ts";
import { untilFresh } from "../oracle/fresh.ts";
import { Ledger } from "../oracle/ledger.ts";
import { createLocalMode } from "../processes/local-mode.ts";
import { until } from "../processes/process.ts";
import { stop } from "../processes/supervise.ts";
import { SkipError, type Scenario } from "../scenario.ts";
import { startSenders } from "../senders/sender.ts";

const run = promisify(execFile);
const DISK = "400m";
/** Left free by the filler: less than what the log keeps in reserve. */
const LEFT_BYTES = 4_000_000;

export const diskFull: Scenario = {
  faults: "F15",
  name: "disk-full",
  runsOn: "local",
  injects:
    "a small disk with log and ClickHouse on it is filled up under load, stays full for a while, and is freed",
  holds: "calls are refused, none that was acknowledged is lost; the process lives and goes on by itself",
  isInShortForm: false,
  async run(scenario) {
    const disk = await mkdtemp(join(tmpdir(), "plumbline-faults-disk-"));
    await run("mount", ["-t", "tmpfs", "-o", `size=${DISK}`, "tmpfs", disk]).catch((error: unknown) => {
      throw new SkipError(
        `no small disk can be mounted here: ${error instanceof Error ? error.message : ""}`,
      );
    });
    const local = await createLocalMode({ parent: disk });
    const filler = join(disk, "filler");
    try {
      const started = local.start();
      await local.serves(started);
      const ledger = new Ledger();
      const senders = startSenders({
        ledger,
        url: local.urls.collector,
        senders: 2,
        callsABatch: 200,
        repeats: () => true,
        restMs: 50,
      });
      await sleep(3_000);
      const { bavail, bsize } = await statfs(disk);
      await writeFile(filler, Buffer.alloc(Math.max(0, bavail * bsize - LEFT_BYTES))).catch(
        (error: NodeJS.ErrnoException) => {
          // What is written meanwhile took the rest: the disk is full.
          if (error.code !== "ENOSPC") throw error;
        },
      );
      await until("a batch is refused", () => ledger.disturbed > 0, 60_000, 50);
      await sleep(scenario.size(15_000, 3_000));
      scenario.require(started.isAlive(), "the process ended on the full disk");
      await rm(filler);
      const before = ledger.count("acknowledged");
      await until("calls are taken again", () => ledger.count("acknowledged") > before, 60_000, 50);
      await senders.stop();
      await untilFresh(scenario, ledger, local.urls.collector, local.store);
      scenario.compared(await compare(ledger, local.store, "plumbline_raw.calls FINAL"));
      scenario.count("disturbed_batches", ledger.disturbed);
      await stop(started, scenario.tally);
    } finally {
      await local.remove();
      await run("umount", ["-l", disk]);
      await rm(disk, { recursive: true, force: true });
    }
  },
};
