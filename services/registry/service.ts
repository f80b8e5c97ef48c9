/**
 * The registry: what is live, who may change it, and telling every client at once.
 *
 * Its state is the fold of one topic. A command is appended, then read back; what the log decided is the answer, on
 * this replica and on every other. Reads come from memory and go on while the log is away.
 */
import { createKeyDirectory, type KeyDirectory } from "@plumbline/access";
import type { Clock, EventLog } from "@plumbline/ports";
import {
  createHttpApp,
  createHttpService,
  createOpenGuard,
  HttpProblem,
  type Guard,
  type HttpService,
  type TlsFiles,
} from "@plumbline/runtime/http";
import { Heartbeat, notOk, ok, type Check, type Health } from "@plumbline/runtime/health";
import type { Logger } from "@plumbline/runtime/logger";
import { count, observe } from "@plumbline/runtime/metrics";
import { announceToPeople } from "./announce-to-people.ts";
import { createSubmit } from "./commands.ts";
import type { Folded } from "@plumbline/registry-fold/fold";
import { createDeadLetterBoard } from "./dead-letters/dead-letter-board.ts";
import { deadLetterRoutes } from "./dead-letters/routes.ts";
import { erasureRoutes } from "./erasure-routes.ts";
import { createLogFollower } from "./follow-log.ts";
import { keyRoutes } from "./key-routes.ts";
import { createLiveBoard } from "./live.ts";
import { readRoutes } from "./read-routes.ts";
import type { Snapshots } from "./snapshot.ts";
import { createState, type RegistryState, findUseCase } from "@plumbline/registry-fold/state";
import { writeRoutes } from "./write-routes.ts";

export interface RegistryOptions {
  readonly log: Pick<EventLog, "append" | "read" | "watermarks" | "committed">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default 127.0.0.1. Anything else needs a guard that asks for keys. */
  readonly host?: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** What a person changes when the port is taken. Default PLUMBLINE_REGISTRY_PORT. */
  readonly portSetting?: string;
  /** Absent: no key is asked for, and everybody is who they say. */
  readonly guard?: Guard | undefined;
  /** Absent: plain HTTP. */
  readonly tls?: TlsFiles | undefined;
  /** Keys that it keeps, which it runs. Absent: those of its log. */
  readonly keys?: KeyDirectory | undefined;
  /** Absent: every start folds the whole topic. */
  readonly snapshots?: Snapshots | undefined;
  /** How often a quiet log is looked at for other replicas' commands, ms. Default 100. */
  readonly followMs?: number;
  /** Longest wait for the log, ms. Default 10,000. */
  readonly timeoutMs?: number;
}

export interface Registry extends HttpService {
  /** What was folded so far. Look, don't touch. */
  state(): RegistryState;
  /** Clients waiting for news. */
  waiting(): number;
}

/** A snapshot at most every so many records. */
const SNAPSHOT_RECORDS = 1_000;
/** A fold that has not reached the log's end for this long is said to be behind, ms. */
const BEHIND_MS = 60_000;
/** How long a request waits for the fold at the start, ms. */
const READY_WAIT_MS = 2_000;

export function createRegistry(options: RegistryOptions): Registry {
  const { log, clock, logger, host = "127.0.0.1", port, snapshots } = options;
  const { followMs = 100, timeoutMs = 10_000, portSetting = "PLUMBLINE_REGISTRY_PORT" } = options;
  const { guard = createOpenGuard() } = options;
  const keys =
    options.keys ?? createKeyDirectory({ log, clock, logger, service: "registry", needsKey: false });
  const state = createState();
  const live = createLiveBoard({ state, clock });
  const loop = new Heartbeat();
  let isRestored = false;
  let savedOffset = 0;
  let saving: Promise<void> | null = null;
  const follower = createLogFollower({
    log,
    clock,
    logger,
    state,
    followMs,
    onTurn: () => loop.beat(),
    onFolded: (folded) => {
      live.changed();
      noteMoves(folded);
      if (state.next_offset - savedOffset >= SNAPSHOT_RECORDS) void save();
    },
  });

  /** How long it took until the clients that wait here were told of a change of what is live. */
  function noteMoves(folded: readonly Folded[]): void {
    // What is read at the start happened long ago.
    if (!follower.isLoaded) return;
    for (const { event, tenant, offset } of folded) {
      if (event === null) continue;
      const env = findUseCase(state, tenant, event.use_case)?.envs.get(event.env);
      if (env?.live_revision !== offset + 1 || env.moved === null) continue;
      observe("rollback_propagation_seconds", {}, Math.max(0, clock.now() - env.moved.at) / 1_000);
    }
  }

  /** Not the log: while it is away, what is live is served all the same. */
  const stateCheck: Check = () => {
    if (!follower.isLoaded && !isRestored) return notOk("the log was not read yet");
    return ok(
      `${state.use_cases.size} use cases are served${follower.isLoaded ? "" : ", from the snapshot until the log is read"}`,
    );
  };
  const foldCheck: Check = () => {
    if (follower.readAt === null) return notOk("the log was not read to its end yet");
    const age = clock.now() - follower.readAt;
    const sentence = `the log was read to its end ${Math.round(age / 1_000)} s ago`;
    return age > BEHIND_MS ? notOk(`${sentence}; what is live is served as it was then`) : ok(sentence);
  };
  const health: Health = {
    liveness: { loop: loop.check },
    readiness: { state: stateCheck, fold: foldCheck },
  };

  /** A snapshot is a convenience: without one the next start takes longer. */
  function save(): Promise<void> {
    if (snapshots === undefined || state.next_offset === savedOffset) return Promise.resolve();
    const offset = state.next_offset;
    saving ??= snapshots
      .save(state)
      .then(
        () => {
          savedOffset = offset;
        },
        (error: unknown) => logger.warn({ err: error }, "registry.snapshot_failed"),
      )
      .finally(() => {
        saving = null;
      });
    return saving;
  }

  async function ready(): Promise<void> {
    if (follower.isLoaded || isRestored) return;
    const answered = new AbortController();
    await Promise.race([follower.loaded, clock.sleep(READY_WAIT_MS, answered.signal)]);
    answered.abort();
    if (follower.isLoaded || isRestored) return;
    throw new HttpProblem(
      {
        type: "urn:plumbline:not-loaded",
        title: "Not loaded yet",
        status: 503,
        detail:
          "The registry is still reading its log, or can't reach it. Ask again after Retry-After, or another replica.",
      },
      { "retry-after": "1" },
    );
  }

  const submit = createSubmit({ log, clock, state, follower, timeoutMs });
  const app = createHttpApp({
    name: "registry",
    logger,
    guard,
    // Without `fold`: a load balancer must not turn away from replicas that serve what they know.
    health: { ...health, readiness: { state: stateCheck } },
    onAnswered: (route, status) => count("registry_requests_total", { route, status }),
    routes: [
      ...readRoutes({
        state,
        live,
        ready,
        ageMs: () => (follower.readAt === null ? null : Math.max(0, clock.now() - follower.readAt)),
      }),
      ...deadLetterRoutes(createDeadLetterBoard({ log, clock })),
      ...writeRoutes({ state, submit, clock, logger, ready }),
      ...keyRoutes({ keys, clock }),
      ...erasureRoutes({ log, clock }),
    ],
  });
  const http = createHttpService(app, {
    name: "registry",
    logger,
    host,
    port,
    portSetting,
    tls: options.tls,
  });

  return {
    name: "registry",
    health,
    url: http.url,
    routes: http.routes,
    state: () => state,
    waiting: () => live.waiting,
    async run(stop) {
      const restored = (await snapshots?.load()) ?? null;
      if (restored !== null) {
        Object.assign(state, restored);
        savedOffset = state.next_offset;
        isRestored = true;
        logger.info({ log_offset: savedOffset }, "registry.restored");
      }
      const failed = new AbortController();
      const signal = AbortSignal.any([stop, failed.signal]);
      // Waiting clients are sent away at once, to another replica or to the next process.
      signal.addEventListener("abort", () => live.release(), { once: true });
      const faults: unknown[] = [];
      const watched = async (work: Promise<void>): Promise<void> => {
        try {
          await work;
        } catch (error) {
          faults.push(error);
          failed.abort();
        }
      };
      const announcing = { log, clock, logger, state, isLoaded: () => follower.isLoaded };
      await Promise.all([
        watched(follower.run(signal)),
        watched(keys.run(signal)),
        watched(http.run(signal)),
        watched(announceToPeople(announcing, signal)),
      ]);
      await saving;
      await save();
      if (faults.length > 0) throw faults[0];
    },
  };
}
