/**
 * The replay on real data, which lies beside the project and is not part of it; skipped loudly where it is absent.
 * `docs/understand/backtest.md` holds the results of the whole files.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createLogger } from "@plumbline/runtime/logger";
import { backtest, type BacktestOptions } from "@plumbline/services/local/backtest/replay";
import { expect, test } from "vitest";

const DATA = fileURLToPath(new URL("../../../shared/data/open/", import.meta.url));
const isPresent = existsSync(DATA);
if (!isPresent) console.warn(`backtest-real: SKIPPED, there is no ${DATA}`);
const HOUR_MS = 3_600_000;

const run = (name: string, options: Partial<BacktestOptions> = {}) =>
  backtest({
    events: `${DATA}${name}.events.jsonl.gz`,
    judge: "labels",
    environment: {},
    logger: createLogger("backtest", "error"),
    stepMs: 6 * HOUR_MS,
    ...options,
  });

test.skipIf(!isPresent)(
  "the money incident is found within two days and named by its slice, by the judge and without one",
  { timeout: 900_000 },
  async () => {
    const report = await run("incident_money_qmsum", {
      arrivals: `${DATA}incident_money_qmsum.arrivals.csv.gz`,
      judgeNoise: 0.3,
      until: "2024-01-17T00:00:00Z",
      stepMs: 3 * HOUR_MS,
    });
    expect(report.incidents.filter(({ detected_at }) => detected_at < "2024-01-15")).toEqual([]);
    const quality = report.incidents.find(({ kind }) => kind === "quality");
    expect(quality).toMatchObject({ candidate: "v2", incumbent: "v1", metric: "quality" });
    expect(quality!.hours_since_version).toBeLessThanOrEqual(48);
    expect(quality!.slices[0]?.name).toBe("mentions_money");
    const outputs = report.incidents.find(({ kind }) => kind === "output_drift");
    expect(outputs).toMatchObject({ candidate: "v2", incumbent: "v1" });
    expect(outputs!.hours_since_version).toBeLessThanOrEqual(8);
    expect(outputs!.slices[0]?.name).toBe("mentions_money");
  },
);

test.skipIf(!isPresent)(
  "a silent change of the model is found within hours although every call succeeds",
  { timeout: 600_000 },
  async () => {
    const report = await run("modeldrift_prime_gpt4", { until: "2024-04-17T00:00:00Z" });
    const [first] = report.incidents.filter(({ kind }) => kind === "quality");
    expect(first).toMatchObject({ candidate: "gpt-4-0613", incumbent: "gpt-4-0314" });
    expect(first!.hours_since_version).toBeLessThanOrEqual(24);
    expect(first!.slices[0]?.name).toBe("slice=prime");
    expect(report.incidents.filter(({ detected_at }) => detected_at < "2024-04-15")).toEqual([]);
  },
);

test.skipIf(!isPresent)(
  "a hundred notes a version: what the second leaves out is a ticket of the pairs, and faithfulness is cleared",
  { timeout: 600_000 },
  async () => {
    const report = await run("quality_mtsdialog_a", { stepMs: 6 * HOUR_MS });
    const completeness = report.incidents.find(({ metric }) => metric === "completeness");
    expect(completeness).toMatchObject({
      candidate: "note-v2",
      incumbent: "note-v1",
      severity: "SEV3",
      level: "ticket",
      method: "paired by identical input, betting e-process",
    });
    expect(completeness!.judged_units).toBeLessThanOrEqual(100);
    expect(completeness!.effect).toBeCloseTo(-0.136, 1);
    expect(completeness!.interval[1]).toBeLessThan(0);
    expect(report.cleared).toMatchObject([{ version: "note-v2", metric: "faithfulness" }]);
    expect(report.incidents.filter(({ metric }) => metric === "faithfulness")).toEqual([]);
    expect(report.incidents.filter(({ candidate }) => candidate === "note-v1")).toEqual([]);
  },
);
