/**
 * The loop, closed: a prompt goes through the registry to an application, its edit loses the figures, people label some
 * answers, the monitor finds it, the policy service takes it back, the application switches, and quality recovers.
 *
 * Nothing is told to anybody beside the front doors: commands and labels over HTTP, calls through the client.
 */
import { isOpen, type IncidentState } from "@plumbline/alerts";
import {
  CALLS_PER_DAY,
  CALLS_PER_LOOK,
  DAYS_OF_V1,
  DAYS_OF_V2,
  type DemoProgress,
  type DeskOptions,
  type JudgedCalls,
  paceOf,
  promote,
  registerPrompts,
  SupportDesk,
} from "./support-desk.ts";

interface LoopOptions extends Omit<DeskOptions, "timeOf"> {
  /** The incident about the bad version; null while there is none. */
  readonly incident: () => Promise<IncidentState | null>;
  readonly judged: JudgedCalls;
  readonly onProgress: (progress: DemoProgress<"v1" | "v2" | "back">) => void;
}

interface LoopPlay {
  readonly calls: number;
  readonly labels: number;
  /** The version that lost the figures. */
  readonly bad: string;
  /** Newest state of the incident; null when none stood in time. */
  readonly incident: IncidentState | null;
}

/** From block to block while the monitor has to keep up, ms: it looks every few seconds. */
const BLOCK_PAUSE_MS = 1_000;

export async function closeTheLoop(options: LoopOptions): Promise<LoopPlay> {
  const { clock, signal, onProgress, incident, judged, registryUrl } = options;
  const versions = await registerPrompts(registryUrl);
  await promote(registryUrl, versions.v1, 0, "it served before there was a registry");
  const desk = new SupportDesk({ ...options, timeOf: paceOf(clock, DAYS_OF_V1 + DAYS_OF_V2) }, versions);
  let state: IncidentState | null = null;
  try {
    await desk.serves(versions.v1);
    await desk.play(DAYS_OF_V1 * CALLS_PER_DAY, "v1", onProgress);
    await desk.label(versions.v1, judged);
    await promote(registryUrl, versions.v2, 1, "one more sentence, nobody expects a difference");
    await desk.serves(versions.v2);
    while (desk.callsLeft > 0 && !signal.aborted) {
      const isBack = desk.version === versions.v1;
      await desk.play(CALLS_PER_LOOK, isBack ? "back" : "v2", onProgress);
      if (!isBack) await desk.label(versions.v2, judged);
      await clock.sleep(BLOCK_PAUSE_MS, signal);
      state = await incident();
      if (state !== null && !isOpen(state)) break;
    }
  } finally {
    await desk.close();
  }
  return { calls: desk.calls, labels: desk.labels, bad: versions.v2, incident: await incident() };
}
