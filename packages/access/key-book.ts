/** The fold of the keys topic: which keys exist, whose they are, and until when they hold. No clock and no I/O. */
import { readEvent, type LogRecord } from "@plumbline/ports";
import { KeyEvent, type Scope } from "@plumbline/schemas";

export interface StoredKey {
  readonly key_id: string;
  readonly tenant: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Base64. */
  readonly salt: string;
  /** Base64, scrypt. */
  readonly hash: string;
  /** ISO 8601 UTC; null: never. */
  readonly expires_at: string | null;
  readonly replaces: string | null;
  readonly created_at: string;
  readonly created_by: string;
  /** ISO 8601 UTC; null: it was not revoked. */
  stops_at: string | null;
  /** Day, UTC; null: never used. */
  last_used_on: string | null;
}

type KeyState = "active" | "expired" | "revoked";

export class KeyBook {
  readonly #keys = new Map<string, StoredKey>();
  /** The next offset to fold. */
  next_offset = 0;
  /** Records that are no key events; they change nothing. */
  bad_records = 0;

  fold(record: LogRecord): void {
    if (record.offset < this.next_offset) return;
    this.next_offset = record.offset + 1;
    const event = readEvent(record, KeyEvent);
    if (event === null) {
      this.bad_records += 1;
      return;
    }
    const known = this.#keys.get(event.key_id);
    if (event.type === "created") {
      // The first one holds: nobody takes over a key by writing its prefix again.
      if (known !== undefined) return;
      const { type: _, at, actor, ...key } = event;
      this.#keys.set(event.key_id, {
        ...key,
        created_at: at,
        created_by: actor,
        stops_at: null,
        last_used_on: null,
      });
      return;
    }
    if (known === undefined) return;
    if (event.type === "revoked") known.stops_at = earlier(known.stops_at, event.stops_at);
    else if (known.last_used_on === null || event.on > known.last_used_on) known.last_used_on = event.on;
  }

  get(key_id: string): StoredKey | undefined {
    return this.#keys.get(key_id);
  }

  /** Oldest first. */
  all(): readonly StoredKey[] {
    return [...this.#keys.values()];
  }

  hasActive(nowMs: number): boolean {
    return this.all().some((key) => stateOf(key, nowMs) === "active");
  }
}

/** @param nowMs ms since the epoch */
export function stateOf({ stops_at, expires_at }: StoredKey, nowMs: number): KeyState {
  if (stops_at !== null && Date.parse(stops_at) <= nowMs) return "revoked";
  return expires_at !== null && Date.parse(expires_at) <= nowMs ? "expired" : "active";
}

function earlier(a: string | null, b: string): string {
  return a !== null && Date.parse(a) <= Date.parse(b) ? a : b;
}
