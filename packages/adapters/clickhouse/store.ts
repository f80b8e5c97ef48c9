/**
 * The Store port on ClickHouse, the same over HTTP and in-process.
 */
import { PROTECTED } from "@plumbline/schemas";
import { z } from "zod";
import {
  type CallRow,
  type DeliveredTable,
  type OffsetRange,
  type Origin,
  PlumblineError,
  type Store,
  StoreError,
  type UseCasePage,
  type Window,
} from "@plumbline/ports";
import type { ClickHouseConnection, RowBlock } from "./connection.ts";
import { encodeBlocks, type EncodedBlock, type TableEncoding, toDateTime64 } from "./encode-rows.ts";
import { CALL_PAYLOADS, CALLS, hasPayload } from "./call-tables.ts";
import { assertMigrated, migrate } from "./migrate.ts";
import { encodeNative, type NativeTable } from "./native/encode-native.ts";
import { eraseTexts, countTexts, findCallsToErase } from "./erase.ts";
import { findNamesToErase, rewriteIncidents } from "./erase-names.ts";
import { readQuery } from "./sql-files.ts";
import type { QueryParameters } from "./sql-text.ts";
import {
  BASELINES,
  DEAD_LETTERS,
  DRIFT_RESULTS,
  EVIDENCE,
  FEEDBACK,
  INCIDENTS,
  INGEST_AUDIT,
  LOG_BINDINGS,
  QUALITY_STATES,
  REGISTRY_EVENTS,
  VERDICTS,
} from "./tables.ts";

/** Most calls on one page of the judge's work list; their texts are read along. */
const PENDING_CALLS_MAX = 10_000;

export function createClickHouseStore(clickhouse: ClickHouseConnection): Store {
  const queries = readQueries();

  async function select<Row>(
    name: keyof typeof queries,
    row: z.ZodType<Row>,
    parameters: QueryParameters = {},
  ): Promise<Row[]> {
    return z.array(row).parse(await clickhouse.query(queries[name], parameters));
  }

  async function ofRange({ log_epoch, log_partition, from, to }: OffsetRange): Promise<QueryParameters> {
    const epoch = log_epoch ?? (await select("log_bindings", LogBinding)).at(-1)?.log_epoch ?? 0;
    return { log_epoch: epoch, log_partition, from, to };
  }

  /** The offsets of rows that one table holds, whatever the other one does. */
  async function offsetsIn(table: string, rows: readonly CallRow[]): Promise<ReadonlySet<number>> {
    const first = rows[0];
    const last = rows.at(-1);
    if (first === undefined || last === undefined) return NONE;
    const { log_epoch = 0, log_partition, log_offset: from } = first;
    const range = { log_epoch, log_partition, from, to: last.log_offset };
    const stored = await select("stored_offsets", StoredOffset, { ...range, table });
    return new Set(stored.map((row) => row.log_offset));
  }

  async function insertAll<Row>(
    rows: readonly Row[],
    encoding: TableEncoding<Row>,
    tag?: string,
  ): Promise<void> {
    const progress: Progress = { blocks: 0 };
    try {
      const { table, columns, values } = encoding;
      const into = { table, columns, format: "JSONCompactEachRow", tag } as const;
      await insertBlocks(clickhouse, into, encodeBlocks(rows, values), progress);
    } catch (error) {
      throw markPartial(error, progress);
    }
  }

  function insertDelivered<Row extends Origin>(
    delivered: DeliveredTable,
    rows: readonly Row[],
    encoding: TableEncoding<Row>,
  ): Promise<void> {
    return insertAll(rows, encoding, rows[0] && tagOf(delivered, rows[0]));
  }

  function insertNative<Row extends Origin>(
    { table, columns }: NativeTable<Row>,
    blocks: AsyncIterable<EncodedBlock>,
    progress: Progress,
    tag: string | undefined,
  ): Promise<void> {
    const into = {
      table,
      tag,
      columns: columns.map(({ name }) => name),
      types: columns.map(({ type }) => type.name),
      format: "Native",
    } as const;
    return insertBlocks(clickhouse, into, blocks, progress);
  }

  return {
    async migrate() {
      return { applied: await migrate(clickhouse) };
    },
    assertMigrated: () => assertMigrated(clickhouse),

    async insertCalls(rows, { isRepeat = false } = {}) {
      const progress: Progress = { blocks: 0 };
      const tag = rows[0] && tagOf("calls", rows[0]);
      const [calls, payloads] = isRepeat
        ? await Promise.all([offsetsIn("calls", rows), offsetsIn("call_payloads", rows)])
        : [NONE, NONE];
      const isNew = (row: CallRow): boolean => !calls.has(row.log_offset);
      const isNewPayload = (row: CallRow): boolean => hasPayload(row) && !payloads.has(row.log_offset);
      const outcomes = await Promise.allSettled([
        insertNative(CALLS, encodeNative(rows, CALLS, isNew), progress, tag),
        insertNative(CALL_PAYLOADS, encodeNative(rows, CALL_PAYLOADS, isNewPayload), progress, tag),
      ]);
      const errors = outcomes.flatMap((each) => (each.status === "rejected" ? [each.reason as unknown] : []));
      // A bad row is the more useful news of two: it is the one that a repetition can't cure.
      const error = errors.find((each) => isDataError(each)) ?? errors[0];
      if (error !== undefined) throw markPartial(error, progress);
    },
    insertVerdicts: (rows) => insertDelivered("verdicts", rows, VERDICTS),
    insertFeedback: (rows) => insertDelivered("feedback", rows, FEEDBACK),
    insertIncidentEvents: (rows) => insertDelivered("incidents", rows, INCIDENTS),
    insertRegistryEvents: (rows) => insertDelivered("registry_events", rows, REGISTRY_EVENTS),
    insertIngestAudit: (rows) => insertAll(rows, INGEST_AUDIT),
    insertDeadLetters: (rows) => insertDelivered("dead_letters", rows, DEAD_LETTERS),
    endInserts: (table, partition) => clickhouse.endInserts(tagOf(table, partition)),

    async storedOffsets(table, range) {
      const asked = await ofRange(range);
      const rows =
        table === "calls"
          ? await select("stored_offsets_of_calls", StoredOffset, asked)
          : await select("stored_offsets", StoredOffset, { ...asked, table });
      return new Set(rows.map((row) => row.log_offset));
    },
    missingRuns: async (table, range) =>
      table === "calls"
        ? select("missing_offsets_of_calls", MissingRun, await ofRange(range))
        : select("missing_offsets", MissingRun, { ...(await ofRange(range)), table }),
    lastOffsets: (table, log_epoch) => select("last_offsets", LastOffset, { table, log_epoch }),
    ingestAudits: async (topic, range) =>
      select("ingest_audits", AuditedRun, { ...(await ofRange(range)), topic }),
    storedCallIds: async (range) => select("stored_call_ids", StoredCallId, await ofRange(range)),
    logBindings: () => select("log_bindings", LogBinding),
    bindLog: (binding) => insertAll([binding], LOG_BINDINGS),

    async pendingCalls({ criterion, rubric_hash, limit, since }) {
      const calls = await select("pending_calls", PendingCall, {
        criterion,
        rubric_hash,
        limit: Math.min(limit, PENDING_CALLS_MAX),
        since: toDateTime64(since),
      });
      const first = calls[0];
      const last = calls.at(-1);
      if (first === undefined || last === undefined) return [];
      const texts = await select("call_texts", CallTexts, {
        tenants: [...new Set(calls.map((call) => call.tenant))],
        call_ids: calls.map((call) => call.call_id),
        start: toDateTime64(first.started_at),
        end: toDateTime64(last.started_at),
      });
      const textsOf = new Map(texts.map((each) => [callKey(each), each]));
      return calls.map(({ has_payload, ...call }) => {
        const stored = textsOf.get(callKey(call));
        const texts =
          stored !== undefined
            ? ("stored" as const)
            : has_payload
              ? ("missing" as const)
              : ("not_captured" as const);
        return { ...call, texts, input: stored?.input ?? null, output: stored?.output ?? null };
      });
    },
    versionTraffic: (query) => select("version_traffic", VersionTraffic, pageParameters(query)),
    samplingCounts: (window) => select("sampling_counts", SamplingCount, windowParameters(window)),
    movedSlices: (since) => select("moved_slices", MovedSlice, { since: toDateTime64(since) }),
    coverageByHour: (window) => select("coverage_by_hour", Coverage, windowParameters(window)),
    judgedUnits: (query) => select("judged_units", JudgedUnitRow, pageParameters(query)),
    judgedUnitCounts: (window) => select("judged_unit_counts", JudgedUnitCount, pageParameters(window)),
    versionActivity: (since) => select("version_activity", VersionActivity, { since: toDateTime64(since) }),
    judgingProgress: (window) => select("judging_progress", JudgingProgress, windowParameters(window)),
    versionOverflow: (window) => select("version_overflow", VersionOverflow, windowParameters(window)),
    silentUseCases: ({ since, ...window }) =>
      select("silent_use_cases", SilentUseCase, { ...windowParameters(window), since: toDateTime64(since) }),
    sliceMix: ({ use_case, ...window }) =>
      select("slice_mix", SliceMix, { ...windowParameters(window), name: use_case }),
    responseModels: ({ use_case, ...window }) =>
      select("response_models", ResponseModel, { ...windowParameters(window), name: use_case }),
    insertBaselines: (rows) => insertAll(rows, BASELINES),
    baselines: (since) => select("baseline_snapshots", BaselineRow, { since: toDateTime64(since) }),
    insertEvidence: (rows) => insertAll(rows, EVIDENCE),
    insertQualityStates: (rows) => insertAll(rows, QUALITY_STATES),
    qualityStates: (since) => select("quality_states", QualityStateRow, { since: toDateTime64(since) }),
    async featureHours(query) {
      const hours = await select("feature_hours", FeatureHours, pageParameters(query));
      return hours.flatMap(({ cells, ...hour }) =>
        cells.map(([slice, feature, counts]) => ({ ...hour, slice, feature, counts })),
      );
    },
    outcomeHours: (query) => select("outcome_hours", OutcomeHour, pageParameters(query)),
    driftTexts: ({ use_case, day_limit, ...window }) =>
      select("drift_texts", DriftText, { ...windowParameters(window), name: use_case, limit: day_limit }),
    judgeLabels: ({ use_case, ...window }) =>
      select("judge_labels", JudgeLabels, { ...windowParameters(window), name: use_case }),
    anchorDays: (window) => select("anchor_days", AnchorDay, windowParameters(window)),
    insertDriftResults: (rows) => insertAll(rows, DRIFT_RESULTS),
    deliveryCheck: () => select("delivery_check", DeliveryCheck),
    ingestLedger: (window) => select("ingest_ledger", IngestLedger, windowParameters(window)),
    unstoredRuns: (query) => select("unstored_runs", OffsetRun, { ...query }),
    async storedCalls(callIds) {
      if (callIds.length === 0) return [];
      return select("stored_calls", StoredCall, { call_ids: [...callIds] });
    },
    async deadLetterOffsets({ topic, ...range }) {
      const rows = await select("dead_letter_offsets", DeadLetterOffset, { ...range, name: topic });
      return new Set(rows.map((row) => row.offset));
    },
    findNamesToErase: (calls) => findNamesToErase(clickhouse, calls),
    rewriteIncidents: (query) => rewriteIncidents(clickhouse, query),
    findCallsToErase: (query) => findCallsToErase(clickhouse, query),
    countTexts: (calls) => countTexts(clickhouse, calls),
    eraseTexts: (calls) => eraseTexts(clickhouse, calls),
    close: () => clickhouse.close(),
  };
}

const NONE: ReadonlySet<number> = new Set();

/** Rows of one insert are of one partition; `call_payloads` go with their calls. */
function tagOf(
  table: DeliveredTable,
  { log_epoch = 0, log_partition }: Pick<Origin, "log_epoch" | "log_partition">,
): string {
  return `plumbline:${table}:${log_epoch}:${log_partition}`;
}

/** Blocks that the engine confirmed. */
interface Progress {
  blocks: number;
}

async function insertBlocks(
  clickhouse: ClickHouseConnection,
  into: Omit<RowBlock, "bytes">,
  blocks: AsyncIterable<EncodedBlock>,
  progress: Progress,
): Promise<void> {
  for await (const { bytes, rowAt } of blocks) {
    try {
      await clickhouse.insert({ ...into, bytes });
      progress.blocks += 1;
    } catch (error) {
      if (!(error instanceof StoreError) || error.failedRow === null) throw error;
      throw new StoreError(storeCode(error), `${into.table}: ${error.message}`, {
        cause: error,
        failedRow: rowAt(error.failedRow),
        clickhouseCode: error.clickhouseCode,
      });
    }
  }
}

/** "Nothing was written" stops being true once another block of the same call has been. */
function markPartial(error: unknown, progress: Progress): unknown {
  if (!(error instanceof StoreError) || error.code !== "store_retriable" || progress.blocks === 0)
    return error;
  return new StoreError("store_unknown", `some blocks were written: ${error.message}`, {
    cause: error,
    clickhouseCode: error.clickhouseCode,
  });
}

function isDataError(error: unknown): boolean {
  return error instanceof PlumblineError && error.code === "store_data";
}

type StoreErrorCode = ConstructorParameters<typeof StoreError>[0];
function storeCode(error: StoreError): StoreErrorCode {
  return error.code as StoreErrorCode;
}

/** An empty page is all use cases: whoever asks about none doesn't ask. */
function pageParameters({ use_cases = [], ...window }: UseCasePage): QueryParameters {
  return {
    ...windowParameters(window),
    tenants: use_cases.map(({ tenant }) => tenant),
    use_cases: use_cases.map(({ use_case }) => use_case),
  };
}

function windowParameters(window: Window): QueryParameters {
  return { start: toDateTime64(window.start), end: toDateTime64(window.end) };
}

/** Read once, when the store is made. */
function readQueries() {
  return {
    anchor_days: readQuery("anchor_days"),
    baseline_snapshots: readQuery("baseline_snapshots"),
    call_texts: readQuery("call_texts"),
    coverage_by_hour: readQuery("coverage_by_hour"),
    dead_letter_offsets: readQuery("dead_letter_offsets"),
    delivery_check: readQuery("delivery_check"),
    drift_texts: readQuery("drift_texts"),
    feature_hours: readQuery("feature_hours"),
    ingest_audits: readQuery("ingest_audits"),
    ingest_ledger: readQuery("ingest_ledger"),
    judge_labels: readQuery("judge_labels"),
    judged_unit_counts: readQuery("judged_unit_counts"),
    judged_units: readQuery("judged_units"),
    judging_progress: readQuery("judging_progress"),
    last_offsets: readQuery("last_offsets"),
    log_bindings: readQuery("log_bindings"),
    missing_offsets: readQuery("missing_offsets"),
    missing_offsets_of_calls: readQuery("missing_offsets_of_calls"),
    moved_slices: readQuery("moved_slices"),
    outcome_hours: readQuery("outcome_hours"),
    pending_calls: readQuery("pending_calls"),
    quality_states: readQuery("quality_states"),
    response_models: readQuery("response_models"),
    silent_use_cases: readQuery("silent_use_cases"),
    slice_mix: readQuery("slice_mix"),
    stored_call_ids: readQuery("stored_call_ids"),
    stored_calls: readQuery("stored_calls"),
    stored_offsets: readQuery("stored_offsets"),
    stored_offsets_of_calls: readQuery("stored_offsets_of_calls"),
    unstored_runs: readQuery("unstored_runs"),
    version_overflow: readQuery("version_overflow"),
    version_activity: readQuery("version_activity"),
    version_traffic: readQuery("version_traffic"),
    sampling_counts: readQuery("sampling_counts"),
  };
}

const SamplingCount = z.object({
  tenant: z.string(),
  env: z.string(),
  use_case: z.string(),
  prompt_version: z.string(),
  calls: z.number(),
  sampled: z.number(),
  rate_sum: z.number(),
});

const MovedSlice = z.object({
  tenant: z.string(),
  env: z.string(),
  use_case: z.string(),
  prompt_version: z.string(),
  slice: z.string(),
  sampled: z.number(),
});

const StoredOffset = z.object({ log_offset: z.number() });
const MissingRun = z.object({ from: z.number(), to: z.number() });
const AuditedRun = z.object({ from: z.number(), to: z.number(), rows: z.number() });
const LastOffset = z.object({ log_partition: z.number(), last_offset: z.number() });
const StoredCallId = z.object({ log_offset: z.number(), tenant: z.string(), call_id: z.string() });
const LogBinding = z.object({ log_epoch: z.number(), log_id: z.string(), bound_at: z.string() });

const PendingCall = z.object({
  call_id: z.string(),
  tenant: z.string(),
  env: z.string(),
  use_case: z.string(),
  prompt_version: z.string(),
  model: z.string(),
  conversation_id: z.string(),
  started_at: z.string(),
  ingested_at: z.string(),
  slices: z.array(z.string()),
  sample_rate: z.number(),
  has_payload: z.boolean(),
});

/** An id is one tenant's: another may have the same one. */
function callKey({ tenant, call_id }: { readonly tenant: string; readonly call_id: string }): string {
  return `${tenant}/${call_id}`;
}

const CallTexts = z.object({
  tenant: z.string(),
  call_id: z.string(),
  input: z.string().nullable(),
  output: z.string().nullable(),
});

const versionKey = {
  tenant: z.string(),
  env: z.string(),
  use_case: z.string(),
  prompt_version: z.string(),
};

const VersionTraffic = z.object({
  ...versionKey,
  calls: z.number(),
  ok_calls: z.number(),
  latency_ms_p95: z.number(),
  cost_usd_sum: z.number(),
  first_started_at: z.string(),
  last_started_at: z.string(),
});

const Coverage = z.object({
  tenant: z.string(),
  env: z.string(),
  use_case: z.string(),
  // The column has whole seconds; the port's times have milliseconds.
  hour: z.string().transform((hour) => new Date(hour).toISOString()),
  sampled: z.number(),
  scored: z.number(),
  cannot_judge: z.number(),
  failed: z.number(),
  expired: z.number(),
  over_budget: z.number(),
});

const IngestLedger = z.object({
  topic: z.string(),
  log_partition: z.number(),
  first_offset: z.number(),
  last_offset: z.number(),
  explained: z.number(),
  holes: z.array(z.tuple([z.number(), z.number()])),
  stored: z.number().nullable(),
});

const OffsetRun = z.object({ from_offset: z.number(), to_offset: z.number() });

const StoredCall = z.object({ tenant: z.string(), call_id: z.string() });

const DeadLetterOffset = z.object({ offset: z.number() });

const DeliveryCheck = z.object({
  log_partition: z.number(),
  rows: z.number(),
  distinct_calls: z.number(),
  min_offset: z.number(),
  max_offset: z.number(),
  missing: z.number(),
});

const seriesKey = {
  tenant: z.string(),
  env: z.string(),
  use_case: z.string(),
  criterion: z.string(),
  rubric_hash: z.string(),
  judge: z.string(),
};

const JudgedUnitRow = z.object({
  ...seriesKey,
  is_guardrail: z.boolean(),
  protects: z.enum(PROTECTED).nullable(),
  prompt_version: z.string(),
  judged_at: z.string(),
  call_id: z.string(),
  score: z.number(),
  slices: z.array(z.string()),
  sample_rate: z.number(),
  input_fingerprint: z.string(),
});

const JudgedUnitCount = z.object({
  ...seriesKey,
  prompt_version: z.string(),
  // The column has whole seconds; the port's times have milliseconds.
  hour: z.string().transform((hour) => new Date(hour).toISOString()),
  units: z.number(),
});

const VersionActivity = z.object({
  ...versionKey,
  calls: z.number(),
  sampled: z.number(),
  first_started_at: z.string(),
  last_started_at: z.string(),
  last_ingested_at: z.string(),
});

const VersionOverflow = z.object({
  tenant: z.string(),
  env: z.string(),
  use_case: z.string(),
  app: z.string(),
  calls: z.number(),
});

const JudgingProgress = z.object({
  tenant: z.string(),
  env: z.string(),
  use_case: z.string(),
  sampled: z.number(),
  scored: z.number(),
  cannot_judge: z.number(),
  failed: z.number(),
  expired: z.number(),
  over_budget: z.number(),
  unjudged: z.number(),
  oldest_unjudged_at: z.string().nullable(),
});

const SilentUseCase = z.object({
  tenant: z.string(),
  env: z.string(),
  use_case: z.string(),
  first_at: z.string(),
  last_at: z.string(),
  calls_of_last_day: z.number(),
  calls_a_week_before: z.number(),
});

const SliceMix = z.object({
  tenant: z.string(),
  env: z.string(),
  prompt_version: z.string(),
  held: z.array(z.string()),
  calls: z.number(),
});

const ResponseModel = z.object({
  tenant: z.string(),
  env: z.string(),
  prompt_version: z.string(),
  response_model: z.string(),
  calls: z.number(),
  first_started_at: z.string(),
  last_started_at: z.string(),
});

const BaselineRow = z.object({
  ...seriesKey,
  snapshot_id: z.string(),
  prompt_version: z.string(),
  incumbent_version: z.string(),
  deployed_at: z.string(),
  reference_start: z.string(),
  reference_end: z.string(),
  units: z.number(),
  score_sum: z.number(),
  snapshot: z.string().transform((json): unknown => JSON.parse(json)),
  created_at: z.string(),
});

const QualityStateRow = z.object({
  ...seriesKey,
  prompt_version: z.string(),
  snapshot_id: z.string(),
  state: z.enum(["WATCHING", "CLEARED", "REGRESSED"]),
  at: z.string(),
  units: z.number(),
  log_m: z.number(),
  log_threshold: z.number(),
});

/** The engine writes whole hours and days without milliseconds; the port's times have them. */
const wholeTime = z.string().transform((time) => new Date(time).toISOString());

const FeatureHours = z.object({
  ...versionKey,
  hour: wholeTime,
  cells: z.array(z.tuple([z.string(), z.string(), z.array(z.tuple([z.number(), z.number()]))])),
});

const OutcomeHour = z.object({
  ...versionKey,
  hour: wholeTime,
  calls: z.number(),
  ok_calls: z.number(),
  elsewhere_calls: z.number(),
  degraded_calls: z.number(),
  priced_calls: z.number(),
  cost_usd_sum: z.number(),
  log_cost_sum: z.number(),
  log_cost_square_sum: z.number(),
  cacheable_calls: z.number(),
  cached_calls: z.number(),
  latency: z.array(z.tuple([z.number(), z.number()])),
  response_models: z.array(z.tuple([z.string(), z.number()])),
});

const DriftText = z.object({
  tenant: z.string(),
  env: z.string(),
  day: wholeTime,
  text_id: z.string(),
  text: z.string(),
});

const JudgeLabels = z.object({
  tenant: z.string(),
  env: z.string(),
  use_case: z.string(),
  criterion: z.string(),
  rubric_hash: z.string(),
  judge: z.string(),
  unlabelled_pass: z.number(),
  unlabelled_fail: z.number(),
  both_pass: z.number(),
  both_fail: z.number(),
  judge_pass_human_fail: z.number(),
  judge_fail_human_pass: z.number(),
  partial_scores: z.number(),
  oldest_label_at: z
    .string()
    .nullable()
    .transform((time) => (time === null ? null : new Date(time).toISOString())),
});

const AnchorDay = z.object({
  tenant: z.string(),
  env: z.string(),
  criterion: z.string(),
  rubric_hash: z.string(),
  judge: z.string(),
  day: wholeTime,
  items: z.number(),
  agreements: z.number(),
});
