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
  /** Waits for the next answer that is news to the client. */
  wait(selection: Selection, known: Known, waitMs: number): Wait;
  /** The state changed: everybody who is waiting for that hears of it now. */
  changed(): void;
  /** Ends every wait, and lets none begin. */
  release(): void;
  readonly waiting: number;
}

/** What one client waits for. A fleet has thousands: it costs no timer and no signal of its own. */
interface Wait {
  /** Null after `waitMs`, and when it was left or the board was released. */
  readonly answer: Promise<Rendered | null>;
  /** The client is gone. */
  leave(): void;
}

interface Known {
  readonly etag: string | null;
  readonly since: number | null;
}

/** Answers kept between changes; a client with a selection of its own costs one. */
const RENDERED_MAX = 1_000;

/** Waits that end this close to one another end together, ms. */
const TOGETHER_MS = 50;

interface Waiter {
  readonly known: Known;
  /** When it gives up, by `Clock.monotonic`. */
  readonly until: number;
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

  /** One timer for all who wait, set to whoever gives up first. */
  let alarm: { readonly at: number; readonly off: AbortController } | null = null;

  function giveUpAt(at: number): void {
    if (alarm !== null && alarm.at <= at) return;
    alarm?.off.abort();
    const set = { at, off: new AbortController() };
    alarm = set;
    void clock.sleep(Math.max(0, at - clock.monotonic()), set.off.signal).then(() => {
      if (alarm !== set) return;
      alarm = null;
      giveUp();
    });
  }

  function giveUp(): void {
    const now = clock.monotonic();
    let next = Infinity;
    for (const { all } of waiters.values()) {
      for (const waiter of all) {
        if (waiter.until <= now) waiter.wake(null);
        else next = Math.min(next, waiter.until);
      }
    }
    if (next < Infinity) giveUpAt(Math.max(next, now + TOGETHER_MS));
  }

  return {
    look,
    isNews,
    wait(selection, known, waitMs) {
      if (isReleased) return { answer: Promise.resolve(null), leave: () => undefined };
      const key = keyOf(selection);
      const group = waiters.get(key) ?? { selection, all: new Set<Waiter>() };
      waiters.set(key, group);
      let leave = (): void => undefined;
      const answer = new Promise<Rendered | null>((resolve) => {
        const waiter: Waiter = {
          known,
          until: clock.monotonic() + waitMs,
          wake(news) {
            if (!group.all.delete(waiter)) return;
            waiting -= 1;
            if (group.all.size === 0 && waiters.get(key) === group) waiters.delete(key);
            resolve(news);
          },
        };
        leave = () => waiter.wake(null);
        group.all.add(waiter);
        waiting += 1;
        giveUpAt(waiter.until);
      });
      return { answer, leave };
    },
    changed() {
      for (const { selection, all } of waiters.values()) {
        const answer = look(selection);
        for (const waiter of all) if (isNews(answer, waiter.known)) waiter.wake(answer);
      }
    },
    release() {
      isReleased = true;
      alarm?.off.abort();
      alarm = null;
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
