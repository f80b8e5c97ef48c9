/** Commands as the registry's own API would write them, for tests that fold or append them directly. */
import { contentHash } from "@plumbline/prompts";
import type { LogRecord, NewRecord } from "@plumbline/ports";
import type { EvalRecord, PromptDocumentBody, RegistryEvent, UseCaseSettings } from "@plumbline/schemas";

export const USE_CASE = "ticket-summary";
export const EVAL_SET_HASH = hashOf("eval set 1");
export const RUBRICS = { faithfulness: hashOf("faithfulness 1") };
export const SETTINGS: UseCaseSettings = {
  owner: "team:support-platform",
  eval_set: {
    hash: EVAL_SET_HASH,
    cases: 200,
    owner: "lee",
    cadence_ms: 90 * 86_400_000,
    newest_added: "2026-11-01",
  },
  rubrics: RUBRICS,
  gate: {},
};

/** Of the records that `toRecords` puts into the log a minute later and on. */
const FINISHED_AT = "2026-11-24T08:59:00.000Z";

export function hashOf(text: string): string {
  return contentHash(text);
}

export function documentOf(text: string, useCase = USE_CASE): PromptDocumentBody {
  return {
    use_case: useCase,
    model: "openai/gpt-5-mini",
    config: { temperature: 0.2 },
    messages: [
      { role: "system", content: text },
      { role: "user", content: "{{ticket}}" },
    ],
  };
}

/** The prompt version of `documentOf(text)`. */
export function versionOf(text: string, useCase = USE_CASE): string {
  return contentHash(documentOf(text, useCase));
}

let count = 0;

function event(more: Pick<RegistryEvent, "type"> & Partial<RegistryEvent>): RegistryEvent {
  count += 1;
  return {
    event_id: `e${count}`,
    use_case: USE_CASE,
    env: "",
    expected_revision: 0,
    prompt_version: null,
    actor: "ann",
    reason: "",
    at: "2026-11-24T09:00:00.000Z",
    body: {},
    ...more,
  };
}

export function registered(
  text: string,
  more: Partial<RegistryEvent> & { settings?: UseCaseSettings | null } = {},
): RegistryEvent {
  const { settings = SETTINGS, ...rest } = more;
  const useCase = rest.use_case ?? USE_CASE;
  return event({
    type: "version_registered",
    prompt_version: versionOf(text, useCase),
    body: { document: documentOf(text, useCase), author: rest.actor ?? "ann", commit: null, settings },
    ...rest,
  });
}

/** The results of 30 cases that all pass, or all but a few of the candidate's. */
export function recordOf(text: string, incumbent: string | null, failing = 0): EvalRecord {
  const results = (version: string, failures: number): EvalRecord["candidate"] => ({
    prompt_version: version,
    cases: Array.from({ length: 30 }, (_, i) => ({
      case_id: `c${i}`,
      score: i < failures ? 0 : 1,
      passes: i >= failures,
      slices: [],
      cost_usd: 0.001,
      latency_ms: 700,
    })),
  });
  return {
    candidate: results(versionOf(text), failing),
    incumbent: incumbent === null ? null : results(versionOf(incumbent), 0),
    eval_set_hash: EVAL_SET_HASH,
    rubric_hashes: RUBRICS,
    finished_at: FINISHED_AT,
  };
}

export function evaluated(
  text: string,
  incumbent: string | null,
  more: Partial<RegistryEvent> & { passed?: boolean; record?: Record<string, unknown> } = {},
): RegistryEvent {
  const { passed = true, record = {}, ...rest } = more;
  return event({
    type: "eval_recorded",
    prompt_version: versionOf(text),
    body: {
      record: {
        ...recordOf(text, incumbent),
        ...record,
      },
      decision: {
        passed,
        failures: passed
          ? []
          : [{ code: "slice_worse", message: "Slice amount:present is worse by 12 points." }],
      },
    },
    ...rest,
  });
}

export function approved(text: string, more: Partial<RegistryEvent> = {}): RegistryEvent {
  return event({ type: "approved", prompt_version: versionOf(text), actor: "bob", ...more });
}

export function quarantined(text: string, more: Partial<RegistryEvent> = {}): RegistryEvent {
  return event({ type: "quarantined", prompt_version: versionOf(text), reason: "loses amounts", ...more });
}

export function promoted(
  text: string,
  expected_revision: number,
  more: Partial<RegistryEvent> & { weight?: number; isBypass?: boolean } = {},
): RegistryEvent {
  const { weight = 1, isBypass = false, ...rest } = more;
  return event({
    type: "promoted",
    env: "production",
    prompt_version: versionOf(text),
    expected_revision,
    body: { weight, is_bypass: isBypass },
    ...rest,
  });
}

export function rolledBack(
  expected_revision: number,
  {
    from = null,
    to = null,
    ...rest
  }: Partial<RegistryEvent> & { from?: string | null; to?: string | null } = {},
): RegistryEvent {
  return event({
    type: "rolled_back",
    env: "production",
    expected_revision,
    reason: "loses amounts",
    body: { from: from === null ? null : versionOf(from), to: to === null ? null : versionOf(to) },
    ...rest,
  });
}

export function policySet(
  expected_revision: number,
  deadlineMs: number,
  more: Partial<RegistryEvent> = {},
): RegistryEvent {
  const policy = { use_case: USE_CASE, deadline_ms: deadlineMs };
  return event({
    type: "policy_set",
    env: "production",
    expected_revision,
    body: { policy, policy_hash: contentHash(policy) },
    ...more,
  });
}

/** A version that the gate lets pass in place of `incumbent`. */
export function admissible(
  text: string,
  incumbent: string | null,
  finishedAt = FINISHED_AT,
): readonly RegistryEvent[] {
  return [
    registered(text),
    evaluated(text, incumbent, { record: { finished_at: finishedAt } }),
    approved(text),
  ];
}

/** A live version and candidates that all may replace it, judged just now by the log's time. */
export function race(candidates: readonly string[], now: Date): readonly RegistryEvent[] {
  const finishedAt = now.toISOString();
  return [
    ...admissible("one", null, finishedAt),
    promoted("one", 0),
    ...candidates.flatMap((text) => admissible(text, "one", finishedAt)),
  ];
}

export function toNewRecord(command: RegistryEvent): NewRecord {
  return { key: command.use_case, value: Buffer.from(JSON.stringify(command)) };
}

const START = Date.parse("2026-11-24T09:00:00Z");

/** As the log would hand them over, a second apart. */
export function toRecords(commands: readonly RegistryEvent[], from = 0): readonly LogRecord[] {
  return commands.map((command, i) => ({
    partition: 0,
    offset: from + i,
    timestamp: START + (from + i) * 1000,
    headers: {},
    ...toNewRecord(command),
  }));
}
