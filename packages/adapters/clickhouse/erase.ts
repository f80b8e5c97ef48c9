/** Erasure in the store: counting and removing what people wrote. Mutations rewrite parts, and end before they answer. */
import type { ErasedCalls, ErasedSubject, ErasedTexts } from "@plumbline/ports";
import { ERASURE } from "@plumbline/schemas/queries";
import type { ClickHouseConnection } from "./connection.ts";
import { prepareQuery } from "./prepare-query.ts";
import { readQuery } from "./sql/sql-files.ts";

/** Calls of one mutation. */
const CALLS_MAX = 5_000;
const MUTATIONS = ["erase_payloads", "erase_verdicts", "erase_feedback", "erase_calls"] as const;

const NOTHING: ErasedTexts = { call_payloads: 0, calls: 0, verdicts: 0, feedback: 0 };

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
