/** Takes back versions whose guardrail regressed, and tells the incident why when it does not. */
import { encodeIncidentEvent, IncidentFold, INCIDENTS } from "@plumbline/alerts";
import type { Clock, EventLog } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { DAY_MS, type IncidentEvent } from "@plumbline/schemas";
import type { FleetSet, UseCases } from "../registry/read-answer.ts";
import type { RegistryApi } from "../registry/registry-api.ts";
import { decideRollback, type RollbackDecision, type RollbackLimits } from "./decide-rollback.ts";

interface RegressionWatchDeps {
  readonly log: Pick<EventLog, "append" | "read" | "watermarks">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: RollbackLimits;
}

export interface RegressionStatus {
  readonly use_case: string;
  readonly env: string;
  readonly prompt_version: string;
  readonly incident_id: string;
  /** `refused`: the registry did not take the command; `why` says what to do. */
  readonly doing: RollbackDecision["kind"] | "refused";
  readonly why: string;
}

export class RegressionWatch {
  readonly #deps: RegressionWatchDeps;
  readonly #incidents: IncidentFold;
  #status: readonly RegressionStatus[] = [];
  /** Sum of the revisions of the open incidents that were looked at. */
  #seen = -1;
  /** What open incidents are to be told, by their ids. */
  readonly #owed = new Map<string, { readonly event: IncidentEvent; readonly tenant: string }>();

  constructor(deps: RegressionWatchDeps) {
    this.#deps = deps;
    this.#incidents = new IncidentFold(deps.log);
  }

  get status(): readonly RegressionStatus[] {
    return this.#status;
  }

  /**
   * Tells incidents what they are owed, and folds what was appended.
   *
   * @returns whether an incident about quality changed
   * @throws LogError
   */
  async refresh(): Promise<boolean> {
    for (const [id, { event, tenant }] of this.#owed) {
      await this.#deps.log.append(INCIDENTS, [{ ...encodeIncidentEvent(event), headers: { tenant } }]);
      this.#owed.delete(id);
    }
    await this.#incidents.refresh();
    const seen = this.#incidents.open("quality").reduce((sum, { revision }) => sum + revision, 0);
    const isNews = seen !== this.#seen;
    this.#seen = seen;
    return isNews;
  }

  /**
   * Gives the commands that the incidents justify.
   *
   * @param tenant whose incidents they are
   * @throws RegistryAway
   */
  async act(
    { tenant, fleets, envs }: { readonly tenant: string; readonly fleets: FleetSet } & Pick<UseCases, "envs">,
    api: RegistryApi,
    signal: AbortSignal,
  ): Promise<void> {
    const { limits, clock } = this.#deps;
    const seen: RegressionStatus[] = [];
    /** Use cases and envs that were commanded in this look: what is live there is no longer what was read. */
    const moved = new Set<object>();
    for (const incident of this.#incidents.open("quality")) {
      const { use_case, env, candidate } = incident.detection;
      const found = envs.find((each) => each.use_case === use_case && each.env === env);
      if (incident.detection.tenant !== tenant || found === undefined || moved.has(found)) continue;
      const { view } = found;
      const paused = fleets.get(env)?.paused ?? null;
      const question = { incident, view, paused, limits, rollbacksToday: 0 };
      let decision = decideRollback(question);
      if (decision === null) continue;
      if (decision.kind !== "hold") {
        const since = clock.now() - DAY_MS;
        const rollbacksToday = await api.automaticRollbacks({ use_case, env, sinceMs: since }, signal);
        decision = decideRollback({ ...question, rollbacksToday }) ?? decision;
      }
      const about = {
        use_case,
        env,
        prompt_version: candidate.prompt_version,
        incident_id: incident.incident_id,
      };
      let refusal: string | null = null;
      if (decision.kind === "roll_back") {
        moved.add(found);
        const { why, incident: evidence } = decision;
        const command = {
          use_case,
          env,
          revision: view.revision,
          from: candidate.prompt_version,
          why,
          evidence,
        };
        refusal = await api.rollBack(command, signal);
      }
      const status = {
        ...about,
        doing: refusal === null ? decision.kind : "refused",
        why: refusal ?? decision.why,
      } as const;
      this.#report(status);
      seen.push(status);
      if (status.doing === "hold" || status.doing === "would_roll_back")
        this.#note(status, incident.policy, tenant);
    }
    this.#status = seen;
  }

  /** The incident is to say why its version stays. */
  #note(
    { doing, incident_id, why }: RegressionStatus,
    noted: { readonly did: string; readonly why: string } | null,
    tenant: string,
  ): void {
    const did = doing === "would_roll_back" ? doing : "holds";
    if (noted?.did === did && noted.why === why) return;
    const at = new Date(this.#deps.clock.now()).toISOString();
    this.#owed.set(incident_id, {
      event: { type: "policy_noted", incident_id, at, actor: "policy", did, why },
      tenant,
    });
  }

  #report(status: RegressionStatus): void {
    const before = this.#status.find((each) => each.incident_id === status.incident_id);
    if (before?.doing === status.doing && before.why === status.why) return;
    this.#deps.logger.warn({ ...status }, `policy.regression_${status.doing}`);
  }
}
