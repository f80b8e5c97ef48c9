/** The judge's work list: calls without a verdict, with the texts that are stored of them. */
import type { Store } from "@plumbline/ports";
import { WORK_LIST } from "@plumbline/schemas/queries";
import type { ClickHouseConnection } from "./connection.ts";
import { prepareQuery } from "./prepare-query.ts";

/** Most calls on one page; their texts are read along. */
const PENDING_CALLS_MAX = 10_000;

export function preparePendingCalls(clickhouse: ClickHouseConnection): Store["pendingCalls"] {
  const findCalls = prepareQuery(clickhouse, WORK_LIST.calls);
  const findTexts = prepareQuery(clickhouse, WORK_LIST.texts);
  return async ({ limit, ...query }) => {
    const calls = await findCalls({ ...query, limit: Math.min(limit, PENDING_CALLS_MAX) });
    const first = calls[0];
    const last = calls.at(-1);
    if (first === undefined || last === undefined) return [];
    const texts = await findTexts({
      tenants: [...new Set(calls.map((call) => call.tenant))],
      call_ids: calls.map((call) => call.call_id),
      start: first.started_at,
      end: last.started_at,
    });
    const textsOf = new Map(texts.map((each) => [callKey(each), each]));
    return calls.map(({ has_payload, ...call }) => {
      const stored = textsOf.get(callKey(call));
      const state = stored !== undefined ? "stored" : has_payload ? "missing" : "not_captured";
      return { ...call, texts: state, input: stored?.input ?? null, output: stored?.output ?? null };
    });
  };
}

/** An id is one tenant's: another may have the same one. */
function callKey({ tenant, call_id }: { readonly tenant: string; readonly call_id: string }): string {
  return `${tenant}/${call_id}`;
}
