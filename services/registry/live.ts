/**
 * What clients are told, and the waiting for news of it. Clients that ask for the same use cases share one answer,
 * rendered once a change; a change wakes all of them in the same turn.
 */
import { createHash } from "node:crypto";
import type { Clock } from "@plumbline/ports";
import type { LiveAnswer } from "@plumbline/schemas";
import { fleetOf } from "@plumbline/registry-fold/fleet";
import { findUseCase, liveArms, type RegistryState } from "@plumbline/registry-fold/state";

export interface Selection {
  /** Of the asker's credential. */
  readonly tenant: string;
  readonly env: string;
  /** Sorted, without repetitions. */
  readonly useCases: readonly string[];
}

export interface Rendered {
  readonly revision: number;
  /** With quotes, as in the header. */
  readonly etag: string;
  readonly body: Buffer;
}

export interface LiveBoard {
  /** What is live now. */
  look(selection: Selection): Rendered;
  /** Whether `look` differs from what the client has: by its ETag when it sent one, else by its revision. */
  isNews(rendered: Rendered, known: Known): boolean;
  /** Resolves at the next answer that is news to the client, with null after `waitMs` or when `signal` aborts. */
  wait(selection: Selection, known: Known, waitMs: number, signal: AbortSignal): Promise<Rendered | null>;
  /** The state changed: everybody who is waiting for that hears of it now. */
  changed(): void;
  /** Ends every wait, and lets none begin. */
  release(): void;
  readonly waiting: number;
}

interface Known {
  readonly etag: string | null;
  readonly since: number | null;
}

/** Answers kept between changes; a client with a selection of its own costs one. */
const RENDERED_MAX = 1_000;

/** Why a timer is ended. An abort without a reason makes an exception with a stack, for each of a fleet that waits. */
const AWAKE = "awake";

interface Waiter {
  readonly known: Known;
  wake(rendered: Rendered | null): void;
}

export function createLiveBoard({ state, clock }: { state: RegistryState; clock: Clock }): LiveBoard {
  const rendered = new Map<string, Rendered>();
  const waiters = new Map<string, { readonly selection: Selection; readonly all: Set<Waiter> }>();
  let waiting = 0;
  let isReleased = false;

  const keyOf = ({ tenant, env, useCases }: Selection): string => `${tenant} ${env} ${useCases.join(",")}`;

  function look(selection: Selection): Rendered {
    const key = keyOf(selection);
    const known = rendered.get(key);
    const revision = revisionOf(state, selection);
    if (known !== undefined && known.revision === revision) return known;
    const answer = render(state, selection, revision);
    const fresh: Rendered = {
      revision,
      // The log's identity too: offsets of another log say nothing.
      etag: `"${revision}-${createHash("sha256").update(`${state.log_id} ${key}`).digest("hex").slice(0, 8)}"`,
      body: Buffer.from(JSON.stringify(answer)),
    };
    rendered.delete(key);
    rendered.set(key, fresh);
    if (rendered.size > RENDERED_MAX) rendered.delete(rendered.keys().next().value!);
    return fresh;
  }

  function isNews({ etag, revision }: Rendered, known: Known): boolean {
    if (known.etag === null) return known.since === null || revision > known.since;
    if (known.etag === etag) return false;
    // A replica that lags must not take a client back to what it has left behind.
    const [knownRevision, knownBoard] = splitEtag(known.etag);
    return knownBoard !== splitEtag(etag)[1] || revision > knownRevision;
  }

  return {
    look,
    isNews,
    wait(selection, known, waitMs, signal) {
      if (isReleased || signal.aborted) return Promise.resolve(null);
      const key = keyOf(selection);
      const group = waiters.get(key) ?? { selection, all: new Set<Waiter>() };
      waiters.set(key, group);
      return new Promise((resolve) => {
        const timer = new AbortController();
        const waiter: Waiter = {
          known,
          wake(answer) {
            if (!group.all.delete(waiter)) return;
            waiting -= 1;
            if (group.all.size === 0 && waiters.get(key) === group) waiters.delete(key);
            signal.removeEventListener("abort", giveUp);
            timer.abort(AWAKE);
            resolve(answer);
          },
        };
        const giveUp = (): void => waiter.wake(null);
        group.all.add(waiter);
        waiting += 1;
        signal.addEventListener("abort", giveUp, { once: true });
        void clock.sleep(waitMs, timer.signal).then(giveUp);
      });
    },
    changed() {
      for (const { selection, all } of waiters.values()) {
        const answer = look(selection);
        for (const waiter of all) if (isNews(answer, waiter.known)) waiter.wake(answer);
      }
    },
    release() {
      isReleased = true;
      for (const { all } of waiters.values()) for (const waiter of all) waiter.wake(null);
    },
    get waiting() {
      return waiting;
    },
  };
}

/** @returns the revision and the rest, which names the log and the selection */
function splitEtag(etag: string): readonly [number, string] {
  const [, revision = "0", board = ""] = /^(?:W\/)?"?(\d+)-([0-9a-f]+)"?$/.exec(etag) ?? [];
  return [Number(revision), board];
}

function revisionOf(state: RegistryState, { tenant, env, useCases }: Selection): number {
  return useCases.reduce(
    (newest, name) => Math.max(newest, findUseCase(state, tenant, name)?.envs.get(env)?.live_revision ?? 0),
    fleetOf(state, tenant, env).live_revision,
  );
}

function render(
  state: RegistryState,
  { tenant, env: envName, useCases }: Selection,
  revision: number,
): LiveAnswer {
  const found: LiveAnswer["use_cases"] = {};
  const missing: string[] = [];
  for (const name of useCases) {
    const useCase = findUseCase(state, tenant, name);
    const env = useCase?.envs.get(envName);
    if (useCase === undefined || env === undefined) {
      missing.push(name);
      continue;
    }
    found[name] = {
      revision: env.revision,
      live: liveArms(useCase, env).map((arm) => ({
        ...arm,
        document: useCase.versions.get(arm.prompt_version)!.document,
      })),
      policy:
        env.policy === null ? null : { policy_hash: env.policy.policy_hash, document: env.policy.document },
    };
  }
  const switched_off = fleetOf(state, tenant, envName).models_off.map(({ model }) => model);
  return { env: envName, revision, use_cases: found, missing, switched_off };
}
