/** Switches models off for the fleet, and on again, by commands to the registry. */
import type { Clock, EventLog } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { DAY_MS, type FleetView, ModelName } from "@plumbline/schemas";
import type { FleetSet } from "../registry/read-answer.ts";
import type { RegistryApi } from "../registry/registry-api.ts";
import { decideSwitch, type ModelLimits, type SwitchDecision } from "./decide-switch.ts";
import { CallFollower } from "./follow-calls.ts";
import { ModelWindows } from "./model-windows.ts";

interface ModelWatchDeps {
  readonly log: Pick<EventLog, "read" | "watermarks">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: ModelLimits;
}

export interface ModelStatus {
  readonly env: string;
  readonly model: string;
  readonly is_off: boolean;
  /** `would`: it only tries itself out; `refused`: the registry did not take the command, `why` says what to do. */
  readonly doing: "hold" | "off" | "on" | "would_off" | "would_on" | "refused" | "paused";
  readonly why: string;
  readonly evidence: SwitchDecision["evidence"];
}

const NOBODY: Pick<FleetView, "revision" | "paused" | "models_off" | "changes"> = {
  revision: 0,
  paused: null,
  models_off: [],
  changes: [],
};

export class ModelWatch {
  readonly #deps: ModelWatchDeps;
  readonly #windows = new ModelWindows();
  readonly #calls: CallFollower;
  /** Since when each model is known to be off, by `Clock.monotonic`. */
  readonly #offSince = new Map<string, number>();
  #status: readonly ModelStatus[] = [];

  constructor(deps: ModelWatchDeps) {
    this.#deps = deps;
    this.#calls = new CallFollower({ log: deps.log, clock: deps.clock, windows: this.#windows });
  }

  get status(): readonly ModelStatus[] {
    return this.#status;
  }

  get counts(): CallFollower["counts"] {
    return this.#calls.counts;
  }

  /** Counts the calls that arrived. @throws LogError */
  async refresh(tenant: string): Promise<void> {
    if (this.#deps.limits.models !== "off") await this.#calls.refresh(tenant);
  }

  /** Whether something is to be commanded by what is known of the fleets. */
  isDue(fleets: FleetSet): boolean {
    return this.#questions(fleets).some(
      ({ decision, fleet }) => decision.kind !== "hold" && fleet.paused === null,
    );
  }

  /** Gives the commands that the counts justify. @throws RegistryAway */
  async act(fleets: FleetSet, api: RegistryApi, signal: AbortSignal): Promise<void> {
    const seen: ModelStatus[] = [];
    // A command raises the revision of its fleet: one a look, the others by the next.
    const moved = new Set<string>();
    for (const { env, model, decision, fleet, isOff } of this.#questions(fleets)) {
      const { kind, why, evidence } = decision;
      const about = { env, model, is_off: isOff, evidence };
      if (kind === "hold") seen.push({ ...about, doing: "hold", why });
      else if (fleet.paused !== null)
        seen.push({ ...about, doing: "paused", why: `${fleet.paused.actor} paused automation; ${why}` });
      else if (this.#deps.limits.models === "dry_run") seen.push({ ...about, doing: `would_${kind}`, why });
      else if (!moved.has(env)) {
        moved.add(env);
        const command = { env, model, state: kind, revision: fleet.revision, evidence, why };
        const refusal = await api.switchModel(command, signal);
        seen.push({ ...about, doing: refusal === null ? kind : "refused", why: refusal ?? why });
      }
    }
    for (const status of seen) this.#report(status);
    this.#status = seen;
  }

  #questions(fleets: FleetSet) {
    const { clock, limits } = this.#deps;
    if (limits.models === "off") return [];
    const now = clock.monotonic();
    const tried = this.#windows.models(now).filter(({ model }) => ModelName.safeParse(model).success);
    const off = [...fleets.values()].flatMap(({ env, models_off }) =>
      models_off.map(({ model }) => ({ env, model })),
    );
    this.#noteOff(off, now);
    const keys = new Map([...tried, ...off].map((each) => [keyOf(each.env, each.model), each]));
    return [...keys].map(([key, { env, model }]) => {
      const fleet = fleets.get(env) ?? NOBODY;
      const switchedOff = fleet.models_off.find((each) => each.model === model) ?? null;
      const decision = decideSwitch({
        tally: (spanMs) => this.#windows.read(env, model, spanMs, now),
        off: switchedOff,
        offForMs: now - (this.#offSince.get(key) ?? now),
        switchesToday: switchesOf(fleet, model, clock.now()),
        switchesMax: limits.switchesPerDay,
      });
      return { env, model, fleet, decision, isOff: switchedOff !== null };
    });
  }

  #noteOff(off: readonly { readonly env: string; readonly model: string }[], now: number): void {
    const keys = new Set(off.map(({ env, model }) => keyOf(env, model)));
    for (const key of keys) if (!this.#offSince.has(key)) this.#offSince.set(key, now);
    for (const key of this.#offSince.keys()) if (!keys.has(key)) this.#offSince.delete(key);
  }

  /** A line when something is done, and when something else is done than before. */
  #report(status: ModelStatus): void {
    const { env, model, doing, why, evidence } = status;
    const before = this.#status.find((each) => each.env === env && each.model === model);
    if (doing === "hold" || (before?.doing === doing && doing !== "off" && doing !== "on")) return;
    this.#deps.logger.warn({ env, model, why, evidence }, `policy.model_${doing}`);
  }
}

function keyOf(env: string, model: string): string {
  return JSON.stringify([env, model]);
}

/** How often it was switched off by itself within a day before `nowMs`. */
function switchesOf({ changes }: Pick<FleetView, "changes">, model: string, nowMs: number): number {
  return changes.filter(
    (change) =>
      change.model === model &&
      change.state === "off" &&
      change.is_automatic &&
      nowMs - Date.parse(change.at) < DAY_MS,
  ).length;
}
