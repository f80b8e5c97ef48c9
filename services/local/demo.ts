/**
 * Plays the incident that Plumbline exists to prevent, on real texts and through the front door.
 *
 * A support team adds "be extra careful with financial information" to a summarisation prompt. Summaries of
 * inputs that mention money lose their figures; every call still succeeds. Two weeks of v1 go through the real client
 * over HTTP at accelerated time, then v2 as fast as it can, now, until the alert stands in the inbox. Somebody takes v2
 * back, the client switches, and the calls of v1 show that quality is back.
 */
import { isOpen, type IncidentState } from "@plumbline/alerts";
import {
  CALLS_PER_DAY,
  CALLS_PER_LOOK,
  DAYS_OF_V1,
  DAYS_OF_V2,
  type DemoProgress,
  type DeskOptions,
  paceOf,
  promote,
  registerPrompts,
  SupportDesk,
  type Versions,
} from "./support-desk.ts";

interface DemoOptions extends Omit<DeskOptions, "timeOf"> {
  /** Whether the alert stands in the inbox; asked between blocks of calls. */
  readonly hasAlert: () => Promise<boolean>;
  /** The incident about the bad version; null while there is none. */
  readonly incident: () => Promise<IncidentState | null>;
  readonly onProgress: (progress: DemoProgress<"v1" | "v2" | "back">) => void;
}

/** Calls between two looks while a person decides: an application goes on. */
const IDLE_CALLS = 5;
const LOOK_MS = 1_000;
/** Longest wait for the last verdicts and the monitor's next look, ms. */
const ALERT_WAIT_MS = 20_000;
/** Longest wait for the proof that quality is back, ms. */
const RECOVERY_WAIT_MS = 120_000;

export class Demo {
  /** Whether the alert stood before v2 ran out. */
  alerted = false;
  readonly #options: DemoOptions;
  readonly #versions: Versions;
  readonly #desk: SupportDesk;

  private constructor(options: DemoOptions, versions: Versions) {
    this.#options = options;
    this.#versions = versions;
    // Two weeks end when v2 begins; from then on it is now.
    this.#desk = new SupportDesk({ ...options, timeOf: paceOf(options.clock, DAYS_OF_V1) }, versions);
  }

  /** Registers both prompts, and puts the first one live. */
  static async open(options: DemoOptions): Promise<Demo> {
    const versions = await registerPrompts(options.registryUrl);
    await promote(options.registryUrl, versions.v1, 0, "it served before there was a registry");
    return new Demo(options, versions);
  }

  get calls(): number {
    return this.#desk.calls;
  }

  /** Whether the application is back on the version before. */
  get isBack(): boolean {
    return this.#desk.version === this.#versions.v1;
  }

  async playUntilAlert(): Promise<void> {
    const { clock, signal, registryUrl, onProgress, hasAlert } = this.#options;
    const desk = this.#desk;
    await desk.serves(this.#versions.v1);
    await desk.play(DAYS_OF_V1 * CALLS_PER_DAY, "v1", onProgress);
    await promote(registryUrl, this.#versions.v2, 1, "one more sentence, nobody expects a difference");
    await desk.serves(this.#versions.v2);
    const last = desk.calls + DAYS_OF_V2 * CALLS_PER_DAY;
    while (desk.calls < last && !this.alerted && !signal.aborted) {
      await desk.play(CALLS_PER_LOOK, "v2", onProgress);
      this.alerted = await hasAlert();
    }
    await desk.flush();
    const until = clock.monotonic() + ALERT_WAIT_MS;
    while (!this.alerted && !signal.aborted && clock.monotonic() < until) {
      await clock.sleep(LOOK_MS / 2, signal);
      this.alerted = await hasAlert();
    }
  }

  /** The application goes on while people decide. @param until when nobody waits any more */
  async goOn(until: () => boolean): Promise<void> {
    const { clock, signal } = this.#options;
    while (!until() && !signal.aborted) {
      await this.#desk.idle(IDLE_CALLS);
      await clock.sleep(LOOK_MS / IDLE_CALLS, signal);
    }
  }

  /** Calls of the version before, until the incident is over. @returns whether it is, in time */
  async playUntilResolved(): Promise<boolean> {
    const { clock, signal, onProgress, incident } = this.#options;
    const until = clock.monotonic() + RECOVERY_WAIT_MS;
    while (clock.monotonic() < until && !signal.aborted) {
      await this.#desk.play(CALLS_PER_LOOK, "back", onProgress);
      await clock.sleep(LOOK_MS, signal);
      const state = await incident();
      if (state !== null && !isOpen(state)) return true;
    }
    return false;
  }

  async close(): Promise<void> {
    await this.#desk.close();
  }
}
