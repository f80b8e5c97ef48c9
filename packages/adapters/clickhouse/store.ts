/**
 * The Store port on ClickHouse, the same over HTTP and in-process.
 */
import type { CallRow, DeliveredTable, OffsetRange, Origin, Store, StoreQueries } from "@plumbline/ports";
import { FEATURE_CELLS, OFFSETS, QUERIES, type Query } from "@plumbline/schemas/queries";
import { CALL_PAYLOADS, CALLS, hasPayload } from "./tables/call-tables.ts";
import type { ClickHouseConnection } from "./connection.ts";
import type { TableEncoding } from "./encode/encode-rows.ts";
import { countTexts, eraseTexts, findCallsToErase, findNamesToErase, rewriteIncidents } from "./erase.ts";
import { insertAll, insertNative, isDataError, markPartial, type Progress, tagOf } from "./insert-rows.ts";
import { assertMigrated, migrate } from "./migrate.ts";
import { encodeNative } from "./encode/encode-native.ts";
import { BASELINES, DRIFT_RESULTS, EVIDENCE, QUALITY_STATES } from "./tables/monitor-tables.ts";
import { preparePendingCalls } from "./pending-calls.ts";
import { prepareQuery } from "./prepare-query.ts";
import {
  DEAD_LETTERS,
  FEEDBACK,
  INCIDENTS,
  INGEST_AUDIT,
  LOG_BINDINGS,
  REGISTRY_EVENTS,
  VERDICTS,
} from "./tables/tables.ts";

export function createClickHouseStore(clickhouse: ClickHouseConnection): Store {
  const ofRange = <Asked, Row>(query: Query<Asked, Row>) => prepareQuery(clickhouse, query);
  const queries = prepareQueries(clickhouse);
  const offsets = {
    stored: ofRange(OFFSETS.stored),
    storedOfCalls: ofRange(OFFSETS.storedOfCalls),
    missing: ofRange(OFFSETS.missing),
    missingOfCalls: ofRange(OFFSETS.missingOfCalls),
    audits: ofRange(OFFSETS.audits),
    callIds: ofRange(OFFSETS.callIds),
  };
  const featureCells = prepareQuery(clickhouse, FEATURE_CELLS);

  async function withEpoch(range: OffsetRange): Promise<Required<OffsetRange>> {
    const log_epoch = range.log_epoch ?? (await queries.logBindings()).at(-1)?.log_epoch ?? 0;
    return { ...range, log_epoch };
  }

  /** The offsets of rows that one table holds, whatever the other one does. */
  async function offsetsIn(table: string, rows: readonly CallRow[]): Promise<ReadonlySet<number>> {
    const first = rows[0];
    const last = rows.at(-1);
    if (first === undefined || last === undefined) return NONE;
    const { log_epoch = 0, log_partition, log_offset: from } = first;
    const stored = await offsets.stored({ log_epoch, log_partition, from, to: last.log_offset, table });
    return new Set(stored.map((row) => row.log_offset));
  }

  const insert = <Row>(rows: readonly Row[], encoding: TableEncoding<Row>): Promise<void> =>
    insertAll(clickhouse, rows, encoding);
  const insertDelivered = <Row extends Origin>(
    delivered: DeliveredTable,
    rows: readonly Row[],
    encoding: TableEncoding<Row>,
  ): Promise<void> => insertAll(clickhouse, rows, encoding, rows[0] && tagOf(delivered, rows[0]));

  return {
    ...queries,
    async migrate() {
      return { applied: await migrate(clickhouse) };
    },
    assertMigrated: () => assertMigrated(clickhouse),

    async insertCalls(rows, { isRepeat = false } = {}) {
      const progress: Progress = { blocks: 0 };
      const how = { progress, tag: rows[0] && tagOf("calls", rows[0]) };
      const [calls, payloads] = isRepeat
        ? await Promise.all([offsetsIn("calls", rows), offsetsIn("call_payloads", rows)])
        : [NONE, NONE];
      const isNew = (row: CallRow): boolean => !calls.has(row.log_offset);
      const isNewPayload = (row: CallRow): boolean => hasPayload(row) && !payloads.has(row.log_offset);
      const outcomes = await Promise.allSettled([
        insertNative(clickhouse, CALLS, encodeNative(rows, CALLS, isNew), how),
        insertNative(clickhouse, CALL_PAYLOADS, encodeNative(rows, CALL_PAYLOADS, isNewPayload), how),
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
    insertDeadLetters: (rows) => insertDelivered("dead_letters", rows, DEAD_LETTERS),
    insertIngestAudit: (rows) => insert(rows, INGEST_AUDIT),
    insertBaselines: (rows) => insert(rows, BASELINES),
    insertEvidence: (rows) => insert(rows, EVIDENCE),
    insertQualityStates: (rows) => insert(rows, QUALITY_STATES),
    insertDriftResults: (rows) => insert(rows, DRIFT_RESULTS),
    bindLog: (binding) => insert([binding], LOG_BINDINGS),
    endInserts: (table, partition) => clickhouse.endInserts(tagOf(table, partition)),

    async storedOffsets(table, asked) {
      const range = await withEpoch(asked);
      const rows =
        table === "calls" ? await offsets.storedOfCalls(range) : await offsets.stored({ ...range, table });
      return new Set(rows.map((row) => row.log_offset));
    },
    async missingRuns(table, asked) {
      const range = await withEpoch(asked);
      return table === "calls" ? offsets.missingOfCalls(range) : offsets.missing({ ...range, table });
    },
    ingestAudits: async (topic, range) => offsets.audits({ ...(await withEpoch(range)), topic }),
    storedCallIds: async (range) => offsets.callIds(await withEpoch(range)),

    pendingCalls: preparePendingCalls(clickhouse),
    async featureHours(page) {
      const hours = await featureCells(page);
      return hours.flatMap(({ cells, ...hour }) =>
        cells.map(([slice, feature, counts]) => ({ ...hour, slice, feature, counts })),
      );
    },
    findNamesToErase: (calls) => findNamesToErase(clickhouse, calls),
    rewriteIncidents: (query) => rewriteIncidents(clickhouse, query),
    findCallsToErase: (subject) => findCallsToErase(clickhouse, subject),
    countTexts: (calls) => countTexts(clickhouse, calls),
    eraseTexts: (calls) => eraseTexts(clickhouse, calls),
    close: () => clickhouse.close(),
  };
}

const NONE: ReadonlySet<number> = new Set();

/** The methods that one query each answers. */
function prepareQueries(clickhouse: ClickHouseConnection): StoreQueries {
  const methods = Object.entries<Query>(QUERIES).map(([name, query]) => {
    const ask = prepareQuery(clickhouse, query);
    return [name, (asked: unknown = {}) => ask(asked)] as const;
  });
  // `fromEntries` forgets that each name has the method of its own query.
  return Object.fromEntries(methods) as unknown as StoreQueries;
}
