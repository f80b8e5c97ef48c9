import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { type JudgedUnitRow, StoreError, type UseCasePage } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import { expect, test } from "vitest";
import { UseCaseGuard } from "../use-cases/use-case-guard.ts";
import { SeriesBook } from "./watch/series-book.ts";
import { ServedVersions } from "../deploys/served-versions.ts";
import { VerdictReader } from "./verdict-reader.ts";

const logger = createLogger("monitor", "silent");
const NOW = "2026-03-02T12:00:00.000Z";

function unit(use_case: string, number: number): JudgedUnitRow {
  return {
    tenant: "acme",
    env: "production",
    use_case,
    criterion: "faithfulness",
    is_guardrail: true,
    rubric_hash: "r",
    judge: "j",
    prompt_version: "v1",
    judged_at: new Date(Date.parse(NOW) - 3_600_000 + number).toISOString(),
    call_id: `c${number}`,
    score: 1,
    slices: [],
    sample_rate: 0.05,
    input_fingerprint: "",
  };
}

test("verdicts that can't be read of one use case are read of the others, and it is named", async () => {
  const clock = new VirtualClock(NOW);
  const names = Array.from({ length: 40 }, (_, i) => `use-case-${i}`);
  const units = names.flatMap((name) => [unit(name, 1), unit(name, 2)]);
  const served = new ServedVersions();
  served.merge(
    names.map((use_case) => ({
      tenant: "acme",
      env: "production",
      use_case,
      prompt_version: "v1",
      calls: 2,
      sampled: 2,
      first_started_at: NOW,
      last_started_at: NOW,
      last_ingested_at: NOW,
    })),
  );
  const book = new SeriesBook();
  const guard = new UseCaseGuard("quality", { clock, logger });
  guard.begin();
  const hostile = "use-case-23";
  const reader = new VerdictReader(
    {
      store: {
        judgedUnits: async ({ start, end, use_cases = [] }: UseCasePage) => {
          const asked = units.filter(
            (row) =>
              row.judged_at >= start &&
              row.judged_at < end &&
              (use_cases.length === 0 || use_cases.some(({ use_case }) => row.use_case === use_case)),
          );
          if (asked.some(({ use_case }) => use_case === hostile))
            throw new StoreError("store_unknown", "memory limit", { clickhouseCode: 241 });
          return asked;
        },
        judgedUnitCounts: async () => [],
        insertEvidence: async () => undefined,
      },
      logger,
      holds: () => true,
      book,
      guard,
      served,
    },
    clock.now(),
  );
  await reader.read(clock.now());
  const read = [...book.all()].map(({ series, units: count }) => [series.use_case, count]);
  expect(read).toHaveLength(names.length - 1);
  expect(read).not.toContainEqual([hostile, expect.anything()]);
  expect(guard.failures()).toMatchObject([{ useCase: { use_case: hostile }, error: "memory limit" }]);
});

test("a store that doesn't answer at all fails the look, and no use case is blamed", async () => {
  const clock = new VirtualClock(NOW);
  const guard = new UseCaseGuard("quality", { clock, logger });
  const away = () => Promise.reject(new StoreError("store_retriable", "ECONNREFUSED"));
  const reader = new VerdictReader(
    {
      store: { judgedUnits: away, judgedUnitCounts: away, insertEvidence: away },
      logger,
      holds: () => true,
      book: new SeriesBook(),
      guard,
      served: new ServedVersions(),
    },
    clock.now(),
  );
  await expect(reader.read(clock.now())).rejects.toThrow("ECONNREFUSED");
  expect(guard.failures()).toEqual([]);
});
