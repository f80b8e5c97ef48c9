import type { Principal } from "@plumbline/runtime/http";
import { DAY_MS } from "@plumbline/schemas";
import type { ReadEvent } from "./read-call.ts";

/** Use cases that one key may name in a day; each one is a series of every chart, a watch and a budget. */
export const USE_CASES_PER_KEY_MAX = 500;

/**
 * Keeps a key from making names without end, such as an id in the use case. What it has named today it may go on naming;
 * events with more names are refused, and their neighbours are not. Counts in this process, from its start.
 */
export class UseCaseLimit {
  readonly #names = new Map<string, Set<string>>();
  readonly #max: number;
  #day = 0;

  constructor(max: number = USE_CASES_PER_KEY_MAX) {
    this.#max = max;
  }

  /** `event`, or its refusal. @param nowMs ms since the epoch */
  check(event: ReadEvent, sender: Principal, nowMs: number): ReadEvent {
    if (event.kind === "rejected" || sender.isOperator) return event;
    const day = Math.floor(nowMs / DAY_MS);
    if (day !== this.#day) {
      this.#names.clear();
      this.#day = day;
    }
    const key = sender.key_id ?? `${sender.tenant} ${sender.name}`;
    const names = this.#names.get(key) ?? new Set<string>();
    this.#names.set(key, names);
    if (names.has(event.use_case)) return event;
    if (names.size < this.#max) {
      names.add(event.use_case);
      return event;
    }
    return {
      kind: "rejected",
      reason: "invalid_value",
      field: "use_case",
      message: `the key of ${sender.name} has named ${this.#max} use cases today, which is the limit; use_case names a feature, and ids belong into attributes`,
    };
  }
}
