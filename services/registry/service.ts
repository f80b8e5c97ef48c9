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
  type Route,
  type TlsFiles,
} from "@plumbline/runtime/http";
import { Heartbeat, notOk, ok, type Check, type Health } from "@plumbline/runtime/health";
import type { Logger } from "@plumbline/runtime/logger";
import { count, observe } from "@plumbline/runtime/metrics";
import { announceToPeople } from "./announce-to-people.ts";
import { createSubmit } from "./commands.ts";
import type { Folded } from "@plumbline/registry-fold/fold";
import { DeadLetterBoard } from "./dead-letters/dead-letter-board.ts";
import { deadLetterRoutes } from "./dead-letter-routes.ts";
import { erasureRoutes } from "./erasure-routes.ts";
import { fleetRoutes } from "./fleet-routes.ts";
import { LogFollower } from "./follow-log.ts";
import { incidentRoutes, rollBackBy } from "./incident-routes.ts";
import { IncidentBoard } from "./incidents/incident-board.ts";
import { IncidentDesk } from "./incidents/incident-desk.ts";
import { keyRoutes } from "./key-routes.ts";
import { createLiveBoard } from "./live.ts";
import { readRoutes } from "./read-routes.ts";
import { type SlackActionsOptions, slackRoutes } from "./slack/slack-routes.ts";
import { SnapshotKeeper, type Snapshots } from "./snapshot.ts";
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
  /** Absent: nobody takes clicks of Slack. */
  readonly slack?: SlackActionsOptions | undefined;
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
  /** What people do about incidents, for a page of the same process. */
  readonly pageRoutes: readonly Route[];
}

/** A fold that has not reached the log's end for this long is said to be behind, ms. */
const BEHIND_MS = 60_000;
/** How long a request waits for the fold at the start, ms. */
const READY_WAIT_MS = 2_000;

export function createRegistry(options: RegistryOptions): Registry {
  const { log, clock, logger, host = "127.0.0.1", port } = options;
  const { followMs = 100, timeoutMs = 10_000, portSetting = "PLUMBLINE_REGISTRY_PORT" } = options;
  const { guard = createOpenGuard() } = options;
  const keys =
    options.keys ?? createKeyDirectory({ log, clock, logger, service: "registry", needsKey: false });
  const state = createState();
  const live = createLiveBoard({ state, clock });
  const loop = new Heartbeat();
  const snapshots = new SnapshotKeeper(options.snapshots, { state, logger });
  const follower = new LogFollower({
    log,
    clock,
    logger,
    state,
    followMs,
    onTurn: () => loop.beat(),
    onFolded: (folded) => {
      live.changed();
      // What is read at the start happened long ago.
      if (follower.isLoaded) noteMoves(folded, state, clock.now());
      snapshots.folded();
    },
  });

  const readiness = new Readiness({ state, follower, snapshots, clock });
  const health: Health = {
    liveness: { loop: loop.check },
    readiness: { state: readiness.state, fold: readiness.fold },
  };
  const submit = createSubmit({ log, clock, state, follower, timeoutMs });
  const ready = (): Promise<void> => readiness.wait();
  const board = new IncidentBoard({ log, clock });
  const incidents = { board, desk: new IncidentDesk({ board, rollBack: rollBackBy(submit, ready) }) };
  const app = createHttpApp({
    name: "registry",
    logger,
    guard,
    // Without `fold`: a load balancer must not turn away from replicas that serve what they know.
    health: { ...health, readiness: { state: readiness.state } },
    onAnswered: (route, status) => count("registry_requests_total", { route, status }),
    routes: [
      ...readRoutes({
        state,
        live,
        ready,
        ageMs: () => (follower.readAt === null ? null : Math.max(0, clock.now() - follower.readAt)),
      }),
      ...deadLetterRoutes(new DeadLetterBoard({ log, clock })),
      ...writeRoutes({ state, submit, clock, logger, ready }),
      ...incidentRoutes(incidents, "http"),
      ...(options.slack === undefined
        ? []
        : slackRoutes(options.slack, { desk: incidents.desk, clock, logger })),
      ...fleetRoutes({ state, submit, ready }),
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
    pageRoutes: incidentRoutes(incidents, "inbox"),
    async run(stop) {
      await snapshots.restore();
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
      await snapshots.end();
      if (faults.length > 0) throw faults[0];
    },
  };
}

/** Whether the state may be asked, and how old it can be. */
class Readiness {
  private readonly deps: ReadinessDeps;

  constructor(deps: ReadinessDeps) {
    this.deps = deps;
  }

  /** Not the log: while it is away, what is live is served all the same. */
  readonly state: Check = () => {
    const { state, follower } = this.deps;
    if (!this.isKnown) return notOk("the log was not read yet");
    return ok(
      `${state.use_cases.size} use cases are served${follower.isLoaded ? "" : ", from the snapshot until the log is read"}`,
    );
  };

  readonly fold: Check = () => {
    const { readAt } = this.deps.follower;
    if (readAt === null) return notOk("the log was not read to its end yet");
    const age = this.deps.clock.now() - readAt;
    const sentence = `the log was read to its end ${Math.round(age / 1_000)} s ago`;
    return age > BEHIND_MS ? notOk(`${sentence}; what is live is served as it was then`) : ok(sentence);
  };

  /** Resolves when the state may be asked. @throws HttpProblem 503 when it may not within `READY_WAIT_MS` */
  async wait(): Promise<void> {
    if (this.isKnown) return;
    const answered = new AbortController();
    const { follower, clock } = this.deps;
    await Promise.race([follower.loaded, clock.sleep(READY_WAIT_MS, answered.signal)]);
    answered.abort();
    if (this.isKnown) return;
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

  private get isKnown(): boolean {
    return this.deps.follower.isLoaded || this.deps.snapshots.isRestored;
  }
}

interface ReadinessDeps {
  readonly state: RegistryState;
  readonly follower: LogFollower;
  readonly snapshots: SnapshotKeeper;
  readonly clock: Clock;
}

/** Measures how long it took until the clients that wait here were told of a change of what is live. */
function noteMoves(folded: readonly Folded[], state: RegistryState, now: number): void {
  for (const { event, tenant, offset } of folded) {
    if (event === null) continue;
    const env = findUseCase(state, tenant, event.use_case)?.envs.get(event.env);
    if (env?.live_revision !== offset + 1 || env.moved === null) continue;
    observe("rollback_propagation_seconds", {}, Math.max(0, now - env.moved.at) / 1_000);
  }
}
