/**
 * Answers that change although nobody deployed: real data, rewritten so that every call carries one version and one
 * model, without labels, so that nothing but the outputs can tell. The data lies beside the project and is not part of
 * it; skipped loudly where it is absent.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { createLogger } from "@plumbline/runtime/logger";
import { backtest, type BacktestOptions } from "@plumbline/services/local/backtest/replay";
import { afterAll, expect, test } from "vitest";

const DATA = fileURLToPath(new URL("../../../shared/data/open/", import.meta.url));
const isPresent = existsSync(DATA);
if (!isPresent) console.warn(`backtest-silent-change: SKIPPED, there is no ${DATA}`);
const HOUR_MS = 3_600_000;
const folder = mkdtempSync(join(tmpdir(), "plumbline-silent-change-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const linesOf = (name: string): string[] =>
  gunzipSync(readFileSync(`${DATA}${name}`))
    .toString("utf8")
    .trimEnd()
    .split("\n");

function write(name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, lines.join("\n"));
  return path;
}

const run = (options: Partial<BacktestOptions> & { events: string }) =>
  backtest({
    judge: "labels",
    environment: {},
    logger: createLogger("backtest", "error"),
    stepMs: 6 * HOUR_MS,
    ...options,
  });

/** Its own past is what a version is compared with; a deploy would be information, SEV3. */
const ALERT = { kind: "output_drift", severity: "SEV2", candidate: "v1", incumbent: "v1" };

test.skipIf(!isPresent)(
  "the provider changes the model behind an unchanged version: an alert within a day, nothing before",
  { timeout: 600_000 },
  async () => {
    const rows = linesOf("modeldrift_prime_gpt4.events.jsonl.gz").map((line) => JSON.parse(line) as object);
    const events = write(
      "prime.jsonl",
      rows.map((row) => JSON.stringify({ ...row, prompt_version: "v1", model: "gpt-4", label: null })),
    );
    const report = await run({ events, until: "2024-04-18T00:00:00Z" });
    expect(report.judged).toBe(0);
    expect(report.incidents).toHaveLength(1);
    const [drift] = report.incidents;
    expect(drift).toMatchObject({ ...ALERT, use_case: "prime-check" });
    // Half a month of the old model, then the new one from midnight: 72 calls a day are decided by the day.
    expect(drift!.detected_at > "2024-04-15T00:00:00.000Z").toBe(true);
    expect(drift!.detected_at <= "2024-04-16T00:00:00.000Z").toBe(true);
    // The new model answers in one word.
    expect(drift!.feature).toMatch(/^out_(?:chars|words|lines|type_token_ratio)$/);
    expect(drift!.interval[0]).toBeGreaterThan(1);
    expect(drift!.slices.map(({ name }) => name).sort()).toEqual(["slice=composite", "slice=prime"]);
  },
);

test.skipIf(!isPresent)(
  "an unchanged version begins to mask amounts: an alert within a day that names the slice, nothing before",
  { timeout: 900_000 },
  async () => {
    const events = write(
      "money.jsonl",
      linesOf("incident_money_qmsum.events.jsonl.gz").map((line) =>
        JSON.stringify({ ...(JSON.parse(line) as object), model: "m", label: null }),
      ),
    );
    // The version of the call becomes v1 throughout; which text it answered with stays.
    const arrivals = write(
      "money.csv",
      linesOf("incident_money_qmsum.arrivals.csv.gz").map((line) => line.replace(/,v2,v2$/, ",v1,v2")),
    );
    const report = await run({ events, arrivals, until: "2024-01-18T00:00:00Z" });
    expect(report.judged).toBe(0);
    expect(report.incidents).toHaveLength(1);
    const [drift] = report.incidents;
    expect(drift).toMatchObject({ ...ALERT, use_case: "discussion-summary", feature: "out_masks" });
    expect(drift!.detected_at > "2024-01-15T00:00:00.000Z").toBe(true);
    expect(drift!.detected_at <= "2024-01-16T00:00:00.000Z").toBe(true);
    expect(drift!.slices[0]).toMatchObject({ name: "mentions_money" });
    expect(drift!.slices[0]!.share_of_traffic).toBeCloseTo(0.19, 1);
    expect(drift!.slices[0]!.share_of_drop).toBeGreaterThan(0.9);
  },
);
