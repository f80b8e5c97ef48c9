/**
 * The fold: one record of the registry topic and the state before it give the state after it and the command's
 * outcome. No clock, no randomness, no I/O; time is the record's. Two replicas that folded the same records hold the
 * same bytes, so the log alone decides which of two concurrent commands wins.
 *
 * The state is changed in place; a rejected command changes nothing but the history.
 */
import { createHash } from "node:crypto";
import { contentHash } from "@plumbline/prompts";
import { readEvent, type LogRecord } from "@plumbline/ports";
import {
  DrillRecordedBody,
  EvalRecordedBody,
  PolicySetBody,
  RegistryEvent,
  VersionRegisteredBody,
} from "@plumbline/schemas";
import { isSamePerson, questionMismatches } from "./check-promotion.ts";
import { accept, changed, invalid, reject, stale, versionOf, versionUnknown } from "./outcome.ts";
import { automationRefusal, setAutomation, switchModel } from "./fleet.ts";
import { advanceRollout, promote, readCanary, rollBack } from "./rollout.ts";
import {
  emptyEnv,
  EVALS_MAX,
  findUseCase,
  liveArms,
  OUTCOMES_MAX,
  type HistoryEntry,
  type Mark,
  type Outcome,
  type RegistryState,
  type UseCaseState,
  useCaseKey,
} from "./state.ts";

/** Raised when a rule changes what an old record leads to: snapshots of other rules are thrown away. */
export const RULES_VERSION = 6;

export interface Folded {
  readonly offset: number;
  readonly tenant: string;
  /** Null when the record is no command. */
  readonly event: RegistryEvent | null;
  readonly outcome: Outcome;
  /** The same event id was folded before. */
  readonly isRepeated: boolean;
}

/** @returns null when the record was folded before */
export function foldRecord(state: RegistryState, record: LogRecord): Folded | null {
  const { offset } = record;
  if (offset < state.next_offset) return null;
  state.next_offset = offset + 1;
  if (state.log_id === "") {
    state.log_id = logIdOf(record);
  }
  const tenant = tenantOf(record);
  const event = readEvent(record, RegistryEvent);
  if (event === null) {
    state.bad_records += 1;
    return {
      offset,
      tenant,
      event,
      outcome: reject("bad_record", "This record is no command."),
      isRepeated: false,
    };
  }
  const fingerprint = fingerprintOf(event);
  const known = state.outcomes.get(event.event_id);
  if (known !== undefined) {
    return { offset, tenant, event, outcome: answerAgain(known, fingerprint), isRepeated: true };
  }
  const mark = { offset, at: record.timestamp, actor: event.actor, reason: event.reason };
  const subject = subjectOf(state, tenant, event);
  const outcome = apply(state, tenant, event, mark);
  state.outcomes.set(event.event_id, { fingerprint, offset, outcome });
  if (state.outcomes.size > OUTCOMES_MAX) {
    state.outcomes.delete(state.outcomes.keys().next().value!);
  }
  remember(findUseCase(state, tenant, event.use_case), event, subject, mark, outcome);
  return { offset, tenant, event, outcome, isRepeated: false };
}

/** Tells the log that begins with this record from every other. */
export function logIdOf({ value }: LogRecord): string {
  return createHash("sha256").update(value).digest("hex").slice(0, 8);
}

/** Whose command it is: the registry writes the tenant of the credential. Records of before keys are the default tenant's. */
export function tenantOf({ headers }: LogRecord): string {
  return headers["tenant"] ?? "default";
}

/** What a command is, without when it was given and what its sender knew: a repetition has the same. */
export function fingerprintOf(event: RegistryEvent): string {
  const { type, use_case, env, prompt_version, actor, reason } = event;
  // The decision is the registry's own addition and depends on the time, as does what was measured.
  const { decision: _d, incident: _i, evidence: _e, ...body } = event.body;
  return contentHash([type, use_case, env, prompt_version, actor, reason, body]).slice("sha256:".length, 39);
}

/** The outcome of a command that is already known, or its refusal when the id belongs to another command. */
export function answerAgain(
  known: { readonly fingerprint: string; readonly outcome: Outcome },
  fingerprint: string,
): Outcome {
  if (known.fingerprint === fingerprint) return known.outcome;
  return reject(
    "idempotency_key_reused",
    "This Idempotency-Key belongs to another command. Send a new key with each new command.",
  );
}

function apply(state: RegistryState, tenant: string, event: RegistryEvent, mark: Mark): Outcome {
  if (event.type === "version_registered") return registerVersion(state, tenant, event, mark);
  if (event.type === "model_switched") return switchModel(state, tenant, event, mark);
  if (event.type === "automation_set") return setAutomation(state, tenant, event, mark);
  const useCase = findUseCase(state, tenant, event.use_case);
  if (useCase === undefined) {
    return reject(
      "use_case_unknown",
      `There is no use case ${event.use_case}. Push its prompt first: plumbline push`,
    );
  }
  const refusal = automationRefusal(state, tenant, event);
  if (refusal !== null) return refusal;
  switch (event.type) {
    case "eval_recorded":
      return recordEval(useCase, event, mark);
    // The decision stands in the eval's own record; further cases are kept in the log for whoever wants to read them.
    case "eval_cases":
      return accept(null, false);
    case "approved":
      return approve(useCase, event, mark);
    case "quarantined":
      return quarantine(useCase, event, mark);
    case "promoted":
      return promote(useCase, event, mark);
    case "rolled_back":
      return rollBack(useCase, event, mark);
    case "policy_set":
      return setPolicy(useCase, event, mark);
    case "drill_recorded":
      return recordDrill(useCase, event, mark);
    case "rollout_advanced":
      return advanceRollout(useCase, event, mark);
    case "canary_read":
      return readCanary(useCase, event, mark);
  }
}

function registerVersion(state: RegistryState, tenant: string, event: RegistryEvent, mark: Mark): Outcome {
  const body = VersionRegisteredBody.safeParse(event.body);
  if (!body.success || event.prompt_version === null) return invalid(event);
  const { document, author, commit, settings } = body.data;
  if (document.use_case !== event.use_case) {
    return reject(
      "use_case_mismatch",
      `The document is of ${document.use_case}, not of ${event.use_case}. Send it to its own use case.`,
    );
  }
  if (contentHash(document) !== event.prompt_version) {
    return reject(
      "hash_mismatch",
      `The document's hash is ${contentHash(document)}. Push again with a current plumbline.`,
    );
  }
  let useCase = findUseCase(state, tenant, event.use_case);
  if (useCase === undefined) {
    useCase = {
      tenant,
      use_case: event.use_case,
      settings: { owner: null, eval_set: null, rubrics: {}, gate: {} },
      versions: new Map(),
      envs: new Map(),
      history: [],
    };
    state.use_cases.set(useCaseKey(tenant, event.use_case), useCase);
  }
  const isNew = !useCase.versions.has(event.prompt_version);
  const hasNewSettings = settings !== null && contentHash(settings) !== contentHash(useCase.settings);
  if (isNew) {
    useCase.versions.set(event.prompt_version, {
      prompt_version: event.prompt_version,
      number: useCase.versions.size + 1,
      document,
      author,
      commit,
      registered: mark,
      approvals: [],
      evals: [],
      eval_count: 0,
      quarantined: null,
    });
  }
  if (hasNewSettings) useCase.settings = settings;
  return accept(null, isNew || hasNewSettings);
}

function recordEval(useCase: UseCaseState, event: RegistryEvent, mark: Mark): Outcome {
  const body = EvalRecordedBody.safeParse(event.body);
  if (!body.success || body.data.record.candidate.prompt_version !== event.prompt_version)
    return invalid(event);
  const { record, decision } = body.data;
  const version = versionOf(useCase, event);
  if (version === undefined) return versionUnknown(useCase, event.prompt_version);
  const incumbent = record.incumbent?.prompt_version ?? null;
  if (incumbent !== null && !useCase.versions.has(incumbent)) return versionUnknown(useCase, incumbent);
  const { eval_set_hash, rubric_hashes } = record;
  const finished_at = Math.min(mark.at, Date.parse(record.finished_at));
  version.evals.push({ ...mark, incumbent, eval_set_hash, rubric_hashes, finished_at, decision });
  version.eval_count += 1;
  if (version.evals.length > EVALS_MAX) version.evals.shift();
  if (decision.passed && questionMismatches(record, useCase.settings).length === 0)
    version.quarantined = null;
  return accept(null);
}

function approve(useCase: UseCaseState, event: RegistryEvent, mark: Mark): Outcome {
  const version = versionOf(useCase, event);
  if (version === undefined) return versionUnknown(useCase, event.prompt_version);
  const { author, registered, approvals, number } = version;
  if (isSamePerson(event.actor, author) || isSamePerson(event.actor, registered.actor)) {
    return reject(
      "approval_by_author",
      `${event.actor} wrote or pushed v${number} and can't approve it. Ask a colleague to approve it.`,
    );
  }
  if (approvals.some(({ actor }) => isSamePerson(actor, event.actor))) return accept(null, false);
  approvals.push(mark);
  return accept(null);
}

function quarantine(useCase: UseCaseState, event: RegistryEvent, mark: Mark): Outcome {
  const version = versionOf(useCase, event);
  if (version === undefined) return versionUnknown(useCase, event.prompt_version);
  if (version.quarantined !== null) return accept(null, false);
  version.quarantined = mark;
  return accept(null);
}

function setPolicy(useCase: UseCaseState, event: RegistryEvent, mark: Mark): Outcome {
  const body = PolicySetBody.safeParse(event.body);
  if (!body.success) return invalid(event);
  const { policy, policy_hash } = body.data;
  if (policy["use_case"] !== event.use_case) {
    return reject(
      "use_case_mismatch",
      `The policy is not one of ${event.use_case}. Send it to its own use case.`,
    );
  }
  if (contentHash(policy) !== policy_hash) {
    return reject(
      "hash_mismatch",
      `The policy's hash is ${contentHash(policy)}. Push again with a current plumbline.`,
    );
  }
  const env = useCase.envs.get(event.env) ?? emptyEnv(event.env);
  if (event.expected_revision !== env.revision) return stale(useCase, env, event);
  if (env.policy?.policy_hash === policy_hash) return accept(env.revision, false);
  env.policy = { policy_hash, document: policy, set: mark };
  return changed(useCase, env, mark, []);
}

/** A drill changes nothing that is live, and so no revision. */
function recordDrill(useCase: UseCaseState, event: RegistryEvent, mark: Mark): Outcome {
  const body = DrillRecordedBody.safeParse(event.body);
  if (!body.success || event.env === "") return invalid(event);
  const env = useCase.envs.get(event.env) ?? emptyEnv(event.env);
  env.drill = { ...mark, report: body.data.report };
  useCase.envs.set(event.env, env);
  return accept(env.revision);
}

/** The version that a command is about; a rollback need not name what is bad. */
function subjectOf(
  state: RegistryState,
  tenant: string,
  { type, use_case, env: name, prompt_version }: RegistryEvent,
): string | null {
  if (type !== "rolled_back" || prompt_version !== null) return prompt_version;
  const env = findUseCase(state, tenant, use_case)?.envs.get(name);
  return env?.canary?.prompt_version ?? env?.stack.at(-1) ?? null;
}

function remember(
  useCase: UseCaseState | undefined,
  event: RegistryEvent,
  subject: string | null,
  mark: Mark,
  outcome: Outcome,
): void {
  if (useCase === undefined) return;
  const { weight, policy_hash, decision = null, incident = null } = event.body;
  // Readings come by the hour; what they led to is history. Further cases of an eval are part of another entry.
  if (event.type === "canary_read" || event.type === "eval_cases") return;
  useCase.history.push({
    ...mark,
    type: event.type,
    env: event.env,
    prompt_version: subject,
    number: subject === null ? null : (useCase.versions.get(subject)?.number ?? null),
    policy_hash: typeof policy_hash === "string" ? policy_hash : null,
    weight: event.type === "promoted" && typeof weight === "number" ? weight : null,
    decision: JUSTIFIED.has(event.type) ? (decision as HistoryEntry["decision"]) : null,
    incident: JUSTIFIED.has(event.type) ? (incident as HistoryEntry["incident"]) : null,
    live: MOVES.has(event.type) ? liveArms(useCase, useCase.envs.get(event.env)) : null,
    outcome,
  });
}

const MOVES: ReadonlySet<RegistryEvent["type"]> = new Set(["promoted", "rolled_back", "rollout_advanced"]);
/** Commands whose justification is kept with them. An eval record keeps its own with the version. */
const JUSTIFIED: ReadonlySet<RegistryEvent["type"]> = new Set(["rolled_back", "rollout_advanced"]);
