/** Described calls in a store, and the measures run on it under a virtual clock; a test brings the store itself. */
import { encodeIncidentEvent, IncidentFold } from "@plumbline/alerts";
import { describeCall } from "@plumbline/features";
import type { CallRow, Clock, EventLog, Store } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import { IncidentEvent, LlmCall, type LlmCallInput } from "@plumbline/schemas";
import { createRandom } from "@plumbline/stats";
import { createMeasuresMonitor, type MeasuresDeps, type MeasuresMonitor } from "./monitor.ts";

export const WORLD_USE_CASE = "ticket-summary";
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** `days` of 960 calls a day. */
export function calls(
  from: number,
  days: number,
  version: string,
  make: (random: ReturnType<typeof createRandom>) => Partial<WorldCall>,
): WorldCall[] {
  const random = createRandom(from / HOUR_MS);
  return Array.from({ length: days * 960 }, (_, i) => {
    const at = from + (i * DAY_MS) / 960;
    const isMoney = random.uniform() < 0.2;
    const words = Array.from(
      { length: 8 + random.integer(12) },
      () => "the order is late".split(" ")[random.integer(4)],
    ).join(" ");
    const amount = isMoney ? ` $${10 + random.integer(90)}` : "";
    return { at, version, input: `${words}${amount}`, output: `Summary: ${words}${amount}`, ...make(random) };
  });
}

export interface StoreWorld {
  readonly store: Store;
  /** What the monitors asked the store, by method, since the last look at it. */
  readonly asked: () => readonly string[];
  /** Another monitor on the same rows and log, as after a restart. */
  readonly restart: () => MeasuresMonitor;
  readonly insert: (calls: readonly WorldCall[]) => Promise<void>;
  readonly events: () => Promise<readonly IncidentEvent[]>;
  /** What a person does about an incident. */
  readonly append: (event: IncidentEvent) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface WorldCall {
  /** Its start, ms since the epoch. */
  readonly at: number;
  /** When the log accepted it, ms since the epoch; at its start when left out. */
  readonly arrivedAt?: number;
  readonly version: string;
  readonly input: string | null;
  readonly output: string | null;
  readonly useCase?: string;
  readonly changes?: Partial<LlmCallInput>;
}

export interface WorldParts {
  readonly store: Store;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly holds: (useCase: string) => boolean;
  /** Removes what the store left behind. */
  readonly remove: () => Promise<void>;
}

export function createStoreWorld({ store, log, clock, holds, remove }: WorldParts): StoreWorld {
  const logger = createLogger("measures", "error");
  let asked: string[] = [];
  const counted = countCalls(store, (method) => asked.push(method));
  let offset = 0;
  return {
    store,
    asked: () => {
      const methods = asked;
      asked = [];
      return methods;
    },
    restart: () =>
      createMeasuresMonitor({
        store: counted,
        log,
        clock,
        logger,
        incidents: new IncidentFold(log),
        holds,
        settleMs: 0,
      }),
    insert: (calls) => store.insertCalls(calls.map((call) => toRow(call, offset++))),
    events: async () =>
      (await log.read("plumbline.incidents", 0, 0, { recordsMax: 1_000 })).map((record) =>
        IncidentEvent.parse(JSON.parse(new TextDecoder().decode(record.value))),
      ),
    append: async (event) => {
      await log.append("plumbline.incidents", [encodeIncidentEvent(event)]);
    },
    close: async () => {
      await store.close();
      await remove();
    },
  };
}

/** The store itself, with a note of every method that is called. */
function countCalls(store: Store, note: (method: string) => void): MeasuresDeps["store"] {
  return new Proxy(store, {
    get(target, name: keyof Store) {
      note(name);
      return target[name];
    },
  });
}

function toRow(
  { at, arrivedAt = at, version, input, output, useCase, changes }: WorldCall,
  offset: number,
): CallRow {
  const time = new Date(at).toISOString();
  const call = LlmCall.parse({
    call_id: `01935b2e-7c4e-7000-8000-${offset.toString(16).padStart(12, "0")}`,
    schema_version: 1,
    started_at: time,
    env: "production",
    app: "a",
    use_case: useCase ?? WORLD_USE_CASE,
    prompt_version: version,
    provider: "openai",
    model: "m",
    status: "ok",
    latency_ms: 900,
    input,
    output,
    ...changes,
  } satisfies LlmCallInput);
  const { slices, features } = describeCall(call);
  return {
    log_partition: 0,
    log_offset: offset,
    ingested_at: new Date(arrivedAt).toISOString(),
    tenant: "default",
    call,
    prompt_version: version,
    conversation_id: call.call_id,
    started_at: time,
    clock_skew_ms: 0,
    cost_usd: call.cost_usd ?? null,
    slices,
    features,
    is_sampled: false,
    sample_rate: 0,
    flags: [],
  };
}
