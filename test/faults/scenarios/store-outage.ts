import { setTimeout as sleep } from "node:timers/promises";
import { compareOnce } from "../oracle/compare.ts";
import { untilFresh } from "../oracle/fresh.ts";
import { lagOf, untilDrained } from "../oracle/log-check.ts";
import { Ledger } from "../oracle/ledger.ts";
import { withServices } from "../processes/with-services.ts";
import type { Fault } from "../proxy/http-proxy.ts";
import type { Scenario, ScenarioRun } from "../scenario.ts";
import { startSenders } from "../senders/sender.ts";

const MEMORY_MB_MAX = 1_000;
/** A backlog drains so many times faster than calls arrive. */
const DRAIN_FACTOR = 3;
const RATE_MS = 5_000;

/** A store in trouble, one state after another. */
const TROUBLES: readonly Fault[] = [
  { kind: "delay", ms: 5_000 },
  { kind: "refuse", status: 500, code: 252, message: "Too many parts (3001). (TOO_MANY_PARTS)" },
  { kind: "refuse", status: 500, code: 242, message: "Table is in readonly mode. (TABLE_IS_READ_ONLY)" },
  { kind: "refuse", status: 500, code: 241, message: "Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)" },
  { kind: "refuse", status: 500, code: 243, message: "Cannot reserve 1.00 MiB. (NOT_ENOUGH_SPACE)" },
  { kind: "gateway", status: 429 },
  { kind: "gateway", status: 503 },
];

export const storeOutage: Scenario = {
  faults: "F7, F15",
  name: "store-outage",
  runsOn: "production",
  injects:
    "ClickHouse away, then slow (5 s an insert), too many parts, read-only, out of memory, on a full disk, 429 and 503 of a gateway",
  holds:
    "calls are taken all the while; lag grows, memory stays under 1 GB, nothing ends; the backlog drains at 3 times the live rate; nothing is lost",
  isInShortForm: false,
  async run(run) {
    const production = await run.production();
    const { proxy, urls, store } = production;
    await withServices(run, production, ["collector", "writer"], async ({ writer, collector }) => {
      const ledger = new Ledger();
      const senders = startSenders({
        ledger,
        url: urls.collector,
        senders: 2,
        callsABatch: 250,
        repeats: () => false,
        restMs: 250,
      });
      const before = ledger.count("acknowledged");
      await sleep(RATE_MS);
      const liveRate = (ledger.count("acknowledged") - before) / (RATE_MS / 1_000);

      await proxy.goAway();
      await sleep(run.size(45_000, 5_000));
      await proxy.comeBack();
      for (const fault of TROUBLES) {
        proxy.meddle(({ isInsert }) => (isInsert ? fault : null));
        await sleep(run.size(15_000, 2_000));
      }
      const lag = await lagOf(production.log, "plumbline.calls");
      proxy.meddle(null);
      const drainSeconds = await untilDrained(production.log);
      await senders.stop();
      await untilFresh(run, ledger, urls.collector, store);

      await compareOnce(run, ledger, production);
      checkRates(run, { liveRate, lag, drainSeconds });
      for (const each of [writer, collector]) {
        run.tally.memory(each.name, each.peakMemoryMb());
        run.require(
          each.peakMemoryMb() < MEMORY_MB_MAX,
          `${each.name} took ${each.peakMemoryMb()} MB, under ${MEMORY_MB_MAX}`,
        );
      }
    });
  },
};

function checkRates(
  run: ScenarioRun,
  { liveRate, lag, drainSeconds }: { liveRate: number; lag: number; drainSeconds: number },
): void {
  const drainRate = lag / drainSeconds + liveRate;
  run.count("live_per_second", Math.round(liveRate));
  run.count("lag", lag);
  run.count("drain_per_second", Math.round(drainRate));
  run.require(lag > liveRate, "the lag did not grow: the scenario shows nothing");
  // Of the form that has the machine for itself.
  if (!run.isShort)
    run.require(
      drainRate >= DRAIN_FACTOR * liveRate,
      `${Math.round(drainRate)} calls a second drained, ${DRAIN_FACTOR} times ${Math.round(liveRate)} are asked for`,
    );
}
