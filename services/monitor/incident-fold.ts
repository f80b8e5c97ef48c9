import { foldIncident, type IncidentState } from "@plumbline/alerts";
import type { EventLog } from "@plumbline/ports";
import { IncidentEvent, type Detection } from "@plumbline/schemas";

const READ_RECORDS = 1_000;
const TOPIC = "plumbline.incidents";

type SeriesKey = Pick<Detection, "tenant" | "env" | "use_case"> & { readonly criterion: string };

/**
 * The incidents, as a fold of the incidents topic. The monitor reads its own assertions back from
 * the log rather than from memory, so that a restart or a second replica asserts nothing twice.
 */
export class IncidentFold {
  readonly #log: Pick<EventLog, "read" | "watermarks">;
  readonly #states = new Map<string, IncidentState>();
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
        if (state !== null) this.#states.set(event.incident_id, state);
      }
    }
  }

  /** Incidents about the quality of one use case on one criterion, over or not. */
  ofSeries(series: SeriesKey): readonly IncidentState[] {
    return [...this.#states.values()].filter(
      ({ detection }) =>
        detection.kind === "quality" &&
        detection.tenant === series.tenant &&
        detection.env === series.env &&
        detection.use_case === series.use_case &&
        detection.metric === series.criterion,
    );
  }
}

/** Null for a record that is no incident event: the writer dead-letters it, nobody folds it. */
function parse(value: Uint8Array): IncidentEvent | null {
  try {
    return IncidentEvent.parse(JSON.parse(new TextDecoder().decode(value)));
  } catch {
    return null;
  }
}
