import { compareOnce } from "../oracle/compare.ts";
import { untilFresh } from "../oracle/fresh.ts";
import { Ledger } from "../oracle/ledger.ts";
import { until } from "../processes/process.ts";
import { punish, stop } from "../processes/supervise.ts";
import { withServices } from "../processes/with-services.ts";
import type { Fault } from "../proxy/http-proxy.ts";
import type { Scenario } from "../scenario.ts";
import { startSenders } from "../senders/sender.ts";

/** Each after an insert that took effect, or before one that did not. */
const LIES: readonly Fault[] = [
  { kind: "lose_answer" },
  { kind: "cut_body" },
  { kind: "reset" },
  { kind: "trickle", pauseMs: 50 },
  { kind: "gateway", status: 502 },
];
/** Share of inserts that meet one of them. */
const SHARE = 0.4;

export const lostAnswers: Scenario = {
  faults: "F9",
  name: "lost-answers",
  runsOn: "production",
  injects:
    "answers lost after the insert took effect, bodies cut in the middle, connections reset, answers byte by byte, 502: four inserts of ten, while the writer is killed",
  holds: "each insert is verified before it is repeated: no row is inserted twice, none is missing",
  isInShortForm: false,
  async run(run) {
    const production = await run.production();
    const { proxy, urls, store } = production;
    await withServices(run, production, ["collector"], async () => {
      const ledger = new Ledger();
      const metBefore = new Map(proxy.met);
      const metSince = (kind: Fault["kind"]): number =>
        (proxy.met.get(kind) ?? 0) - (metBefore.get(kind) ?? 0);
      const senders = startSenders({
        ledger,
        url: urls.collector,
        senders: 2,
        callsABatch: 200,
        repeats: () => false,
        restMs: 150,
      });
      proxy.meddle(({ isInsert }) =>
        isInsert && run.random.uniform() < SHARE ? LIES[run.random.integer(LIES.length)]! : null,
      );
      const writer = await punish(production.service("writer"), {
        random: run.random,
        tally: run.tally,
        kills: run.size(20, 4),
      });
      const least = run.size(6, 1);
      const isShown = (): boolean => LIES.every(({ kind }) => metSince(kind) >= least);
      await until(`${least} inserts met each lie`, isShown, 300_000, 100).catch((error: unknown) =>
        run.require(false, String(error)),
      );
      proxy.meddle(null);
      await senders.stop();
      await untilFresh(run, ledger, urls.collector, store);
      await compareOnce(run, ledger, production);
      for (const { kind } of LIES) run.counts[kind] = metSince(kind);
      await stop(writer, run.tally);
    });
  },
};
