/** Every scenario, in the order of running: those that share a stack follow one another. */
import type { Scenario } from "../scenario.ts";
import { alertKills } from "./alert-kills.ts";
import { brokerRestarts } from "./broker-restarts.ts";
import { damagedPart } from "./damaged-part.ts";
import { diskFull } from "./disk-full.ts";
import { emitterKills } from "./emitter-kills.ts";
import { engineKills } from "./engine-kills.ts";
import { hostileInput } from "./hostile-input.ts";
import { localKills } from "./local-kills.ts";
import { lostAnswers } from "./lost-answers.ts";
import { lyingJudge } from "./lying-judge.ts";
import { orphanedInserts } from "./orphaned-inserts.ts";
import { powerCut } from "./power-cut.ts";
import { rebalanceStorm } from "./rebalance-storm.ts";
import { replays } from "./replays.ts";
import { retention } from "./retention.ts";
import { serviceKills } from "./service-kills.ts";
import { slackTrouble } from "./slack-trouble.ts";
import { storeOutage } from "./store-outage.ts";
import { unsyncedWrites } from "./unsynced-writes.ts";
import { zombieInserts } from "./zombie-inserts.ts";

export const SCENARIOS: readonly Scenario[] = [
  localKills,
  diskFull,
  powerCut,
  unsyncedWrites,
  damagedPart,
  // Reads the whole log of production, and so goes first.
  serviceKills,
  alertKills,
  lyingJudge,
  slackTrouble,
  storeOutage,
  lostAnswers,
  orphanedInserts,
  zombieInserts,
  brokerRestarts,
  rebalanceStorm,
  replays,
  hostileInput,
  emitterKills,
  retention,
  engineKills,
];
