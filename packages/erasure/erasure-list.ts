/** The fold of the erasures topic: whose texts were erased, so that no record brings one back. No clock and no I/O. */
import { readEvent, type LogRecord } from "@plumbline/ports";
import { ErasureEvent, type ErasedPlace, type ErasureRequested } from "@plumbline/schemas";
import { nameHash, withoutErasedNames } from "./erased-names.ts";
import { subjectHash } from "./subject-hash.ts";

interface Erasure {
  readonly request: ErasureRequested;
  /** Null while nobody has carried it out. */
  places: readonly ErasedPlace[] | null;
}

export class ErasureList {
  readonly #erasures = new Map<string, Erasure>();
  /** Until when what a subject began is erased, ms since the epoch. */
  readonly #subjects = new Map<string, number>();
  readonly #calls = new Set<string>();
  readonly #names = new Set<string>();
  /** The next offset to fold. */
  next_offset = 0;

  /** A list of one erasure, as if it were no dry run: what it would concern. */
  static of(
    { tenant, subject_hash, at }: ErasureRequested,
    callIds: readonly string[],
    names: readonly string[],
  ): ErasureList {
    const list = new ErasureList();
    list.#subjects.set(subject_hash, Date.parse(at));
    for (const id of callIds) list.#calls.add(subjectHash(tenant, "call", id));
    for (const name of names) {
      const hash = nameHash(tenant, name);
      if (hash !== null) list.#names.add(hash);
    }
    return list;
  }

  get isEmpty(): boolean {
    return this.#subjects.size === 0 && this.#calls.size === 0 && this.#names.size === 0;
  }

  /** Names erased so far; it only rises. */
  get names(): number {
    return this.#names.size;
  }

  /** Names and calls erased so far; it only rises. */
  get size(): number {
    return this.#names.size + this.#calls.size;
  }

  /** The text without the names of the tenant's slices that were erased. */
  withoutNames(text: string, tenant: string): string {
    if (this.#names.size === 0) return text;
    return withoutErasedNames(text, tenant, (hash) => this.#names.has(hash));
  }

  fold(record: LogRecord): void {
    if (record.offset < this.next_offset) return;
    this.next_offset = record.offset + 1;
    const event = readEvent(record, ErasureEvent);
    if (event === null) return;
    const known = this.#erasures.get(event.erasure_id);
    if (event.type === "requested") {
      if (known !== undefined) return;
      this.#erasures.set(event.erasure_id, { request: event, places: null });
      if (event.is_dry_run) return;
      const until = this.#subjects.get(event.subject_hash) ?? 0;
      this.#subjects.set(event.subject_hash, Math.max(until, Date.parse(event.at)));
    } else if (event.type === "calls") {
      for (const hash of event.call_hashes) this.#calls.add(hash);
    } else if (event.type === "names") {
      for (const hash of event.name_hashes) this.#names.add(hash);
    } else if (known !== undefined) {
      known.places ??= event.places;
    }
  }

  get(erasureId: string): Erasure | undefined {
    return this.#erasures.get(erasureId);
  }

  /** Whether the subject was erased, and what began at `startedMs` is a part of that. */
  hasSubject(subjectHash: string, startedMs: number): boolean {
    const until = this.#subjects.get(subjectHash);
    return until !== undefined && startedMs <= until;
  }

  /** Whether the call was found by an erasure. */
  hasCall(callHash: string): boolean {
    return this.#calls.has(callHash) || this.#subjects.has(callHash);
  }
}
