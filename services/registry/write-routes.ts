/** The commands over HTTP. Each is one record of the log; the answer is what the log decided. */
import { isDeepStrictEqual } from "node:util";
import { LogError, type Clock } from "@plumbline/ports";
import {
  HttpProblem,
  type Principal,
  type Request,
  type Response,
  type Route,
} from "@plumbline/runtime/http";
import {
  AdvanceBody,
  ApproveBody,
  EVAL_BODY_BYTES_MAX,
  PromoteBody,
  QuarantineBody,
  RecordDrillBody,
  RecordEvalBody,
  RegisterVersionBody,
  RollbackBody,
  SetPolicyBody,
  type CommandAccepted,
  type GateOutcome,
} from "@plumbline/schemas";
import type { Logger } from "@plumbline/runtime/logger";
import { decideEval } from "./eval/decide-eval.ts";
import type { Command, Submit, Submitted } from "./commands.ts";
import {
  readExpectation,
  readIdempotencyKey,
  readJson,
  readUseCase,
  resolveVersion,
  type Expectation,
} from "./read-request.ts";
import {
  findUseCase,
  liveArms,
  type Outcome,
  type RegistryState,
  type UseCaseState,
} from "@plumbline/registry-fold/state";

interface WriteDeps {
  readonly state: RegistryState;
  readonly submit: Submit;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Resolves when the state may be asked. */
  readonly ready: () => Promise<void>;
}

type Draft = Pick<Command, "type" | "env" | "prompt_version" | "reason" | "body"> & {
  readonly expectation?: Expectation;
  readonly created?: boolean;
};

/** A request for a command, and what a draft may look up. */
interface Given {
  readonly request: Request;
  readonly sender: Principal;
  /** Name of the use case, which need not exist. */
  readonly useCase: string;
  /** The use case as it is now. */
  readonly known: () => UseCaseState | undefined;
  readonly now: () => number;
}

/** The commands by the last part of their path: each reads its body and drafts the record. */
const DRAFTS: Readonly<Record<string, (given: Given) => Promise<Draft>>> = {
  versions: async (given) => {
    const body = await readJson(given.request, given.sender.tenant, RegisterVersionBody);
    return {
      type: "version_registered",
      env: EVERY_ENV,
      prompt_version: body.prompt_version,
      reason: body.reason,
      body: {
        document: body.document,
        author: body.author ?? given.sender.name,
        commit: body.commit,
        settings: body.settings ?? null,
      },
      created: true,
    };
  },
  evals: async (given) => {
    const { env, record, reason } = await readJson(given.request, given.sender.tenant, RecordEvalBody, {
      bytesMax: EVAL_BODY_BYTES_MAX,
    });
    const known = given.known();
    const decision = known === undefined ? UNDECIDED : decideEval(record, known, env, given.now());
    return {
      type: "eval_recorded",
      env: EVERY_ENV,
      prompt_version: record.candidate.prompt_version,
      reason,
      body: { record, decision },
      created: true,
    };
  },
  approvals: async (given) => {
    const { prompt_version, reason } = await readJson(given.request, given.sender.tenant, ApproveBody);
    return {
      type: "approved",
      env: EVERY_ENV,
      prompt_version: resolve(given, prompt_version),
      reason,
      body: {},
      created: true,
    };
  },
  promote: async (given) => {
    const body = await readJson(given.request, given.sender.tenant, PromoteBody);
    return {
      type: "promoted",
      env: body.env,
      prompt_version: resolve(given, body.prompt_version),
      reason: body.bypass?.reason ?? body.reason,
      body: {
        weight: body.ramp?.[0] ?? body.weight ?? 1,
        is_bypass: body.bypass !== undefined,
        ...(body.ramp === undefined ? {} : { ramp: body.ramp }),
      },
      expectation: needed(readExpectation(given.request, body.expected_revision)),
    };
  },
  advance: async (given) => {
    const body = await readJson(given.request, given.sender.tenant, AdvanceBody);
    return {
      type: "rollout_advanced",
      env: body.env,
      prompt_version: resolve(given, body.prompt_version),
      reason: body.reason,
      body: { step: body.step, decision: body.decision ?? null },
      expectation: needed(readExpectation(given.request, body.expected_revision)),
    };
  },
  rollback: async (given) => {
    const body = await readJson(given.request, given.sender.tenant, RollbackBody);
    const from = body.from === undefined ? null : resolve(given, body.from);
    return {
      type: "rolled_back",
      env: body.env,
      prompt_version: from,
      reason: body.reason,
      body: {
        from,
        to: body.to === undefined ? null : resolve(given, body.to),
        decision: body.decision ?? null,
        ...(body.incident === undefined ? {} : { incident: body.incident }),
      },
      expectation: readExpectation(given.request, body.expected_revision),
    };
  },
  quarantine: async (given) => {
    const { prompt_version, reason } = await readJson(given.request, given.sender.tenant, QuarantineBody);
    return {
      type: "quarantined",
      env: EVERY_ENV,
      prompt_version: resolve(given, prompt_version),
      reason,
      body: {},
    };
  },
  drills: async (given) => {
    const { env, report, reason } = await readJson(given.request, given.sender.tenant, RecordDrillBody);
    return {
      type: "drill_recorded",
      env,
      prompt_version: report.prompt_version,
      reason,
      body: { report },
      created: true,
    };
  },
  policies: async (given) => {
    const body = await readJson(given.request, given.sender.tenant, SetPolicyBody);
    return {
      type: "policy_set",
      env: body.env,
      prompt_version: null,
      reason: body.reason,
      body: { policy: body.policy, policy_hash: body.policy_hash },
      expectation: needed(readExpectation(given.request, body.expected_revision)),
    };
  },
};

/** resolve returns the hash of the version that a reference means. */
function resolve({ known, useCase }: Given, reference: string): string {
  return resolveVersion(known(), useCase, reference);
}

export function writeRoutes(deps: WriteDeps): readonly Route[] {
  return Object.entries(DRAFTS).map(([path, draft]) => commandRoute(deps, path, draft));
}

/** commandRoute makes the route of one command: body, log, answer. */
function commandRoute(deps: WriteDeps, path: string, draft: (given: Given) => Promise<Draft>): Route {
  const { state, submit, clock, logger, ready } = deps;
  return {
    method: "POST",
    path: `/v1/use-cases/:use_case/${path}`,
    access: "deploy",
    async handle(request, response, sender) {
      const { name: actor, tenant } = sender;
      const useCase = readUseCase(request);
      const key = readIdempotencyKey(request);
      const known = () => findUseCase(state, tenant, useCase);
      await ready();
      const {
        expectation = NO_EXPECTATION,
        created = false,
        ...drafted
      } = await draft({ request, sender, useCase, known, now: () => clock.now() });
      const submitted = await submitOrExplain(
        submit,
        { ...drafted, use_case: useCase, actor, expected_revision: expectation.revision },
        tenant,
        key,
      );
      const { outcome } = submitted;
      Object.assign(response.locals, {
        command: drafted.type,
        use_case: useCase,
        env: drafted.env,
        actor,
        tenant,
        log_offset: submitted.offset,
        outcome: outcome.kind === "accepted" ? "accepted" : outcome.code,
      });
      if (outcome.kind === "rejected") throw toProblem(outcome, expectation);
      if (outcome.overridden.length > 0) {
        logger.warn(
          {
            use_case: useCase,
            env: drafted.env,
            prompt_version: drafted.prompt_version,
            actor,
            reason: drafted.reason,
            codes: outcome.overridden.map(({ code }) => code),
          },
          "registry.gate_bypassed",
        );
      }
      answer(response, known()!, drafted, submitted, outcome, created);
    },
  };
}

/** @throws HttpProblem 503, which says whether the command may be repeated, while the log is away */
export async function submitOrExplain(
  submit: Submit,
  given: Command,
  tenant: string,
  key: string | null,
): Promise<Submitted> {
  try {
    return await submit(given, tenant, key);
  } catch (error) {
    if (!(error instanceof LogError) || !error.retryable) throw error;
    throw new HttpProblem(
      {
        type: "urn:plumbline:log-unavailable",
        title: "The log is unavailable",
        status: 503,
        detail:
          key === null
            ? "The command may or may not have been taken. Look at the history before you give it again, and send an Idempotency-Key with it: then it can be repeated safely. What is live goes on being served."
            : "The command may or may not have been taken. Repeat it with the same Idempotency-Key once the log is back. What is live goes on being served.",
      },
      { "retry-after": "2" },
    );
  }
}

function answer(
  response: Response,
  useCase: UseCaseState,
  { env, prompt_version }: Pick<Command, "env" | "prompt_version">,
  { event_id, offset }: Submitted,
  outcome: Outcome & { kind: "accepted" },
  isCreated: boolean,
): void {
  // A rollback's version is known only now, and a decision is the stored one, not what would be decided now.
  const entry = useCase.history.findLast((each) => each.offset === offset);
  const about = entry?.prompt_version ?? prompt_version;
  const version = about === null ? undefined : useCase.versions.get(about);
  const decision = version?.evals.find((each) => each.offset === offset)?.decision;
  const accepted: CommandAccepted = {
    event_id,
    offset,
    use_case: useCase.use_case,
    env,
    prompt_version: about,
    number: version?.number ?? null,
    changed: outcome.changed,
    revision: outcome.revision,
    live: [...liveArms(useCase, useCase.envs.get(env))],
    overridden: [...outcome.overridden],
    ...(decision === undefined ? {} : { decision }),
  };
  if (outcome.revision !== null) response.setHeader("etag", `"${outcome.revision}"`);
  response.status(isCreated && outcome.changed ? 201 : 200).json(accepted);
}

/** Versions, evals, approvals and quarantines concern every env. */
const EVERY_ENV = "";
const NO_EXPECTATION: Expectation = { revision: null, isHeader: false };
/** For a use case that does not exist; the fold refuses the record. */
const UNDECIDED: GateOutcome = { passed: false, failures: [] };

function needed(expectation: Expectation): Expectation {
  if (!isDeepStrictEqual(expectation, NO_EXPECTATION)) return expectation;
  throw new HttpProblem({
    type: "urn:plumbline:expectation-missing",
    title: "Precondition required",
    status: 428,
    detail:
      "Say which revision you saw, as expected_revision or If-Match: GET /v1/use-cases/<use case> has it, per env. Then nobody's change is overwritten unseen.",
    field: "expected_revision",
  });
}

const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  use_case_unknown: 404,
  version_unknown: 404,
  approval_by_author: 403,
  gate_refused: 422,
  hash_mismatch: 422,
  use_case_mismatch: 422,
  idempotency_key_reused: 422,
  reason_missing: 422,
  invalid_command: 400,
};

export function toProblem(
  { code, message, failures }: Outcome & { kind: "rejected" },
  { isHeader }: Expectation,
): HttpProblem {
  const conflict = code === "stale_revision" && isHeader ? 412 : 409;
  return new HttpProblem({
    type: `urn:plumbline:${code.replaceAll("_", "-")}`,
    title: code === "gate_refused" ? "Refused by the gate" : "Refused",
    status: STATUS_BY_CODE[code] ?? conflict,
    detail: message,
    ...(failures.length === 0
      ? {}
      : {
          errors: failures.map((failure, index) => ({
            index,
            field: failure.code,
            message: failure.message,
          })),
        }),
  });
}
