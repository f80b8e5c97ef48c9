/** Takes each rollout to its next share when the monitor has cleared the step, and back when its version has regressed. */
import type { Clock } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { nextCommand, type Next } from "./next-command.ts";
import type { FleetSet, UseCases } from "../registry/read-answer.ts";
import type { RegistryApi } from "../registry/registry-api.ts";

/** A rollout as it stands. */
export interface RolloutStatus extends Pick<Next, "prompt_version" | "step" | "share" | "why" | "decision"> {
  readonly use_case: string;
  readonly env: string;
  /** `refused`: the registry did not take the command; `why` says what to do. */
  readonly doing: Next["kind"] | "refused";
}

export class RolloutControl {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #status: readonly RolloutStatus[] = [];
  #unreadable: readonly string[] = [];

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Every rollout of the last look. */
  get status(): readonly RolloutStatus[] {
    return this.#status;
  }

  /** What the last look could not read, as the registry may be newer. */
  get unreadable(): readonly string[] {
    return this.#unreadable;
  }

  /** @param fleets null where the registry knows none, and so no pause @throws RegistryAway */
  async act(
    { envs, unreadable }: UseCases,
    fleets: FleetSet | null,
    api: RegistryApi,
    signal: AbortSignal,
  ): Promise<void> {
    for (const each of unreadable)
      if (!this.#unreadable.includes(each)) this.#logger.warn({ what: each }, "policy.unreadable");
    this.#unreadable = unreadable;
    const seen: RolloutStatus[] = [];
    for (const { use_case, env, view } of envs) {
      const next = nextCommand(view, fleets?.get(env)?.paused ?? null, this.#clock.now());
      if (next === null) continue;
      const { kind, prompt_version, step, share, why, decision } = next;
      const command = { use_case, env, revision: view.revision, next };
      const refusal = kind === "hold" ? null : await api.give(command, signal);
      const about = { use_case, env, prompt_version, step, share, decision };
      const status: RolloutStatus =
        refusal === null ? { ...about, doing: kind, why } : { ...about, doing: "refused", why: refusal };
      seen.push(status);
      this.#report(status);
    }
    this.#status = seen;
  }

  /** A line when something is done, and when something else is waited for than before. */
  #report(status: RolloutStatus): void {
    const { use_case, env, prompt_version, share, doing, why, decision } = status;
    const before = this.#status.find((each) => each.use_case === use_case && each.env === env);
    const isOld =
      before?.doing === doing &&
      before.prompt_version === prompt_version &&
      before.share === share &&
      before.decision?.waits_for === decision?.waits_for;
    if (isOld && (doing === "hold" || doing === "refused")) return;
    const line = { use_case, env, prompt_version, share, why, decision: decision?.state ?? null };
    if (doing === "refused" || doing === "roll_back") this.#logger.warn(line, `policy.${doing}`);
    else this.#logger.info(line, `policy.${doing}`);
  }
}
