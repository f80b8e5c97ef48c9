/** Every scenario, in the order of running: those that share a stack follow one another. */
import type { Scenario } from "../scenario.ts";
import { alertKills } from "./alert-kills.ts";
import { localKills } from "./local-kills.ts";
import { serviceKills } from "./service-kills.ts";

export const SCENARIOS: readonly Scenario[] = [localKills, serviceKills, alertKills];
