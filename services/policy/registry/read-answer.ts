/**
 * Reads what a registry says of its use cases. The registry may be newer than this service: a variant that is unknown here
 * is kept and moves nothing, and what can't be read of one environment keeps no other from being looked after.
 */
import {
  CanaryDecision,
  CanaryView,
  FleetsAnswer,
  FleetView,
  HistoryMark,
  LiveArm,
  RolloutView,
} from "@plumbline/schemas";
import { z } from "zod";

/** A reading as it came; a state that is none of ours is held. */
export const KeptDecision = CanaryDecision.extend({ state: z.string(), waits_for: z.string().nullable() });
export type KeptDecision = z.infer<typeof KeptDecision>;

const EnvView = z.object({
  revision: z.number().int().nonnegative(),
  live: z.array(LiveArm),
  rollout: RolloutView.nullable(),
  canary: CanaryView.extend({ decision: KeptDecision }).nullable(),
  moved: HistoryMark.nullable().default(null),
  previous_good: z.string().nullable().default(null),
});
export type EnvView = z.infer<typeof EnvView>;

const Answer = z.object({
  use_cases: z.array(z.object({ use_case: z.string(), envs: z.record(z.string(), z.unknown()) })),
});

export interface UseCases {
  readonly envs: readonly { readonly use_case: string; readonly env: string; readonly view: EnvView }[];
  /** What could not be read, as `use-case/env: why`. */
  readonly unreadable: readonly string[];
}

/** @returns null when `answer` is not a registry's */
export function readUseCases(answer: unknown): UseCases | null {
  const parsed = Answer.safeParse(answer);
  if (!parsed.success) return null;
  const envs: UseCases["envs"][number][] = [];
  const unreadable: string[] = [];
  for (const { use_case, envs: views } of parsed.data.use_cases) {
    for (const [env, value] of Object.entries(views)) {
      const view = EnvView.safeParse(value);
      if (view.success) envs.push({ use_case, env, view: view.data });
      else unreadable.push(`${use_case}/${env}: ${whyOf(view.error)}`);
    }
  }
  return { envs, unreadable };
}

/** Fleets by env. */
export type FleetSet = ReadonlyMap<string, FleetView>;

export interface Fleets {
  /** Of the key that was asked with. */
  readonly tenant: string;
  readonly fleets: FleetSet;
}

const AnyFleets = FleetsAnswer.extend({ fleets: z.array(z.unknown()) });

/** @returns null when a fleet can't be read: whether automation may act is unknown then, and nothing of it acts */
export function readFleets(answer: unknown): Fleets | null {
  const parsed = AnyFleets.safeParse(answer);
  if (!parsed.success) return null;
  const fleets = parsed.data.fleets.map((fleet) => FleetView.safeParse(fleet));
  if (fleets.some((fleet) => !fleet.success)) return null;
  const read = fleets.flatMap(({ data }) => (data === undefined ? [] : [[data.env, data] as const]));
  return { tenant: parsed.data.tenant, fleets: new Map(read) };
}

const History = z.object({
  entries: z.array(
    z.object({
      at: z.string(),
      type: z.string(),
      incident: z.unknown(),
      outcome: z.object({ kind: z.string(), changed: z.boolean().default(false) }),
    }),
  ),
});

/** Rollbacks by incidents since `sinceMs`, in a page of a history. @returns null for what is no history */
export function countAutomaticRollbacks(answer: unknown, sinceMs: number): number | null {
  const parsed = History.safeParse(answer);
  if (!parsed.success) return null;
  return parsed.data.entries.filter(
    ({ at, type, incident, outcome }) =>
      type === "rolled_back" &&
      incident != null &&
      outcome.kind === "accepted" &&
      outcome.changed &&
      Date.parse(at) >= sinceMs,
  ).length;
}

function whyOf({ issues: [first] }: z.ZodError): string {
  return `${first?.path.map(String).join(".") ?? ""}: ${first?.message ?? "unknown shape"}`;
}
