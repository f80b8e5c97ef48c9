/** Variables that look like the product's and are none: a slip of the finger would otherwise leave a default in force. */
import { closest, distance } from "fastest-levenshtein";
import { KNOWN_VARIABLES } from "./known-variables.ts";
import type { Environment } from "./read-settings.ts";
import { isSecretName } from "../secrets.ts";

/** Variables of earlier releases. Their values are not taken over where the unit has changed with the name. */
export const RENAMED: Readonly<Record<string, string>> = {
  PLUMBLINE_MONITOR_CRON: "PLUMBLINE_MONITOR_INTERVAL_SECONDS",
  PLUMBLINE_MONITOR_MEASURES_CRON: "PLUMBLINE_MONITOR_MEASURES_INTERVAL_SECONDS",
  PLUMBLINE_JUDGE_URL: "PLUMBLINE_JUDGE_BASE_URL",
};

interface UnknownVariable {
  readonly variable: string;
  /** What took its place; null when it never was a variable. */
  readonly replacement: string | null;
  /** The known name that looks most like it; null when none does. */
  readonly nearest: string | null;
}

/** Names further apart are two names, not one with a slip. Share of the longer one's characters. */
const SLIP_SHARE_MAX = 0.3;
const PREFIX = "PLUMBLINE_";
/** What a person chose stands in the place of `<NAME>`, such as a provider's. */
const CHOSEN = "<NAME>";
const names = new Set(KNOWN_VARIABLES.filter((name) => !name.includes(CHOSEN)));
const families = KNOWN_VARIABLES.filter((name) => name.includes(CHOSEN)).map((name) => {
  const [before = "", after = ""] = name.split(CHOSEN);
  return {
    is: new RegExp(`^${before}[A-Z0-9_]+${after}$`),
    /** The member that `variable` may have been meant to be. */
    memberFor: (variable: string) => {
      const [chosen = ""] = variable.slice(before.length).split("_");
      return variable.startsWith(before) && chosen !== "" ? [`${before}${chosen}${after}`] : [];
    },
  };
});

/**
 * findUnknown returns the `PLUMBLINE_*` variables that no process of the product reads, sorted. What another process
 * reads is known: people share one file among them.
 */
export function findUnknown(environment: Environment): readonly UnknownVariable[] {
  return Object.entries(environment)
    .filter(
      ([name, value]) => name.startsWith(PREFIX) && value !== undefined && value !== "" && !isKnown(name),
    )
    .map(([variable]) => {
      const replacement = Object.hasOwn(RENAMED, variable) ? RENAMED[variable]! : null;
      return { variable, replacement, nearest: replacement === null ? nearestOf(variable) : null };
    })
    .toSorted((a, b) => (a.variable < b.variable ? -1 : 1));
}

export function describeUnknown({ variable, replacement, nearest }: UnknownVariable): string {
  if (replacement !== null) return `${variable}: renamed, and not read any more; set ${replacement}`;
  const guess = nearest === null ? "nothing reads it" : `did you mean ${nearest}?`;
  return `${variable}: not a variable of Plumbline; ${guess}`;
}

function isKnown(name: string): boolean {
  const isListed = names.has(name) || families.some(({ is }) => is.test(name));
  if (isListed || !name.endsWith("_FILE")) return isListed;
  const secret = name.slice(0, -"_FILE".length);
  return isSecretName(secret) && isKnown(secret);
}

function nearestOf(given: string): string | null {
  // Only a secret may come as a file.
  const variable = given.replace(/_FILE$/, "");
  const nearest = closest(variable, [...names, ...families.flatMap(({ memberFor }) => memberFor(variable))]);
  const [own, known] = [variable.slice(PREFIX.length), nearest.slice(PREFIX.length)];
  return distance(own, known) <= SLIP_SHARE_MAX * Math.max(own.length, known.length) ? nearest : null;
}
