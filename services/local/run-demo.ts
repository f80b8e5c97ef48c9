/** The demo as people see it: a progress bar, the alert, what ends it, and with `--json` one line for machines. */
import { styleText } from "node:util";
import { IncidentFold, isOpen, type IncidentState } from "@plumbline/alerts";
import type { Clock, EventLog } from "@plumbline/ports";
import type { Environment } from "@plumbline/runtime/variables/read-settings";
import { counted, DAY_MS } from "@plumbline/schemas";
import type { LocalMode } from "./compose.ts";
import { Demo } from "./demo.ts";
import type { Flags } from "./flags.ts";
import { runPrintedCommand } from "./run-printed-command.ts";

const BAR_WIDTH = 40;
/** Between two looks at what a person did, ms. */
const LOOK_MS = 1_000;

export interface RunDemoOptions {
  readonly local: LocalMode;
  readonly urls: Awaited<LocalMode["urls"]>;
  readonly flags: Flags;
  /** For the commands that the demo runs. */
  readonly environment: Environment;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** @returns whether the alert stood in the inbox in time and, where it was to be, was resolved */
export async function runDemo(options: RunDemoOptions): Promise<boolean> {
  const { local, urls, flags, clock, signal } = options;
  const started = clock.monotonic();
  const since = (): number => Math.round((clock.monotonic() - started) / 100) / 10;
  process.stderr.write(
    `Playing the incident: two weeks of a summarisation prompt, then its edit "be extra careful with financial information".\n`,
  );
  const demo = await Demo.open({
    collectorUrl: urls.collector,
    registryUrl: urls.registry,
    clock,
    signal,
    incident: () => qualityIncident(local.log),
    hasAlert: async () => {
      const incident = await qualityIncident(local.log);
      return incident !== null && messageOf(incident, local) !== undefined;
    },
    unjudged: async () => (await coverage(local, clock)).unjudged,
    onProgress: createProgressBar({
      v1: "v1 serves",
      v2: "v2 serves, waiting for the alert",
      back: "v1 serves again, waiting for proof",
    }),
  });
  try {
    await demo.playUntilAlert();
    const alert_s = since();
    if (process.stderr.isTTY) process.stderr.write("\n");
    const incident = await qualityIncident(local.log);
    const { judged } = await coverage(local, clock);
    if (flags.json && !flags.untilResolved) {
      const shown = { seconds: alert_s, calls: demo.calls, judged, incident: describe(incident, local) };
      process.stdout.write(`${JSON.stringify(shown)}\n`);
    }
    if (!demo.alerted || incident === null) {
      if (!signal.aborted)
        process.stderr.write(
          `No alert after ${counted(demo.calls, "call")} and ${alert_s} s: this is a defect, please report it.\n`,
        );
      return false;
    }
    process.stderr.write(
      `\n${messageOf(incident, local)?.preview ?? ""}\n\nAfter ${alert_s} s, ${counted(demo.calls, "call")}, ${judged} of them judged; every call had status ok.\n${where(urls, flags, commandOf(incident, local))}\n`,
    );
    if (flags.untilResolved) return await resolve(demo, incident, { ...options, alert_s, since });
    if (!flags.untilAlert) await waitForPeople(demo, options);
    return true;
  } finally {
    await demo.close();
  }
}

/** Acknowledges the alert, gives the command that it prints, and waits until the numbers are back. */
async function resolve(
  demo: Demo,
  incident: IncidentState,
  {
    local,
    urls,
    flags,
    environment: own,
    signal,
    alert_s,
    since,
  }: RunDemoOptions & { readonly alert_s: number; readonly since: () => number },
): Promise<boolean> {
  const environment = { ...own, PLUMBLINE_REGISTRY_URL: urls.registry, PLUMBLINE_SQL_URL: urls.sql };
  const give = async (command: string, more: readonly string[]): Promise<number> => {
    process.stderr.write(`$ ${command}\n`);
    const { code, stdout, stderr } = await runPrintedCommand(command, more, environment, signal);
    process.stderr.write(`${stdout}${code === 0 ? "" : stderr}`);
    if (code !== 0) throw new Error(`the command ended with exit code ${code}`);
    return since();
  };
  const times = { alert_s, acknowledged_s: 0, rolled_back_s: 0, switched_s: 0, resolved_s: 0 };
  times.acknowledged_s = await give(`plumbline incidents ack ${incident.incident_id}`, []);
  const command = commandOf(incident, local);
  if (command === null) throw new Error("the alert prints no command that rolls back");
  let isGiven = false;
  // Nobody is there to answer its question; and it would wait for the calls of the application, which go on meanwhile.
  const given = give(command, ["--yes", "--no-wait"]).then((seconds) => {
    times.rolled_back_s = seconds;
  });
  const ended = given.finally(() => {
    isGiven = true;
  });
  ended.catch(() => undefined);
  await demo.goOn(() => isGiven || demo.isBack);
  await ended;
  await demo.goOn(() => demo.isBack);
  times.switched_s = since();
  const isResolved = await demo.playUntilResolved();
  const end = await qualityIncident(local.log);
  const message = end === null ? undefined : messageOf(end, local);
  times.resolved_s = since();
  if (flags.json) {
    const state = end?.state ?? null;
    process.stdout.write(`${JSON.stringify({ seconds: since(), ...times, state })}\n`);
  }
  if (process.stderr.isTTY) process.stderr.write("\n");
  process.stderr.write(
    isResolved
      ? `${message?.preview ?? ""}\nThe alert stood after ${alert_s} s, was acknowledged after ${times.acknowledged_s} s and rolled back after ${times.rolled_back_s} s; the application switched after ${times.switched_s} s, and the alert was resolved after ${times.resolved_s} s.\n`
      : `The alert is ${end?.state ?? "gone"} after ${since()} s, and was to be resolved: this is a defect, please report it.\n`,
  );
  return isResolved && end?.state === "resolved";
}

/** The application goes on. Once somebody took the version back, its calls show whether that helped. */
async function waitForPeople(demo: Demo, { local, clock, signal }: RunDemoOptions): Promise<void> {
  let isOver = false;
  const look = async (): Promise<void> => {
    while (!isOver && !signal.aborted) {
      await clock.sleep(LOOK_MS, signal);
      const incident = await qualityIncident(local.log);
      isOver = incident !== null && !isOpen(incident);
    }
  };
  const looking = look();
  await demo.goOn(() => isOver || demo.isBack);
  if (demo.isBack && !signal.aborted) {
    const isResolved = await demo.playUntilResolved();
    const incident = await qualityIncident(local.log);
    if (isResolved && incident !== null)
      process.stderr.write(`\n${messageOf(incident, local)?.preview ?? ""}\n`);
  }
  isOver = true;
  await looking;
}

/** A link is printed for as long as something answers at it. */
function where(
  urls: RunDemoOptions["urls"],
  { untilAlert, untilResolved }: Flags,
  command: string | null,
): string {
  if (untilAlert)
    return "This play ends here, its inbox page and its data with it; without --until-alert both stay until Ctrl-C.";
  if (untilResolved) return "";
  const inTerminal =
    command === null ? "" : ` Or, in another terminal:\n  ${asTyped(command, urls.registry)}`;
  return `The alert: ${styleText("bold", urls.inbox)}\nRoll back there: the link above signs you in.${inTerminal}\nPlumbline keeps serving; stop it with Ctrl-C.`;
}

/** The command as it runs in this folder. */
function asTyped(command: string, registryUrl: string): string {
  return `${command.replace(/^(?:npx @plumbline\/cli|plumbline) /, "npm run -s plumbline -- ")} --registry ${registryUrl}`;
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

/** The command line of the alert that rolls back; null when it prints none. */
function commandOf(incident: IncidentState, local: LocalMode): string | null {
  return messageOf(incident, local)?.command ?? null;
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
