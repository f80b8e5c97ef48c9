/** Erasure in the store: counting and removing what people wrote, and incidents without the names erased. Mutations rewrite parts, and end before they answer. */
import { createHash } from "node:crypto";
import type { ErasedCalls, ErasedSubject, ErasedTexts, Store } from "@plumbline/ports";
import { ERASURE } from "@plumbline/schemas/queries";
import { z } from "zod";
import type { ClickHouseConnection } from "./connection.ts";
import { prepareQuery } from "./prepare-query.ts";
import { readQuery } from "./sql/sql-files.ts";

/** Calls of one mutation. */
const CALLS_MAX = 5_000;
/** Calls and names of one query. */
const IDS_MAX = 5_000;
/** Texts of one mutation: they travel in its address. */
const MUTATION_CHARS_MAX = 100_000;
const MUTATIONS = ["erase_payloads", "erase_verdicts", "erase_feedback", "erase_calls"] as const;

const NOTHING: ErasedTexts = { call_payloads: 0, calls: 0, verdicts: 0, feedback: 0 };

/** The name of the metric in events of either shape: earlier releases wrote its name alone. */
const Measured = z
  .object({ detection: z.object({ metric: z.union([z.string(), z.object({ name: z.string() })]) }) })
  .transform(({ detection: { metric } }) => (typeof metric === "string" ? metric : metric.name));

export async function findCallsToErase(
  clickhouse: ClickHouseConnection,
  subject: ErasedSubject,
): Promise<readonly string[]> {
  return (await prepareQuery(clickhouse, ERASURE.calls)(subject)).map(({ call_id }) => call_id);
}

export async function countTexts(clickhouse: ClickHouseConnection, calls: ErasedCalls): Promise<ErasedTexts> {
  let sum = NOTHING;
  for (const some of chunksOf(calls)) sum = add(sum, await countSome(clickhouse, some));
  return sum;
}

export async function eraseTexts(clickhouse: ClickHouseConnection, calls: ErasedCalls): Promise<ErasedTexts> {
  let sum = NOTHING;
  for (const some of chunksOf(calls)) {
    const counted = await countSome(clickhouse, some);
    // The calls last: until they are done, a repetition after a kill finds them and does the rest.
    for (const name of MUTATIONS) await clickhouse.command(readQuery(name), { ...some });
    sum = add(sum, counted);
  }
  return sum;
}

async function countSome(clickhouse: ClickHouseConnection, calls: ErasedCalls): Promise<ErasedTexts> {
  const [counts] = await prepareQuery(clickhouse, ERASURE.counts)(calls);
  return counts!;
}

function* chunksOf({ tenant, call_ids }: ErasedCalls): Generator<ErasedCalls> {
  for (let i = 0; i < call_ids.length; i += CALLS_MAX) {
    yield { tenant, call_ids: call_ids.slice(i, i + CALLS_MAX) };
  }
}

function add(a: ErasedTexts, b: ErasedTexts): ErasedTexts {
  return {
    call_payloads: a.call_payloads + b.call_payloads,
    calls: a.calls + b.calls,
    verdicts: a.verdicts + b.verdicts,
    feedback: a.feedback + b.feedback,
  };
}

/** findNamesToErase returns the names that hold an attribute's value and are nobody else's. */
export async function findNamesToErase(
  clickhouse: ClickHouseConnection,
  { tenant, call_ids }: ErasedCalls,
): Promise<readonly string[]> {
  const findNames = prepareQuery(clickhouse, ERASURE.names);
  const found = new Set<string>();
  for (let i = 0; i < call_ids.length; i += IDS_MAX) {
    const some = { tenant, call_ids: call_ids.slice(i, i + IDS_MAX) };
    for (const { name } of await findNames(some)) found.add(name);
  }
  if (found.size === 0) return [];
  // More calls than one query takes: the rest count as others, and what they share stays.
  const query = { tenant, names: [...found].slice(0, IDS_MAX), call_ids: call_ids.slice(0, IDS_MAX) };
  for (const { name } of await prepareQuery(clickhouse, ERASURE.sharedNames)(query)) found.delete(name);
  return [...found];
}

export async function rewriteIncidents(
  clickhouse: ClickHouseConnection,
  { tenant, names, change, isDryRun }: Parameters<Store["rewriteIncidents"]>[0],
): Promise<number> {
  const findIncidents = prepareQuery(clickhouse, ERASURE.incidents);
  const changed = new Map<string, string>();
  for (let i = 0; i < names.length; i += IDS_MAX) {
    const written = names.slice(i, i + IDS_MAX).map((name) => JSON.stringify(name).slice(1, -1));
    for (const { event } of await findIncidents({ tenant, names: written })) {
      const after = change(event);
      if (after !== event) changed.set(event, after);
    }
  }
  if (isDryRun) return changed.size;
  let batch: [string, string][] = [];
  let chars = 0;
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    await clickhouse.command(readQuery("erase_incidents"), {
      tenant,
      before: batch.map(([before]) => createHash("sha256").update(before).digest("hex")),
      after: batch.map(([, after]) => after),
      metrics: batch.map(([, after]) => Measured.parse(JSON.parse(after))),
    });
    batch = [];
    chars = 0;
  };
  for (const pair of changed) {
    if (chars + pair[1].length > MUTATION_CHARS_MAX) await flush();
    batch.push(pair);
    chars += pair[1].length;
  }
  await flush();
  return changed.size;
}
