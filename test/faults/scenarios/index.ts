/** Every scenario, in the order of running: those that share a stack follow one another. */
import type { Scenario } from "../scenario.ts";
import { brokerRestarts } from "./broker-restarts.ts";
import { rebalanceStorm } from "./rebalance-storm.ts";
import { replays } from "./replays.ts";
import { alertKills } from "./alert-kills.ts";
import { localKills } from "./local-kills.ts";
import { lostAnswers } from "./lost-answers.ts";
import { serviceKills } from "./service-kills.ts";
import { storeOutage } from "./store-outage.ts";
import { zombieInserts } from "./zombie-inserts.ts";

export const SCENARIOS: readonly Scenario[] = [
  localKills,
  serviceKills,
  alertKills,
  storeOutage,
  lostAnswers,
  zombieInserts,
  brokerRestarts,
  rebalanceStorm,
  replays,
];
