/** An eval of thousands of cases is larger than a record of the log may be: its cases are spread over several. */
import {
  EvalRecordedBody,
  type EvalCasesBody,
  type EvalRecord,
  type RegistryEvent,
} from "@plumbline/schemas";

/** Most bytes of cases in one record: what else stands in it, the decision included, has room beside them. */
const CASES_BYTES_A_RECORD = 500_000;

type Case = EvalRecord["candidate"]["cases"][number];
type Part = Readonly<Pick<EvalCasesBody, "candidate" | "incumbent">>;

/**
 * splitEval leaves as many cases in an eval's own event as have room there, and returns the rest as events that go into
 * the log before it. The same eval is always split alike, so that a repeated command has the same fingerprint. Any other
 * event is returned as it is.
 */
export function splitEval(event: RegistryEvent): readonly [RegistryEvent, readonly RegistryEvent[]] {
  if (event.type !== "eval_recorded") return [event, []];
  const { record, decision } = EvalRecordedBody.parse(event.body);
  const [first, ...rest] = partsOf(record);
  if (first === undefined || rest.length === 0) return [event, []];
  const { candidate, incumbent } = record;
  const own = {
    ...record,
    candidate: { ...candidate, cases: first.candidate },
    incumbent: incumbent === null ? null : { ...incumbent, cases: first.incumbent },
  };
  const parts = rest.map((part, i) => ({
    ...event,
    event_id: `${event.event_id}_${i + 1}`,
    type: "eval_cases" as const,
    reason: "",
    body: { eval_event_id: event.event_id, part: i + 1, ...part } satisfies EvalCasesBody,
  }));
  return [{ ...event, body: { record: own, decision, parts: parts.length } }, parts];
}

function partsOf({ candidate, incumbent }: EvalRecord): readonly Part[] {
  const parts: { candidate: Case[]; incumbent: Case[] }[] = [];
  let bytes = Infinity;
  const add = (side: "candidate" | "incumbent", cases: readonly Case[]): void => {
    for (const each of cases) {
      const size = Buffer.byteLength(JSON.stringify(each)) + 1;
      if (bytes + size > CASES_BYTES_A_RECORD) {
        parts.push({ candidate: [], incumbent: [] });
        bytes = 0;
      }
      parts.at(-1)![side].push(each);
      bytes += size;
    }
  };
  add("candidate", candidate.cases);
  add("incumbent", incumbent?.cases ?? []);
  return parts;
}
