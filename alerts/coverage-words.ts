/** What a coverage incident says, by what is not known. */
import {
  type Detection,
  JOB_RUNS_METRIC,
  KNOWN_USE_CASES_METRIC,
  KNOWN_VERSIONS_METRIC,
  USE_CASES_A_DAY_MAX,
  VERSIONS_A_DAY_MAX,
} from "@plumbline/schemas";
import { formatPercent } from "./quantity.ts";

/** One line of what is missing, for the title; null where the number says it. */
export function coverageTitle({ kind, metric, candidate, evidence }: Detection): string | null {
  if (kind !== "coverage") return null;
  if (metric === JOB_RUNS_METRIC) return `not looked at by ${jobNames(evidence).join(", ")}`;
  if (metric === KNOWN_USE_CASES_METRIC) return "calls have one use case too many";
  if (metric === KNOWN_VERSIONS_METRIC)
    return `${formatPercent(1 - candidate.mean)} of calls have one prompt version too many`;
  return null;
}

/** Why, as far as it is known. */
export function coverageCause({ metric, evidence }: Detection): string {
  if (metric === JOB_RUNS_METRIC) {
    const [first] = jobsOf(evidence);
    return `The monitor could not look: ${first?.error ?? "a job has not run"}. What is not looked at is not known to be good.`;
  }
  const apps = appNames(evidence);
  const who = apps.length === 0 ? "An application" : `App ${apps.join(", ")}`;
  if (metric === KNOWN_USE_CASES_METRIC)
    return `${who} sends more than ${USE_CASES_A_DAY_MAX} use cases a day, such as one with an id in its name; nothing is measured of the rest.`;
  if (metric === KNOWN_VERSIONS_METRIC) {
    return `${who} sends more than ${VERSIONS_A_DAY_MAX} prompt versions a day, such as the hash of the rendered prompt; the rest is not told apart.`;
  }
  return "Quality is unknown while calls are not judged: no data is not good data.";
}

/** What it asks people to do. */
export function coverageStep({ metric }: Detection): string {
  if (metric === JOB_RUNS_METRIC)
    return "Read the monitor's log and the store's; nothing is watched until then";
  if (metric === KNOWN_USE_CASES_METRIC)
    return "Send the name of the feature as use_case, and ids as attributes or conversation_id";
  if (metric === KNOWN_VERSIONS_METRIC)
    return "Send the version of the prompt's template, not a hash of the rendered prompt";
  return "Restore judging; quality is unknown until then";
}

function jobsOf(
  evidence: Detection["evidence"],
): readonly { readonly job: string; readonly error: string }[] {
  const { jobs } = evidence;
  if (!Array.isArray(jobs)) return [];
  return jobs.flatMap((each: unknown) =>
    typeof each === "object" && each !== null && "job" in each && "error" in each
      ? [{ job: String(each.job), error: String(each.error) }]
      : [],
  );
}

function jobNames(evidence: Detection["evidence"]): readonly string[] {
  const names = jobsOf(evidence).map(({ job }) => `job ${job}`);
  return names.length === 0 ? ["the monitor"] : names;
}

function appNames({ apps }: Detection["evidence"]): readonly string[] {
  return Array.isArray(apps) ? apps.map(String) : [];
}
