import { foldIncident, type IncidentState, isOpen } from "@plumbline/alerts";
import type { EventLog, QualitySeries } from "@plumbline/ports";
import { type Detection, IncidentEvent } from "@plumbline/schemas";

const READ_RECORDS = 1_000;
const TOPIC = "plumbline.incidents";

type UseCase = Pick<Detection, "tenant" | "env" | "use_case">;

/**
 * The incidents, as a fold of the incidents topic. The monitor reads its own assertions back from
 * the log rather than from memory, so that a restart or a second replica asserts nothing twice.
 */
export class IncidentFold {
  readonly #log: Pick<EventLog, "read" | "watermarks">;
  readonly #states = new Map<string, IncidentState>();
  /** Incident ids by use case: a cycle asks about every use case. */
  readonly #byUseCase = new Map<string, Set<string>>();
  #next = 0;

  constructor(log: Pick<EventLog, "read" | "watermarks">) {
    this.#log = log;
  }

  /** Folds what was appended since the last call. */
  async refresh(): Promise<void> {
    const [watermark] = await this.#log.watermarks(TOPIC);
    const high = watermark?.high ?? 0;
    this.#next = Math.max(this.#next, watermark?.low ?? 0);
    while (this.#next < high) {
      const records = await this.#log.read(TOPIC, 0, this.#next, READ_RECORDS);
      if (records.length === 0) return;
      for (const record of records) {
        this.#next = record.offset + 1;
        const event = parse(record.value);
        if (event === null) continue;
        const state = foldIncident(this.#states.get(event.incident_id) ?? null, event);
        if (state === null) continue;
        this.#states.set(event.incident_id, state);
        const key = keyOf(state.detection);
        const ids = this.#byUseCase.get(key) ?? new Set();
        this.#byUseCase.set(key, ids.add(event.incident_id));
      }
    }
  }

  get(incidentId: string): IncidentState | undefined {
    return this.#states.get(incidentId);
  }

  /** Incidents of one kind about a use case, over or not. */
  of(useCase: UseCase, kind: Detection["kind"]): readonly IncidentState[] {
    return [...(this.#byUseCase.get(keyOf(useCase)) ?? [])]
      .map((id) => this.#states.get(id)!)
      .filter((state) => state.detection.kind === kind);
  }

  /** Incidents about the quality of one series, over or not. */
  ofSeries(series: QualitySeries): readonly IncidentState[] {
    return this.of(series, "quality").filter(
      ({ detection }) =>
        detection.metric === series.criterion &&
        detection.rubric_hash === series.rubric_hash &&
        detection.judge === series.judge,
    );
  }

  /** Incidents of one kind that are neither resolved nor dismissed. */
  open(kind: Detection["kind"]): readonly IncidentState[] {
    return [...this.#states.values()].filter((state) => state.detection.kind === kind && isOpen(state));
  }
}

function keyOf({ tenant, env, use_case }: UseCase): string {
  return JSON.stringify([tenant, env, use_case]);
}

/** Null for a record that is no incident event: the writer dead-letters it, nobody folds it. */
function parse(value: Uint8Array): IncidentEvent | null {
  try {
    return IncidentEvent.parse(JSON.parse(new TextDecoder().decode(value)));
  } catch {
    return null;
  }
}
