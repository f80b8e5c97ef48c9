import {
  type EventLog,
  type LogRecord,
  type QualitySeries,
  readEvent,
  readPages,
  writeEvent,
} from "@plumbline/ports";
import { type Detection, type DetectionKind, type DetectionOf, IncidentEvent } from "@plumbline/schemas";
import { type BypassNotice, foldBypass } from "./bypass-notice.ts";
import {
  type IncidentState,
  isOpen,
  isStanding,
  placeOfCandidate,
  placeOfVersion,
  type RolledBack,
} from "./incident-state.ts";
import { foldIncident, isEvidenceBefore } from "./lifecycle.ts";

export const INCIDENTS = "plumbline.incidents";
/** The topic has one partition: the order of an incident's events is the order of the log. */
export const INCIDENTS_PARTITION = 0;
const READ_RECORDS = 1_000;

type UseCase = Pick<Detection, "tenant" | "env" | "use_case">;

/** The log as far as the fold reads it. */
type IncidentLog = Pick<EventLog, "read" | "watermarks">;

/**
 * Every incident, folded from the incidents topic. Nobody keeps incidents in a memory of its own: the state read back from
 * the log is the same after a restart and in a second replica.
 *
 * A record that is no incident event is skipped: one bad record must not silence every alert after it.
 */
export class IncidentFold {
  readonly #log: IncidentLog;
  readonly #onBadRecord: (record: LogRecord) => void;
  readonly #states = new Map<string, IncidentState>();
  readonly #bypasses = new Map<string, BypassNotice>();
  /** Ids of the rollbacks folded: a second announcement changes nothing. */
  readonly #rollbackIds = new Set<string>();
  /** The newest rollback of each version where it was live. */
  readonly #rollbacks = new Map<string, RolledBack>();
  /** Incident ids by use case: a cycle asks about every use case. */
  readonly #byUseCase = new Map<string, Set<string>>();
  #next = 0;

  constructor(log: IncidentLog, onBadRecord: (record: LogRecord) => void = () => undefined) {
    this.#log = log;
    this.#onBadRecord = onBadRecord;
  }

  /** By incident id, in the order of first detection. */
  get states(): ReadonlyMap<string, IncidentState> {
    return this.#states;
  }

  /** Overrides of the promotion gate, by incident id. */
  get bypasses(): ReadonlyMap<string, BypassNotice> {
    return this.#bypasses;
  }

  /** Folds what was appended since the last call. */
  async refresh(): Promise<void> {
    const [watermark] = await this.#log.watermarks(INCIDENTS);
    this.#next = Math.max(this.#next, watermark?.low ?? 0);
    await this.catchUp(watermark?.high ?? 0);
  }

  /** Reads what was not folded yet, up to offset `to` (exclusive). */
  async catchUp(to: number): Promise<void> {
    const unread = { from: this.#next, to, recordsMax: READ_RECORDS };
    for await (const records of readPages(this.#log, INCIDENTS, INCIDENTS_PARTITION, unread))
      this.apply(records);
  }

  /** Folds records; those folded before are skipped, so a redelivery changes nothing. */
  apply(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (record.offset < this.#next) continue;
      this.#next = record.offset + 1;
      const event = readEvent(record, IncidentEvent);
      if (event === null) {
        this.#onBadRecord(record);
        continue;
      }
      if (event.type === "rolled_back") this.#takeBack(event);
      else this.#applyOwn(event);
    }
  }

  /** An event of one incident or notice. */
  #applyOwn(event: Exclude<IncidentEvent, RolledBack>): void {
    const { incident_id } = event;
    const bypass = foldBypass(this.#bypasses.get(incident_id) ?? null, event);
    if (bypass !== null) this.#bypasses.set(incident_id, bypass);
    const state = foldIncident(this.#states.get(incident_id) ?? null, event);
    if (state === null) return;
    const mayFire = event.type === "detected" || event.type === "unacknowledged";
    this.#states.set(incident_id, mayFire ? this.#afterRollback(state) : state);
    const key = keyOf(state.detection);
    const ids = this.#byUseCase.get(key) ?? new Set();
    this.#byUseCase.set(key, ids.add(incident_id));
  }

  /** A rollback changes everything that blames the version. */
  #takeBack(rollback: RolledBack): void {
    if (this.#rollbackIds.has(rollback.incident_id)) return;
    this.#rollbackIds.add(rollback.incident_id);
    this.#rollbacks.set(placeOfVersion(rollback), rollback);
    for (const [id, state] of this.#states) this.#states.set(id, foldIncident(state, rollback));
    for (const [id, notice] of this.#bypasses) this.#bypasses.set(id, foldBypass(notice, rollback));
  }

  /** An incident that fires about calls from before the rollback of their version is over. */
  #afterRollback(state: IncidentState): IncidentState {
    const rollback = this.#rollbacks.get(placeOfCandidate(state.detection));
    if (state.state !== "firing" || rollback === undefined) return state;
    return isEvidenceBefore(rollback, state.detection) ? foldIncident(state, rollback) : state;
  }

  get(incidentId: string): IncidentState | undefined {
    return this.#states.get(incidentId);
  }

  /** Incidents of one kind about a use case, over or not. */
  of<Kind extends DetectionKind>(useCase: UseCase, kind: Kind): readonly IncidentState<DetectionOf<Kind>>[] {
    return [...(this.#byUseCase.get(keyOf(useCase)) ?? [])]
      .map((id) => this.#states.get(id)!)
      .filter((state) => isOf(state, kind));
  }

  /** Incidents about the quality of one series, over or not. */
  ofSeries(series: QualitySeries): readonly IncidentState<DetectionOf<"quality">>[] {
    return this.of(series, "quality").filter(
      ({ detection }) =>
        detection.metric.name === series.criterion &&
        detection.rubric_hash === series.rubric_hash &&
        detection.judge === series.judge,
    );
  }

  /** Incidents of one kind whose cause may last: open, or dismissed and not over since. */
  standing<Kind extends DetectionKind>(kind: Kind): readonly IncidentState<DetectionOf<Kind>>[] {
    return [...this.#states.values()]
      .filter((state) => isOf(state, kind))
      .filter((state) => isStanding(state));
  }

  /** Incidents of one kind that are neither resolved nor dismissed. */
  open<Kind extends DetectionKind>(kind: Kind): readonly IncidentState<DetectionOf<Kind>>[] {
    return [...this.#states.values()].filter((state) => isOf(state, kind)).filter((state) => isOpen(state));
  }
}

function isOf<Kind extends DetectionKind>(
  state: IncidentState,
  kind: Kind,
): state is IncidentState<DetectionOf<Kind>> {
  return state.detection.kind === kind;
}

/** An event as a record of the topic. */
export function encodeIncidentEvent(event: IncidentEvent): { key: string; value: Uint8Array } {
  return { key: event.incident_id, value: writeEvent(event) };
}

function keyOf({ tenant, env, use_case }: UseCase): string {
  return JSON.stringify([tenant, env, use_case]);
}
