/**
 * Compares the ledger with the store (invariants I1 to I3): every acknowledged call is stored, once, with the texts that
 * were sent, and nothing else is.
 */
import type { Production } from "../processes/production.ts";
import type { ScenarioRun } from "../scenario.ts";
import { TEXTS_DIGEST_SQL, textsDigestOf, USE_CASE } from "./call.ts";
import { Ledger, type Batch } from "./ledger.ts";
import { INSERTED } from "./inserted.ts";
import type { StoreReader } from "./store-reader.ts";

export interface Comparison {
  readonly acknowledged: number;
  readonly stored: number;
  /** Acknowledged and not stored. */
  readonly lost: number;
  /** Rows beyond the first of a call. */
  readonly duplicated: number;
  /** Rows of calls that nobody sent. */
  readonly invented: number;
  /** Stored without their texts, with other texts, or texts without their call. */
  readonly altered: number;
  /** One line a kind of violation, with the first ids. */
  readonly examples: readonly string[];
}

const EXAMPLES_MAX = 3;

/**
 * @param rowsFrom table with one row an insert of a call, for the count of duplicates: `plumbline_raw.calls` only where
 *   the store merges nothing, since a merge collapses a call's rows; with FINAL for what counts in effect
 */
export async function compare(
  ledger: Ledger,
  store: StoreReader,
  rowsFrom = "plumbline_raw.calls",
): Promise<Comparison> {
  const examples = new Map<string, string[]>();
  const violate = (kind: string, callId: string): void => {
    const ids = examples.get(kind) ?? [];
    examples.set(kind, ids);
    if (ids.length < EXAMPLES_MAX) ids.push(callId);
  };

  const rows = new Map<Batch, Uint8Array>();
  const marksOf = (batch: Batch): Uint8Array => {
    const known = rows.get(batch);
    if (known !== undefined) return known;
    const fresh = new Uint8Array(batch.calls);
    rows.set(batch, fresh);
    return fresh;
  };
  let [stored, duplicated, invented, altered] = [0, 0, 0, 0];

  for await (const [callId = "", count] of store.rows(
    `SELECT call_id, count() FROM ${rowsFrom} WHERE ${ledger.isOwnSql} GROUP BY call_id`,
  )) {
    const found = ledger.find(callId);
    if (found === null) {
      invented += 1;
      violate("invented", callId);
      continue;
    }
    stored += 1;
    marksOf(found.batch)[found.index] = 1;
    if (count !== "1") {
      duplicated += Number(count) - 1;
      violate("duplicated", callId);
    }
  }

  const known = Ledger.scopes.map((scope) => `'${scope}'`).join(", ");
  for await (const [callId = ""] of store.rows(
    `SELECT DISTINCT call_id FROM plumbline_raw.calls WHERE use_case = '${USE_CASE}' AND substring(toString(call_id), 1, 8) NOT IN (${known})`,
  )) {
    invented += 1;
    violate("invented", callId);
  }

  const withTexts = new Map<Batch, Uint8Array>();
  for await (const [callId = "", digest] of store.rows(
    `SELECT call_id, any(${TEXTS_DIGEST_SQL}) FROM plumbline_raw.call_payloads WHERE ${ledger.isOwnSql} GROUP BY call_id`,
  )) {
    const found = ledger.find(callId);
    const isOfStoredCall = found !== null && marksOf(found.batch)[found.index] === 1;
    if (!isOfStoredCall || digest !== textsDigestOf(callId)) {
      altered += 1;
      violate("altered", callId);
      continue;
    }
    const marks = withTexts.get(found.batch) ?? new Uint8Array(found.batch.calls);
    withTexts.set(found.batch, marks);
    marks[found.index] = 1;
  }

  let lost = 0;
  for (const batch of ledger.batches()) {
    for (let index = 0; index < batch.calls; index++) {
      const isStored = rows.get(batch)?.[index] === 1;
      if (!isStored && batch.outcome === "acknowledged") {
        lost += 1;
        violate("lost", ledger.idOf(batch, index));
      }
      if (isStored && withTexts.get(batch)?.[index] !== 1) {
        altered += 1;
        violate("without its texts", ledger.idOf(batch, index));
      }
    }
  }
  return {
    acknowledged: ledger.count("acknowledged"),
    stored,
    lost,
    duplicated,
    invented,
    altered,
    examples: [...examples].map(([kind, ids]) => `${kind}: ${ids.join(", ")}`),
  };
}

/** On production: every row was inserted once, whatever was collapsed since. */
export async function compareOnce(
  run: ScenarioRun,
  ledger: Ledger,
  production: Pick<Production, "store">,
): Promise<void> {
  await compareInEffect(run, ledger, production);
  run.requireEqual(run.counts["rows_inserted_twice"] ?? 0, 0, "rows that were inserted twice");
}

/**
 * A row counts once in effect (`FINAL`). For inserts that nobody can end before the next writer looks, because a balancer
 * holds them back or a frozen writer sends them when it wakes: their rows are collapsed. How many there were is counted.
 */
export async function compareInEffect(
  run: ScenarioRun,
  ledger: Ledger,
  { store }: Pick<Production, "store">,
): Promise<void> {
  run.compared(await compare(ledger, store, "plumbline_raw.calls FINAL"));
  run.count("rows_inserted_twice", await repeatedRows(ledger, store));
}

/** Rows beyond the first of a call that were ever inserted, merged away or not. Production only: it keeps them. */
export async function repeatedRows(ledger: Ledger, store: StoreReader): Promise<number> {
  const { repeated } = await store.numbers<"repeated">(
    `SELECT count() - uniqExact(call_id) AS repeated FROM ${INSERTED} WHERE ${ledger.isOwnSql}`,
  );
  return repeated;
}
