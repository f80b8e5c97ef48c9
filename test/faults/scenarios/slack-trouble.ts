import { setTimeout as sleep } from "node:timers/promises";
import type { FakeSlackFault } from "../../fake-slack.ts";
import { untilStill } from "../processes/process.ts";
import { withServices } from "../processes/with-services.ts";
import type { Scenario } from "../scenario.ts";
import { reasonsInHistory, startCommanders } from "../senders/commander.ts";

const USE_CASE = "oracle-slack";

const OUTAGES: readonly FakeSlackFault[] = [
  { kind: "rate_limited", retry_after_s: 1 },
  { kind: "http", status: 503 },
  { kind: "reset" },
  { kind: "error", error: "token_revoked" },
];

export const slackTrouble: Scenario = {
  faults: "F20",
  name: "slack-trouble",
  runsOn: "production",
  injects:
    "Slack answers 429, 503, with a reset, with a revoked token, and loses answers to posts that took effect",
  holds: "every incident is told once when Slack is back, in one message",
  isInShortForm: false,
  async run(run) {
    const production = await run.production();
    const { slack, urls } = production;
    const reasons: string[] = [];
    const told = (): number =>
      slack.messages.filter((each) => reasons.some((reason) => JSON.stringify(each).includes(reason))).length;
    await withServices(run, production, ["registry", "notifier"], async ({ notifier }) => {
      const commanders = await startCommanders(USE_CASE, [urls.registry]);
      for (const outage of OUTAGES) {
        slack.failAll(outage);
        await sleep(run.size(12_000, 3_000));
        slack.failAll(null);
        slack.fail("chat.postMessage", { kind: "lost_answer" });
        await sleep(run.size(6_000, 3_000));
      }
      await commanders.stop();
      run.require(notifier.isAlive(), "the notifier ended");
      reasons.push(...(await reasonsInHistory(urls.registry, USE_CASE)));
    });
    // Who gives it a new token starts it anew; left alone it would try a refusal again after minutes.
    await withServices(run, production, ["registry", "notifier"], async () => {
      await untilStill(told, reasons.length);
      run.count("incidents", reasons.length);
      run.requireEqual(told(), reasons.length, "messages in Slack against incidents");
      run.require(reasons.length > 3, "hardly an incident: the scenario shows nothing");
    });
  },
};
