/** The quality monitor on rows in memory, under a virtual clock. */
import { IncidentFold } from "@plumbline/alerts";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import type { BaselineRow, EvidenceRow, JudgedUnitRow, QualityStateRow } from "@plumbline/ports";
import { HOUR_MS, IncidentEvent, type QualityDetection } from "@plumbline/schemas";
import { createRandom } from "@plumbline/stats";
import { pino } from "pino";
import { createQualityMonitor, type QualityOptions, type QualityStore } from "./quality-monitor.ts";
import { RegistryView } from "../deploys/registry-view.ts";
import { groupBy, hourOf, iso } from "../units/series.ts";

const DAY = 24;

export interface Served {
  readonly version: string;
  readonly hours: number;
  readonly quality: number;
  readonly is_guardrail?: boolean;
  readonly protects?: JudgedUnitRow["protects"];
  readonly perHour?: number;
  /** A report of the same inputs, one after the other, some harder than others; scores instead of verdicts. */
  readonly inputs?: number;
}

export interface WorldOptions extends Partial<QualityOptions> {
  /** Calls behind each judged unit; without them no traffic is known. */
  readonly callsPerUnit?: number;
}

export function setUp(
  { callsPerUnit = 0, ...options }: WorldOptions = {},
  holds: (useCase: string) => boolean = () => true,
) {
  const clock = new VirtualClock("2026-03-02T00:00:00Z");
  const log = createMemoryEventLog({ clock });
  const random = createRandom(17);
  const units: JudgedUnitRow[] = [];
  const baselines: BaselineRow[] = [];
  const states: QualityStateRow[] = [];
  const evidence: EvidenceRow[] = [];
  const versions = () => [...new Set(units.map((row) => row.prompt_version))];
  const key = { tenant: "default", env: "production", use_case: "ticket-summary" };
  const callsOf = (start: string, end: string) =>
    versions().flatMap((prompt_version) => {
      const own = units.filter(
        (row) => row.prompt_version === prompt_version && row.judged_at >= start && row.judged_at < end,
      );
      return own.length * callsPerUnit === 0 ? [] : [{ prompt_version, calls: own.length * callsPerUnit }];
    });
  const store: QualityStore = {
    judgedUnits: async ({ start, end, use_cases = [] }) =>
      units.filter(
        (row) =>
          row.judged_at >= start &&
          row.judged_at < end &&
          (use_cases.length === 0 || use_cases.some(({ use_case }) => row.use_case === use_case)),
      ),
    judgedUnitCounts: async ({ start, end }) => {
      const own = units.filter((row) => row.judged_at >= start && row.judged_at < end);
      const hours = groupBy(own, (row) => JSON.stringify([row.prompt_version, hourOf(row.judged_at)]));
      return [...hours.values()].map((group) => ({
        ...group[0]!,
        hour: iso(hourOf(group[0]!.judged_at) * HOUR_MS),
        units: group.length,
      }));
    },
    versionActivity: async () =>
      versions().map((prompt_version) => {
        const own = units.filter((row) => row.prompt_version === prompt_version);
        const last = own.at(-1)!.judged_at;
        return {
          ...key,
          prompt_version,
          calls: own.length,
          sampled: own.length,
          first_started_at: own[0]!.judged_at,
          last_started_at: last,
          last_ingested_at: last,
        };
      }),
    versionTraffic: async ({ start, end }) =>
      callsOf(start, end).map(({ prompt_version, calls }) => ({
        ...key,
        prompt_version,
        calls,
        ok_calls: calls,
        latency_ms_p95: 900,
        cost_usd_sum: 0,
        first_started_at: start,
        last_started_at: end,
      })),
    sliceMix: async ({ start, end }) => callsOf(start, end).map((each) => ({ ...key, ...each, held: [] })),
    affectedPeople: async () => [{ people: 0 }],
    responseModels: async () => [],
    judgeLabels: async () => [],
    baselines: async () => baselines,
    insertBaselines: async (rows) => void baselines.push(...rows),
    insertEvidence: async (rows) => void evidence.push(...rows),
    insertQualityStates: async (rows) => void states.push(...rows),
    qualityStates: async () => states,
  };
  const create = () =>
    createQualityMonitor({
      store,
      log,
      clock,
      logger: pino({ level: "silent" }),
      incidents: new IncidentFold(log),
      registry: new RegistryView(log),
      holds,
      options: { alpha: 0.05, tickets: true, ...options },
    });
  let monitor = create();
  return {
    store,
    evidence,
    states,
    run: () => monitor.run(),
    restart: () => (monitor = create()),
    async serve({ version, hours, quality, is_guardrail = true, protects, perHour = 10, inputs }: Served) {
      let next = 0;
      for (let hour = 0; hour < hours; hour += 3) {
        const count = 3 * perHour;
        for (let i = 0; i < count; i++) {
          units.push({
            ...key,
            criterion: "faithfulness",
            is_guardrail,
            ...(protects == null ? {} : { protects }),
            rubric_hash: "sha256:r",
            judge: "judge-a",
            prompt_version: version,
            judged_at: iso(clock.now() + Math.floor((i / count) * 3 * HOUR_MS)),
            call_id: `call-${units.length}`,
            ...(inputs === undefined
              ? { score: random.uniform() < quality ? 1 : 0 }
              : onInput(next++ % inputs, quality, random.uniform())),
            slices: random.uniform() < 0.3 ? ["lang=de"] : ["lang=en"],
            sample_rate: 0.05,
          });
        }
        await clock.advance(3 * HOUR_MS);
        await monitor.run();
      }
    },
    async append(event: IncidentEvent): Promise<void> {
      const value = new TextEncoder().encode(JSON.stringify(event));
      await log.append("plumbline.incidents", [{ key: event.incident_id, value }]);
    },
    clock,
    units,
    statesNow: () => monitor.states(),
    async detected() {
      const records = await log.read("plumbline.incidents", 0, 0, { recordsMax: 10_000 });
      return records
        .map((record) => IncidentEvent.parse(JSON.parse(new TextDecoder().decode(record.value))))
        .flatMap((event) => (event.type === "detected" ? [event] : []));
    },
    /** What was asserted of quality. */
    async found(): Promise<QualityDetection[]> {
      return (await this.detected()).flatMap(({ detection }) =>
        detection.kind === "quality" ? [detection] : [],
      );
    },
  };
}

/** The score of an input is how easy it is, times the version's quality, give or take a tenth. */
function onInput(input: number, quality: number, noise: number): Partial<JudgedUnitRow> & { score: number } {
  const ease = 0.3 + 0.6 * ((input * 0.618) % 1);
  return { input_fingerprint: `input-${input}`, score: ease * quality + 0.1 * noise };
}

export const GOOD: Served = { version: "v1", hours: 8 * DAY, quality: 0.92 };
export const BAD: Served = { version: "v2", hours: 30, quality: 0.6 };
