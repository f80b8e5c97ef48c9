/** The registry's answers, all from memory. */
import {
  HttpProblem,
  type Principal,
  type Request,
  type Response,
  type Route,
} from "@plumbline/runtime/http";
import { LIVE_USE_CASES_MAX, LIVE_WAIT_SECONDS_MAX, UseCase, type RolloutView } from "@plumbline/schemas";
import { shortVersion } from "@plumbline/prompts";
import type { LiveBoard, Rendered, Selection } from "./live.ts";
import { pickVersion } from "./versions/pick-version.ts";
import {
  badRequest,
  envOf,
  notFound,
  numberOf,
  queryOf,
  readUseCase,
  resolveVersion,
} from "./read-request.ts";
import {
  findUseCase,
  liveArms,
  type EnvState,
  type HistoryEntry,
  type RegistryState,
  type UseCaseState,
  type VersionState,
} from "@plumbline/registry-fold/state";

interface ReadDeps {
  readonly state: RegistryState;
  readonly live: LiveBoard;
  readonly ready: () => Promise<void>;
  /** How old the state can be at most, ms; null when the log was not read since the start. */
  readonly ageMs: () => number | null;
}

const HISTORY_DEFAULT = 50;
const HISTORY_MAX = 500;
/** How old what was read can be, for whoever must know. */
const AGE_HEADER = "x-plumbline-age-ms";

export function readRoutes({ state, live, ready, ageMs }: ReadDeps): readonly Route[] {
  function get(
    path: string,
    handle: (request: Request, response: Response, sender: Principal) => Promise<void> | void,
  ): Route {
    return {
      method: "GET",
      path,
      access: "read",
      async handle(request, response, sender) {
        await ready();
        const age = ageMs();
        response.setHeader(AGE_HEADER, age === null ? "unknown" : String(age));
        response.setHeader("cache-control", "no-cache");
        await handle(request, response, sender);
      },
    };
  }

  return [
    get("/v1/live", (request, response, sender) => answerLive(live, request, response, sender)),
    get("/v1/live/pick", (request, response, { tenant }) => {
      const selection = selectionOf(request, tenant);
      const conversation = queryOf(request, "conversation_id");
      if (conversation === null) throw badRequest("Name the conversation_id.", "conversation_id");
      response.json({
        env: selection.env,
        conversation_id: conversation,
        use_cases: Object.fromEntries(
          selection.useCases.map((name) => {
            const useCase = findUseCase(state, tenant, name);
            const arms = useCase === undefined ? [] : liveArms(useCase, useCase.envs.get(selection.env));
            return [name, pickVersion(name, arms, conversation)];
          }),
        ),
      });
    }),
    get("/v1/use-cases", (_request, response, { tenant }) => {
      response.json({
        log: { next_offset: state.next_offset, age_ms: ageMs(), bad_records: state.bad_records },
        use_cases: [...state.use_cases.values()]
          .filter((useCase) => useCase.tenant === tenant)
          .map((useCase) => ({
            use_case: useCase.use_case,
            owner: useCase.settings.owner,
            versions: useCase.versions.size,
            envs: envsOf(useCase),
          })),
      });
    }),
    get("/v1/use-cases/:use_case", (request, response, sender) => {
      const useCase = useCaseOf(state, request, sender);
      if (queryOf(request, "env") !== null) {
        response.setHeader("etag", `"${useCase.envs.get(envOf(request))?.revision ?? 0}"`);
      }
      response.json({
        use_case: useCase.use_case,
        settings: useCase.settings,
        envs: envsOf(useCase),
        versions: [...useCase.versions.values()].map((version) => summaryOf(useCase, version)).toReversed(),
      });
    }),
    get("/v1/use-cases/:use_case/versions/:version", (request, response, sender) => {
      const useCase = useCaseOf(state, request, sender);
      const reference = String(request.params["version"]);
      const version = useCase.versions.get(resolveVersion(useCase, useCase.use_case, reference));
      if (version === undefined) {
        throw notFound(
          "version-unknown",
          `${useCase.use_case} has no version ${reference}. Push it first: plumbline push`,
        );
      }
      response.json({
        ...summaryOf(useCase, version),
        document: version.document,
        evals: version.evals.toReversed().map(dated),
      });
    }),
    get("/v1/use-cases/:use_case/history", (request, response, sender) =>
      answerHistory(useCaseOf(state, request, sender), request, response),
    ),
  ];
}

/** Answers what is live, at once or when it changes within `wait` seconds; 304 when it did not. */
async function answerLive(
  live: LiveBoard,
  request: Request,
  response: Response,
  { tenant }: Principal,
): Promise<void> {
  const selection = selectionOf(request, tenant);
  const waitMs = numberOf(request, "wait", 0, [0, LIVE_WAIT_SECONDS_MAX]) * 1000;
  const sinceText = queryOf(request, "since");
  const known = {
    etag: request.get("if-none-match") ?? null,
    since: sinceText === null ? null : numberOf(request, "since", 0, [0, Number.MAX_SAFE_INTEGER]),
  };
  let answer: Rendered | null = live.look(selection);
  if (!live.isNews(answer, known)) {
    answer = null;
    if (waitMs > 0 && !response.destroyed) {
      const wait = live.wait(selection, known, waitMs);
      response.once("close", () => wait.leave());
      answer = await wait.answer;
    }
    if (response.destroyed) return;
  }
  const { etag, body } = answer ?? live.look(selection);
  response.setHeader("etag", etag);
  if (answer === null) {
    response.status(304).end();
    return;
  }
  response.setHeader("content-type", "application/json; charset=utf-8");
  response.status(200).end(body);
}

/** Newest first, one page. */
function answerHistory(useCase: UseCaseState, request: Request, response: Response): void {
  const env = queryOf(request, "env") === null ? null : envOf(request);
  const limit = Math.floor(numberOf(request, "limit", HISTORY_DEFAULT, [1, HISTORY_MAX]));
  const before = numberOf(request, "before", Number.POSITIVE_INFINITY, [0, Number.MAX_SAFE_INTEGER]);
  const entries: HistoryEntry[] = [];
  for (let i = useCase.history.length - 1; i >= 0 && entries.length <= limit; i--) {
    const entry = useCase.history[i]!;
    if (entry.offset < before && (env === null || entry.env === env || entry.env === "")) entries.push(entry);
  }
  const page = entries.slice(0, limit);
  response.json({
    use_case: useCase.use_case,
    entries: page.map(dated),
    /** Send as `before` for the older ones; null when there are none. */
    next_before: entries.length > limit ? page.at(-1)!.offset : null,
  });
}

function useCaseOf(state: RegistryState, request: Request, { tenant }: Principal): UseCaseState {
  const name = readUseCase(request);
  const useCase = findUseCase(state, tenant, name);
  if (useCase !== undefined) return useCase;
  throw notFound("use-case-unknown", `There is no use case ${name}. Push its prompt first: plumbline push`);
}

function selectionOf(request: Request, tenant: string): Selection {
  const names = (queryOf(request, "use_cases") ?? "").split(",").filter((name) => name !== "");
  const useCases = [...new Set(names)].toSorted();
  if (useCases.length === 0) {
    throw badRequest("Name the use cases, comma-separated; GET /v1/use-cases lists them.", "use_cases");
  }
  if (useCases.length > LIVE_USE_CASES_MAX) {
    throw badRequest(
      `At most ${LIVE_USE_CASES_MAX} use cases at once; ask for the others separately.`,
      "use_cases",
    );
  }
  const bad = useCases.find((name) => !UseCase.safeParse(name).success);
  if (bad !== undefined) {
    throw new HttpProblem({
      type: "urn:plumbline:bad-request",
      title: "Bad request",
      status: 400,
      detail: "A use case must be lower-case letters, digits, dashes and dots, such as ticket-summary.",
      field: "use_cases",
    });
  }
  return { tenant, env: envOf(request), useCases };
}

function envsOf(useCase: UseCaseState): Record<string, unknown> {
  return Object.fromEntries([...useCase.envs.values()].map((env) => [env.env, envOfUseCase(useCase, env)]));
}

function envOfUseCase(useCase: UseCaseState, env: EnvState): unknown {
  const good = env.stack.slice(0, -1).findLast((hash) => useCase.versions.get(hash)?.quarantined === null);
  return {
    revision: env.revision,
    live: liveArms(useCase, env),
    rollout: rolloutOf(useCase, env),
    canary: env.reading === null ? null : dated(env.reading),
    moved: env.moved === null ? null : dated(env.moved),
    /** Where a rollback goes by itself. */
    previous_good: (env.canary === null ? good : env.stack.at(-1)) ?? null,
    policy_hash: env.policy?.policy_hash ?? null,
    bypasses: env.bypasses.map(dated),
    drill: env.drill === null ? null : dated(env.drill),
  };
}

function rolloutOf(useCase: UseCaseState, { rollout }: EnvState): RolloutView | null {
  if (rollout === null) return null;
  return {
    prompt_version: rollout.prompt_version,
    number: useCase.versions.get(rollout.prompt_version)!.number,
    steps: [...rollout.steps],
    step: rollout.step,
    started: dated(rollout.started),
    stepped: dated(rollout.stepped),
  };
}

function summaryOf({ use_case }: UseCaseState, version: VersionState): Record<string, unknown> {
  const { prompt_version, number, author, commit, registered, approvals, evals, eval_count, quarantined } =
    version;
  const latest = evals.at(-1);
  return {
    prompt_version,
    short: shortVersion(use_case, prompt_version),
    number,
    author,
    commit,
    registered: dated(registered),
    approvals: approvals.map(dated),
    eval_count,
    latest_eval: latest === undefined ? null : dated(latest),
    quarantined: quarantined === null ? null : dated(quarantined),
  };
}

/** Times on the wire are ISO 8601. */
function dated<Marked extends { readonly at: number }>(
  mark: Marked,
): Omit<Marked, "at"> & { readonly at: string } {
  return { ...mark, at: new Date(mark.at).toISOString() };
}
