/** What each process of the product reads from its environment: for `plumbline config` and the reference page. */
import { readSettings, type Environment, type Setting } from "@plumbline/runtime/variables/read-settings";
import { z } from "zod";
import { CollectorConfig } from "../collector/config.ts";
import { JudgeProcessConfig } from "../judge/config.ts";
import { MigrateConfig } from "../migrate/config.ts";
import { MonitorProcessConfig } from "../monitor/config.ts";
import { NotifierConfig } from "../notifier/config.ts";
import { PolicyConfig } from "../policy/config.ts";
import { RegistryConfig } from "../registry/config.ts";
import { WriterProcessConfig } from "../writer/config.ts";
import { LocalConfig } from "./config.ts";
import { findUnread } from "./unread-variables.ts";
import { flagsGiven, flagValues, LocalFlagsConfig, readFlags } from "./flags.ts";

/** In the order in which a call and then a prompt pass through them; local mode is all of them in one. */
export const PROCESS_CONFIGS = {
  local: z.object({ ...LocalConfig.shape, ...LocalFlagsConfig.shape }),
  collector: CollectorConfig,
  writer: WriterProcessConfig,
  judge: JudgeProcessConfig,
  monitor: MonitorProcessConfig,
  notifier: NotifierConfig,
  registry: RegistryConfig,
  policy: PolicyConfig,
  migrate: MigrateConfig,
} as const satisfies Readonly<Record<string, z.ZodObject>>;
export type ProcessName = keyof typeof PROCESS_CONFIGS;

interface ProcessSettings {
  readonly settings: readonly Setting[];
  readonly problems: readonly string[];
}

/**
 * settingsOf returns what a process would run with, started in this environment.
 *
 * @param flags taken by local mode only
 * @throws UsageError for a flag that local mode does not take
 */
export function settingsOf(
  name: ProcessName,
  environment: Environment,
  flags: readonly string[],
): ProcessSettings {
  if (name !== "local") return readSettings(PROCESS_CONFIGS[name], environment);
  const given = flagsGiven(flags);
  const beside = Object.entries(environment).filter(([variable]) => !given.has(variable));
  const { settings, problems: ofSettings } = readSettings(PROCESS_CONFIGS.local, Object.fromEntries(beside));
  const problems = [...ofSettings, ...findUnread(environment, PROCESS_CONFIGS).problems];
  if (problems.length > 0) return { settings, problems };
  const values: Readonly<Record<string, string>> = flagValues(readFlags(flags, environment));
  return {
    problems,
    settings: settings.map((setting): Setting => {
      const value = values[setting.variable] ?? setting.value;
      const flag = given.get(setting.variable);
      return flag === undefined ? { ...setting, value } : { ...setting, value, source: "flag", from: flag };
    }),
  };
}
