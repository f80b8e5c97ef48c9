/** What the policy service may do by itself, and how often. */
import type { ModelLimits } from "./models/decide-switch.ts";
import type { RollbackLimits } from "./regressions/decide-rollback.ts";

export interface AutomationLimits extends ModelLimits, RollbackLimits {}

export const DEFAULT_LIMITS: AutomationLimits = {
  rollbacks: "act",
  rollbacksPerDay: 2,
  models: "act",
  switchesPerDay: 6,
};
