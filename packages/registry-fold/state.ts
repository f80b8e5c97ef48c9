/**
 * What the registry knows: everything of it is folded from the registry topic, and nothing else.
 *
 * *Live* is what clients get. Its pointer is a stack: the top serves everybody, those below were good before it. A
 * *canary* serves a share of the conversations beside the top until it is promoted wholly or rolled back.
 */
import type {
  CanaryDecision,
  DrillReport,
  FleetChangeView,
  GateOutcome,
  LiveArm,
  ModelEvidence,
  PolicyDocument,
  PromptDocumentBody,
  RegistryEventType,
  RollbackIncident,
  UseCaseSettings,
} from "@plumbline/schemas";

/** A stable code and a sentence that says what to do. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

export type Outcome =
  | {
      readonly kind: "accepted";
      /** False when it was so already. */
      readonly changed: boolean;
      /** Revision of the use case and env afterwards; null for commands that concern every env. */
      readonly revision: number | null;
      /** What a bypass overrode. */
      readonly overridden: readonly Refusal[];
    }
  | {
      readonly kind: "rejected";
      readonly code: string;
      readonly message: string;
      /** Every reason of the gate; empty for other rejections. */
      readonly failures: readonly Refusal[];
    };

/** Who did something, when and why. `at` is the log's time, ms since the epoch; `offset` the place in the history. */
export interface Mark {
  readonly offset: number;
  readonly at: number;
  readonly actor: string;
  readonly reason: string;
}

export interface EvalState extends Mark {
  readonly incumbent: string | null;
  readonly eval_set_hash: string;
  readonly rubric_hashes: Readonly<Record<string, string>>;
  /** End of the run, or when the log took the record, whatever was first; ms since the epoch. */
  readonly finished_at: number;
  readonly decision: GateOutcome;
}

export interface VersionState {
  readonly prompt_version: string;
  /** v<number>, counted per use case from 1. */
  readonly number: number;
  readonly document: PromptDocumentBody;
  readonly author: string;
  readonly commit: string | null;
  readonly registered: Mark;
  readonly approvals: Mark[];
  /** Oldest first, the newest `EVALS_MAX`. */
  readonly evals: EvalState[];
  /** Records in all, also those no longer kept. */
  eval_count: number;
  quarantined: Mark | null;
}

interface Bypass extends Mark {
  readonly prompt_version: string;
  readonly overridden: readonly Refusal[];
}

/** A promotion in steps: each is held until the canary is cleared, or a person goes on. */
interface RolloutState {
  readonly prompt_version: string;
  /** Shares of conversations, rising, the last one 1. */
  readonly steps: readonly number[];
  /** Index of the current one. */
  readonly step: number;
  readonly started: Mark;
  /** What began the current step. */
  readonly stepped: Mark;
}

/** The newest reading of the current step. Its mark is the monitor's. */
interface CanaryReading extends Mark {
  readonly prompt_version: string;
  readonly decision: CanaryDecision;
}

export interface EnvState {
  readonly env: string;
  /** Number of accepted changes of what is live or of the policy. */
  revision: number;
  /** One past the offset of the last such change: comparable across use cases and replicas. */
  live_revision: number;
  /** Versions that served everybody; the last one does now. */
  readonly stack: string[];
  /** Every version that ever served everybody here: where a rollback may go. */
  readonly served: string[];
  canary: { readonly prompt_version: string; readonly weight: number } | null;
  /** Of the canary; null when it is held by hand. */
  rollout: RolloutState | null;
  /** Of the canary; null until the monitor has read it since it got its share. */
  reading: CanaryReading | null;
  policy: { readonly policy_hash: string; readonly document: PolicyDocument; readonly set: Mark } | null;
  /** Last change of what is live. */
  moved: Mark | null;
  /** Newest last, the newest `BYPASSES_MAX`. */
  readonly bypasses: Bypass[];
  /** The newest drill; null before the first. */
  drill: (Mark & { readonly report: DrillReport }) | null;
}

export interface HistoryEntry extends Mark {
  readonly type: RegistryEventType;
  readonly env: string;
  /** Of a rollback, the version that was taken back. */
  readonly prompt_version: string | null;
  readonly number: number | null;
  readonly policy_hash: string | null;
  /** Of a promotion. */
  readonly weight: number | null;
  /** What justified an advance or a rollback that no person asked for: of a rollout, or an incident. */
  readonly decision: CanaryDecision | null;
  readonly incident: RollbackIncident | null;
  /** After the command; null when it does not move what is live. */
  readonly live: readonly LiveArm[] | null;
  readonly outcome: Outcome;
}

export interface UseCaseState {
  /** Owner of the credential that registered its first version. */
  readonly tenant: string;
  readonly use_case: string;
  settings: UseCaseSettings;
  readonly versions: Map<string, VersionState>;
  readonly envs: Map<string, EnvState>;
  readonly history: HistoryEntry[];
}

/** All applications of a tenant in one env. */
export interface FleetState {
  readonly tenant: string;
  readonly env: string;
  /** Number of accepted commands about it. */
  revision: number;
  /** One past the offset of the last change of what applications are told. */
  live_revision: number;
  /** Who paused automation; null while it runs. */
  paused: Mark | null;
  /** Evidence is null where a person switched it off. */
  readonly models_off: (Mark & { readonly model: string; readonly evidence: ModelEvidence | null })[];
  /** Newest last. */
  readonly changes: (Mark & Omit<FleetChangeView, keyof Mark>)[];
}

export interface RegistryState {
  /** The next offset to fold. */
  next_offset: number;
  /** Tells one log from another: from the first record. Empty while nothing was folded. */
  log_id: string;
  /** Records that are no commands. */
  bad_records: number;
  /** By `useCaseKey`: two tenants may have use cases of one name, and neither sees the other's. */
  readonly use_cases: Map<string, UseCaseState>;
  /** By `fleetKey`. */
  readonly fleets: Map<string, FleetState>;
  /** By event id, the newest `OUTCOMES_MAX`: a command that comes twice is answered twice and done once. */
  readonly outcomes: Map<
    string,
    { readonly fingerprint: string; readonly offset: number; readonly outcome: Outcome }
  >;
}

export const EVALS_MAX = 20;
export const BYPASSES_MAX = 100;
export const OUTCOMES_MAX = 10_000;

export function createState(): RegistryState {
  return {
    next_offset: 0,
    log_id: "",
    bad_records: 0,
    use_cases: new Map(),
    fleets: new Map(),
    outcomes: new Map(),
  };
}

/** Where a tenant's use case stands in `use_cases`; no tenant's name holds a slash. */
export function useCaseKey(tenant: string, useCase: string): string {
  return `${tenant}/${useCase}`;
}

/** Where the fleet of an env stands in `fleets`. */
export function fleetKey(tenant: string, env: string): string {
  return `${tenant}/${env}`;
}

export function findUseCase(state: RegistryState, tenant: string, useCase: string): UseCaseState | undefined {
  return state.use_cases.get(useCaseKey(tenant, useCase));
}

export function emptyEnv(env: string): EnvState {
  return {
    env,
    revision: 0,
    live_revision: 0,
    stack: [],
    served: [],
    canary: null,
    rollout: null,
    reading: null,
    policy: null,
    moved: null,
    bypasses: [],
    drill: null,
  };
}

/** What clients pick from, the canary first, so that a rising weight keeps every conversation that it had. */
export function liveArms(useCase: UseCaseState, env: EnvState | undefined): readonly LiveArm[] {
  const top = env?.stack.at(-1);
  if (env === undefined || top === undefined) return [];
  const arm = (prompt_version: string, weight: number): LiveArm => ({
    prompt_version,
    number: useCase.versions.get(prompt_version)!.number,
    weight,
  });
  if (env.canary === null) return [arm(top, 1)];
  const { prompt_version, weight } = env.canary;
  return [arm(prompt_version, weight), arm(top, Number((1 - weight).toFixed(6)))];
}

/** As plain JSON. Equal states have equal canonical JSON, which is how replicas are compared. */
export function stateToJson(state: RegistryState): unknown {
  return {
    ...state,
    use_cases: [...state.use_cases.values()].map((useCase) => ({
      ...useCase,
      versions: [...useCase.versions.values()],
      envs: [...useCase.envs.values()],
    })),
    fleets: [...state.fleets.values()],
    outcomes: [...state.outcomes],
  };
}

/** Inverse of `stateToJson`, for what this program wrote itself. */
export function stateFromJson(json: unknown): RegistryState {
  const flat = json as Omit<RegistryState, "use_cases" | "fleets" | "outcomes"> & {
    use_cases: (Omit<UseCaseState, "versions" | "envs"> & { versions: VersionState[]; envs: EnvState[] })[];
    fleets: readonly FleetState[];
    outcomes: (readonly [string, { fingerprint: string; offset: number; outcome: Outcome }])[];
  };
  return {
    ...flat,
    use_cases: new Map(
      flat.use_cases.map((each) => [
        useCaseKey(each.tenant, each.use_case),
        {
          ...each,
          versions: new Map(each.versions.map((version) => [version.prompt_version, version])),
          envs: new Map(each.envs.map((env) => [env.env, env])),
        },
      ]),
    ),
    fleets: new Map(flat.fleets.map((fleet) => [fleetKey(fleet.tenant, fleet.env), fleet])),
    outcomes: new Map(flat.outcomes),
  };
}
