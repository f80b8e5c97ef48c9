/**
 * What was sent, and what became of it as the senders saw it. The processes under test can't reach it.
 */
import { randomBytes } from "node:crypto";
import { callIdOf, lineOf, placeOf, USE_CASE } from "./call.ts";

/** `unanswered`: the sender doesn't know. Its calls may be stored, each once, or not. */
export type Outcome = "unanswered" | "acknowledged";

/** One request of one sender. */
export interface Batch {
  readonly sender: number;
  readonly number: number;
  readonly calls: number;
  outcome: Outcome;
  /** Times it reached somebody; more than one when its sender repeats until it is answered. */
  tries: number;
}

export class Ledger {
  static readonly #scopes: string[] = [];
  /** Begins the ids of this ledger's calls: two ledgers of one store don't meet. */
  readonly scope = randomBytes(4).toString("hex");
  readonly #batches = new Map<number, Batch[]>();

  constructor() {
    Ledger.#scopes.push(this.scope);
  }

  /** Of every ledger so far: a call of none of them was invented. */
  static get scopes(): readonly string[] {
    return Ledger.#scopes;
  }

  /** SQL that holds for calls of this ledger. */
  get isOwnSql(): string {
    return `use_case = '${USE_CASE}' AND startsWith(toString(call_id), '${this.scope}')`;
  }

  /** Notes a batch before it is sent, so that nothing that reaches the store is unknown here. */
  issue(sender: number, calls: number): Batch {
    const batches = this.#batches.get(sender) ?? [];
    this.#batches.set(sender, batches);
    const batch: Batch = { sender, number: batches.length, calls, outcome: "unanswered", tries: 0 };
    batches.push(batch);
    return batch;
  }

  /** @param startedAt when the application says that the call of an index began */
  linesOf(batch: Batch, startedAt: (index: number) => Date = () => new Date()): readonly string[] {
    return Array.from({ length: batch.calls }, (_, index) =>
      lineOf(this.idOf(batch, index), startedAt(index).toISOString()),
    );
  }

  idOf({ sender, number }: Batch, index: number): string {
    return callIdOf(this.scope, { sender, batch: number, index });
  }

  /** The batch and index of an id that was issued here, else null. */
  find(callId: string): { readonly batch: Batch; readonly index: number } | null {
    const place = placeOf(this.scope, callId);
    const batch = place === null ? undefined : this.#batches.get(place.sender)?.[place.batch];
    return place === null || batch === undefined || place.index >= batch.calls
      ? null
      : { batch, index: place.index };
  }

  *batches(): Iterable<Batch> {
    for (const batches of this.#batches.values()) yield* batches;
  }

  /** Calls whose batch ended so. */
  count(outcome: Outcome): number {
    let calls = 0;
    for (const batch of this.batches()) if (batch.outcome === outcome) calls += batch.calls;
    return calls;
  }

  /** Batches that were in flight when a process died, or were refused: sent, and not acknowledged at the first try. */
  get disturbed(): number {
    let batches = 0;
    for (const batch of this.batches())
      if (batch.tries > (batch.outcome === "acknowledged" ? 1 : 0)) batches += 1;
    return batches;
  }
}
