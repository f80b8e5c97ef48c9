import { compareOnce } from "../oracle/compare.ts";
import { untilFresh } from "../oracle/fresh.ts";
import { Ledger } from "../oracle/ledger.ts";
import { untilDrained } from "../oracle/log-check.ts";
import { checkDelivery, countRecoveries } from "../oracle/delivery-check.ts";
import { freePorts } from "../processes/free-port.ts";
import { until, untilStill } from "../processes/process.ts";
import type { Production, ServiceName } from "../processes/production.ts";
import { punish, type Punishment, stop, type Supervised } from "../processes/supervise.ts";
import type { Scenario, ScenarioRun } from "../scenario.ts";
import { reasonsInHistory, startCommanders, type Commanders } from "../senders/commander.ts";
import { startSenders } from "../senders/sender.ts";

const USE_CASE = "oracle-registry";
const KILLS_A_BACKLOG = 10;

export const serviceKills: Scenario = {
  faults: "F1, F2, F4, F5, F23",
  name: "service-kills",
  runsOn: "production",
  injects:
    "kill -9 and SIGTERM of writer, collector, two registries, policy and notifier, all at once, under load: as they start, just after, later, several in a row; two people promote against each other",
  holds:
    "what was acknowledged is stored once; acknowledged promotions stand in the history once, one wins a revision, each is told in Slack once",
  isInShortForm: true,
  async run(run) {
    const production = await run.production();
    const [secondPort] = await freePorts(1);
    const secondRegistry = production.service("registry", {
      PLUMBLINE_REGISTRY_PORT: String(secondPort),
      PLUMBLINE_REGISTRY_SNAPSHOT: "",
    });
    const ledger = new Ledger();
    const senders = startSenders({
      ledger,
      url: production.urls.collector,
      senders: 3,
      callsABatch: run.size(400, 200),
      repeats: (sender) => sender === 0,
      restMs: run.size(1_000, 150),
    });
    const hit = (
      target: Supervised,
      kills: number,
      afterRound: Punishment["afterRound"] = () => Promise.resolve(),
    ): ReturnType<typeof punish> =>
      punish(target, { random: run.random, tally: run.tally, kills, afterRound });
    let drainedAt = 0;
    /** A writer that dies every two seconds delivers next to nothing: it is left alone now and then. */
    const drain = async (_alive: unknown, kills: number): Promise<void> => {
      if (run.isShort || kills - drainedAt < KILLS_A_BACKLOG) return;
      await untilDrained(production.log);
      drainedAt = kills;
    };
    const service = (name: ServiceName): Supervised => production.service(name);

    const commanding = startCommanders(USE_CASE, [
      production.urls.registry,
      `http://127.0.0.1:${secondPort}`,
    ]);
    const others = run.size(55, 4);
    const alive = await Promise.all([
      hit(service("writer"), run.size(420, 16), drain),
      hit(service("collector"), others),
      hit(service("registry"), others),
      hit(secondRegistry, others),
      hit(service("policy"), others),
      hit(service("notifier"), others),
    ]);
    const commanders = await commanding;
    await Promise.all([senders.stop(), commanders.stop()]);

    await untilFresh(run, ledger, production.urls.collector, production.store);
    await compareOnce(run, ledger, production);
    run.count("disturbed_batches", ledger.disturbed);
    await checkPromotions(run, production, commanders, `http://127.0.0.1:${secondPort}`);
    for (const each of alive) await stop(each, run.tally);
    await checkDelivery(run, production, 0);
    run.counts["recoveries"] = await countRecoveries(production);
    run.require(
      run.isShort || run.counts["recoveries"] > 0,
      "no restart met an open intent: the scenario shows nothing",
    );
  },
};

async function checkPromotions(
  run: ScenarioRun,
  { urls, slack }: Production,
  { sent, acknowledged, ...commanders }: Commanders,
  secondUrl: string,
): Promise<void> {
  const reasons = await reasonsInHistory(urls.registry, USE_CASE);
  run.count("promotions_acknowledged", acknowledged.size);
  run.count("promotions_refused_as_late", commanders.conflicts());
  const distinct = new Set(reasons);
  const lost = [...acknowledged].filter((reason) => !distinct.has(reason));
  run.require(lost.length === 0, `${lost.length} acknowledged promotions are not in the history: ${lost[0]}`);
  run.requireEqual(reasons.length, distinct.size, "promotions in the history against distinct ones");
  run.requireEqual(reasons.filter((reason) => !sent.has(reason)).length, 0, "promotions that nobody sent");
  await until(
    "both registries know the same history",
    async () => JSON.stringify(await reasonsInHistory(secondUrl, USE_CASE)) === JSON.stringify(reasons),
    20_000,
    100,
  ).catch((error: unknown) => run.require(false, String(error)));
  const told = (): number =>
    slack.messages.filter(({ blocks }) => JSON.stringify(blocks).includes("oracle ")).length;
  await untilStill(told, distinct.size);
  run.requireEqual(told(), distinct.size, "messages in Slack against promotions past the gate");
}
