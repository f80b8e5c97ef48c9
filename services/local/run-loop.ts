/** The closed loop as people see it: a progress bar, the steps with their times from stored rows, one line for machines. */
import { readFileSync } from "node:fs";
import { isOpen, type IncidentState } from "@plumbline/alerts";
import type { Clock } from "@plumbline/ports";
import { counted, DAY_MS } from "@plumbline/schemas";
import { z } from "zod";
import { closeTheLoop } from "./close-the-loop.ts";
import { USE_CASE } from "./support-desk.ts";
import { coverage, createProgressBar, qualityIncident, type RunDemoOptions } from "./run-demo.ts";

const STATEMENT = new URL("sql/loop_steps.sql", import.meta.url);
/** Longest wait until what happened is stored, ms. */
const STORED_WAIT_MS = 30_000;

/** ms since the epoch; 0 while it is not stored. */
const Steps = z.object({
  began_ms: z.number(),
  detected_ms: z.number(),
  rolled_back_ms: z.number(),
  switched_ms: z.number(),
  recovered_ms: z.number(),
});
type Steps = z.output<typeof Steps>;

/** @returns whether quality recovered in time, by a rollback that nobody asked for */
export async function runLoop({ local, urls, flags, clock, signal }: RunDemoOptions): Promise<boolean> {
  const started = clock.monotonic();
  process.stderr.write(
    `Closing the loop: two weeks of a summarisation prompt, its edit "be extra careful with financial information", and back without a person.\n`,
  );
  const judged = (): ReturnType<typeof local.store.judgedUnits> => {
    const window = { start: iso(clock.now() - 40 * DAY_MS), end: iso(clock.now() + DAY_MS) };
    return local.store.judgedUnits(window);
  };
  const { calls, labels, bad, incident } = await closeTheLoop({
    collectorUrl: urls.collector,
    registryUrl: urls.registry,
    clock,
    signal,
    incident: () => qualityIncident(local.log),
    unjudged: async () => (await coverage(local, clock)).unjudged,
    judged,
    onProgress: createProgressBar({
      v1: "v1 serves",
      v2: "v2 serves, nobody has noticed",
      back: "v1 serves again, waiting for proof",
    }),
  });
  const seconds = round((clock.monotonic() - started) / 1_000);
  const steps = incident === null ? null : await readSteps(urls.sql, bad, incident, clock, signal);
  const isClosed = incident !== null && isClosedBy(incident) && steps !== null && steps.recovered_ms > 0;
  const times = steps === null ? null : timesOf(steps);
  if (process.stderr.isTTY) process.stderr.write("\n");
  if (flags.json) {
    const shown = { seconds, calls, labels, ...(times ?? NOTHING), state: incident?.state ?? null };
    process.stdout.write(`${JSON.stringify(shown)}\n`);
  }
  if (isClosed && times !== null) {
    process.stderr.write(
      `\nSince the first call of the bad version was stored: detected after ${times.detected_s} s, rolled back after ${times.rolled_back_s} s, the application switched after ${times.switched_s} s, recovered after ${times.recovered_s} s. ${counted(calls, "call")}, ${counted(labels, "label")}, nobody was asked.\n`,
    );
  } else if (!signal.aborted) {
    const stands = incident === null ? "no incident" : `the incident is ${incident.state}`;
    process.stderr.write(
      `The loop is not closed after ${counted(calls, "call")} and ${seconds} s (${stands}): this is a defect, please report it.\n`,
    );
  }
  return isClosed;
}

const NOTHING = { detected_s: null, rolled_back_s: null, switched_s: null, recovered_s: null };

/** Resolved, after a rollback that the incident itself justified. */
function isClosedBy(incident: IncidentState): boolean {
  return !isOpen(incident) && incident.rolled_back?.because_of?.incident_id === incident.incident_id;
}

/** Seconds since the first call of the bad version arrived; null for what is not stored. */
function timesOf({ began_ms, ...steps }: Steps) {
  const since = (ms: number): number | null => (ms === 0 ? null : round((ms - began_ms) / 1_000));
  return {
    detected_s: since(steps.detected_ms),
    rolled_back_s: since(steps.rolled_back_ms),
    switched_s: since(steps.switched_ms),
    recovered_s: since(steps.recovered_ms),
  };
}

/** Waits until the writer has stored all of it. */
async function readSteps(
  sqlUrl: string,
  bad: string,
  { incident_id }: IncidentState,
  clock: Clock,
  signal: AbortSignal,
): Promise<Steps> {
  const until = clock.monotonic() + STORED_WAIT_MS;
  for (;;) {
    const steps = await askSteps(sqlUrl, { use_case: USE_CASE, bad, incident_id });
    const isWhole = Object.values(steps).every((ms) => ms > 0);
    if (isWhole || signal.aborted || clock.monotonic() > until) return steps;
    await clock.sleep(200, signal);
  }
}

async function askSteps(sqlUrl: string, parameters: Readonly<Record<string, string>>): Promise<Steps> {
  const search = new URLSearchParams({ default_format: "JSONEachRow" });
  for (const [name, value] of Object.entries(parameters)) search.set(`param_${name}`, value);
  const response = await fetch(`${sqlUrl}/?${search.toString()}`, {
    method: "POST",
    body: readFileSync(STATEMENT, "utf8"),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`the times of the steps can't be read: ${text}`);
  return Steps.parse(JSON.parse(text));
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function round(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
