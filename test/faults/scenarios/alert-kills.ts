import { setTimeout as sleep } from "node:timers/promises";
import { until, untilStill } from "../processes/process.ts";
import type { Production, ServiceName } from "../processes/production.ts";
import { punish, stop } from "../processes/supervise.ts";
import type { Scenario, ScenarioRun } from "../scenario.ts";
import { QUALITY_USE_CASE, startPassages } from "../senders/passages.ts";

/** As the processes test: enough that the monitor is sure of v1, and of v2's fall. */
const CALLS_A_VERSION = 1_500;
/** Several looks of the monitor, every second one. */
const SETTLE_MS = 5_000;

export const alertKills: Scenario = {
  faults: "F4, F5, F21",
  name: "alert-kills",
  runsOn: "production",
  injects:
    "kill -9 and SIGTERM of judge, two monitors and notifier, all at once, while a prompt version that loses facts is deployed",
  holds: "every sampled call has one verdict; the fall fires once and is told in Slack once",
  isInShortForm: false,
  async run(run) {
    const production = await run.production();
    const start = async (name: ServiceName, environment = {}) => {
      const service = production.service(name, environment);
      const started = service.start();
      await service.serves(started);
      return started;
    };
    const collector = await start("collector");
    const writer = await start("writer", { PLUMBLINE_JUDGE_SAMPLE_RATIO: "0.5" });
    const passages = startPassages(production.urls.collector);
    const kills = run.size(55, 8);
    const hit = (name: ServiceName) =>
      punish(production.service(name), {
        random: run.random,
        tally: run.tally,
        kills: name === "monitor" ? Math.ceil(kills / 2) : kills,
        afterRound: async (_alive, done) => {
          if (name === "judge" && done >= kills / 2) await deployed(passages);
        },
      });
    // Two replicas of the monitor: the use cases change hands with every kill.
    const alive = await Promise.all([hit("judge"), hit("monitor"), hit("monitor"), hit("notifier")]);
    await deployed(passages);
    await until("v2 has served enough", () => passages.acknowledged("v2") >= CALLS_A_VERSION, 120_000, 100);
    await passages.stop();
    await checkVerdicts(run, production);
    await checkAlert(run, production);
    for (const each of [...alive, collector, writer]) await stop(each, run.tally);
  },
};

/** The new version answers once the old one has enough of a history. */
async function deployed(passages: ReturnType<typeof startPassages>): Promise<void> {
  await until("v1 has served enough", () => passages.acknowledged("v1") >= CALLS_A_VERSION, 120_000, 100);
  passages.deploy("v2");
}

async function checkVerdicts(run: ScenarioRun, { store }: Production): Promise<void> {
  const counts = () =>
    store.numbers<"sampled" | "verdicts" | "judged">(
      `SELECT (SELECT uniqExactIf(call_id, is_sampled) FROM plumbline_raw.calls) AS sampled,
              (SELECT count() FROM plumbline_raw.verdicts FINAL) AS verdicts,
              (SELECT uniqExact(call_id) FROM plumbline_raw.verdicts) AS judged`,
    );
  const { sampled: goal } = await counts();
  await untilStill(async () => (await counts()).judged, goal);
  const { sampled, verdicts, judged } = await counts();
  run.count("sampled", sampled);
  run.count("verdicts", verdicts);
  run.requireEqual(judged, sampled, "calls with a verdict against sampled calls");
  for await (const row of store.rows(
    `SELECT call_id, use_case, prompt_version, has_payload, ingested_at FROM plumbline_raw.calls WHERE is_sampled AND call_id NOT IN (SELECT call_id FROM plumbline_raw.verdicts) LIMIT 3`,
  ))
    run.problems.push(`sampled, and without a verdict: ${row.join(" ")}`);
  run.requireEqual(verdicts, judged, "verdicts against calls with a verdict");
  run.require(sampled > 1_000, "hardly a call was sampled: the scenario shows nothing");
}

async function checkAlert(run: ScenarioRun, { slack, store }: Production): Promise<void> {
  const alerts = (): number =>
    slack.messages.filter(
      (each) => each.text.includes("faithfulness fell") && JSON.stringify(each).includes(QUALITY_USE_CASE),
    ).length;
  await until("the fall is told", () => alerts() > 0, 90_000, 200).catch(() => undefined);
  await sleep(SETTLE_MS);
  run.requireEqual(alerts(), 1, "messages in Slack about the fall");
  const { incidents } = await store.numbers<"incidents">(
    `SELECT uniqExact(incident_id) AS incidents FROM plumbline_raw.incidents WHERE use_case = '${QUALITY_USE_CASE}'`,
  );
  run.count("incidents", incidents);
}
