/** The demo as people see it: a progress bar, the alert, and with `--json` one line for machines. */
import { styleText } from "node:util";
import { IncidentFold, type IncidentState } from "@plumbline/alerts";
import type { Clock, EventLog } from "@plumbline/ports";
import { counted, DAY_MS } from "@plumbline/schemas";
import type { LocalMode } from "./compose.ts";
import { playIncident } from "./demo.ts";
import type { Flags } from "./flags.ts";

const BAR_WIDTH = 40;

export interface RunDemoOptions {
  readonly local: LocalMode;
  readonly urls: Awaited<LocalMode["urls"]>;
  readonly flags: Flags;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** @returns whether the alert stood in the inbox in time */
export async function runDemo({ local, urls, flags, clock, signal }: RunDemoOptions): Promise<boolean> {
  const started = performance.now();
  process.stderr.write(
    `Playing the incident: two weeks of a summarisation prompt, then its edit "be extra careful with financial information".\n`,
  );
  const { calls, alerted } = await playIncident({
    collectorUrl: urls.collector,
    clock,
    signal,
    hasAlert: async () => {
      const incident = await qualityIncident(local.log);
      return incident !== null && messageOf(incident, local) !== undefined;
    },
    unjudged: async () => (await coverage(local, clock)).unjudged,
    onProgress: createProgressBar({ v1: "v1 serves", v2: "v2 serves, waiting for the alert" }),
  });
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  if (process.stderr.isTTY) process.stderr.write("\n");
  const incident = await qualityIncident(local.log);
  const { judged } = await coverage(local, clock);

  if (flags.json)
    process.stdout.write(
      `${JSON.stringify({ seconds, calls, judged, incident: describe(incident, local) })}\n`,
    );
  if (!alerted || incident === null) {
    if (!signal.aborted)
      process.stderr.write(
        `No alert after ${counted(calls, "call")} and ${seconds} s: this is a defect, please report it.\n`,
      );
    return false;
  }
  process.stderr.write(
    `\n${messageOf(incident, local)?.preview ?? ""}\n\nAfter ${seconds} s, ${counted(calls, "call")}, ${judged} of them judged; every call had status ok.\n${where(urls, flags)}\n`,
  );
  return true;
}

/** A link is printed for as long as something answers at it. */
function where(urls: RunDemoOptions["urls"], { untilAlert }: Flags): string {
  return untilAlert
    ? "This play ends here, its inbox page and its data with it; without --until-alert both stay until Ctrl-C."
    : `The alert: ${styleText("bold", urls.inbox)}\nPlumbline keeps serving; stop it with Ctrl-C.`;
}

/** @param words what is going on, by phase */
export function createProgressBar<Phase extends string>(
  words: Readonly<Record<Phase, string>>,
): (progress: { readonly phase: Phase; readonly share: number; readonly calls: number }) => void {
  let printedTenth = -1;
  return ({ phase, share, calls }) => {
    const what = words[phase];
    if (process.stderr.isTTY) {
      const filled = Math.round(share * BAR_WIDTH);
      process.stderr.write(
        `\r${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} ${counted(calls, "call")}, ${what}   `,
      );
      return;
    }
    const tenth = Math.floor(share * 10);
    if (tenth === printedTenth) return;
    printedTenth = tenth;
    process.stderr.write(`${tenth * 10}%: ${counted(calls, "call")}, ${what}\n`);
  };
}

/** Sampled calls that have a verdict, and those that have none yet. */
export async function coverage(
  { store }: LocalMode,
  clock: Clock,
): Promise<{ judged: number; unjudged: number }> {
  const end = new Date(clock.now() + DAY_MS).toISOString();
  const start = new Date(clock.now() - 40 * DAY_MS).toISOString();
  const hours = await store.coverageByHour({ start, end });
  let sampled = 0;
  let judged = 0;
  for (const hour of hours) {
    sampled += hour.sampled;
    judged += hour.scored + hour.cannot_judge + hour.failed + hour.expired + hour.over_budget;
  }
  return { judged, unjudged: sampled - judged };
}

/** The newest state of the first incident about quality. */
export async function qualityIncident(log: EventLog): Promise<IncidentState | null> {
  const fold = new IncidentFold(log);
  await fold.refresh();
  return [...fold.states.values()].find(({ detection }) => detection.kind === "quality") ?? null;
}

function messageOf({ incident_id }: IncidentState, { inbox }: LocalMode) {
  return inbox.messages(null).find((each) => each.message.incident_id === incident_id)?.message;
}

function describe(incident: IncidentState | null, local: LocalMode): object | null {
  if (incident === null) return null;
  const { use_case, candidate, incumbent, effect, interval } = incident.detection;
  return {
    use_case,
    candidate: candidate.prompt_version,
    incumbent: incumbent?.prompt_version ?? null,
    effect,
    interval,
    units: candidate.units,
    message:
      local.inbox.messages(null).find((each) => each.message.incident_id === incident.incident_id)?.message
        .preview ?? null,
  };
}
