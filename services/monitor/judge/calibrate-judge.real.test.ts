/**
 * Mistakes of real judges, from their verdicts and labels in the store to what an alert says: two models that say of 1,000
 * numbers whether they are prime, which arithmetic knows, and the reference vector of the statistics.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import type { Store } from "@plumbline/ports";
import type { Feedback, JudgeCalibration, Verdict } from "@plumbline/schemas";
import { afterAll, beforeAll, expect, test } from "vitest";
import { realEvents } from "../measures/real-data.fixture.ts";
import { calibrateJudge } from "./calibrate-judge.ts";

const FILE = "open/modeldrift_prime_gpt4.events.jsonl.gz";
const events = realEvents(FILE);
if (events === null) console.warn(`SKIPPED: shared/data/${FILE} is absent`);

const NOW = Date.parse("2026-03-05T00:00:00Z");
const JUDGED_AT = "2026-03-02T12:00:00.000Z";
const WINDOW = { start: "2026-02-01T00:00:00.000Z", end: "2026-03-05T00:00:00.000Z" };
const SERIES = {
  tenant: "default",
  env: "production",
  use_case: "prime-check",
  criterion: "is_prime",
  rubric_hash: `sha256:${"a".repeat(64)}`,
};

/** One number as a judge saw it; null: no verdict could be read in the answer. */
interface Judged {
  readonly judge: string;
  readonly isPrime: boolean;
  readonly saysPrime: boolean | null;
}

const judged: readonly Judged[] = (events ?? []).map(({ prompt_version, meta }) => ({
  judge: prompt_version!,
  isPrime: meta.reference!.toLowerCase() === "yes",
  saysPrime: meta.parsed == null ? null : meta.parsed === "yes",
}));

let store: Store;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumbline-calibration-"));
  const engine = await openEmbeddedClickHouse({ path: folder });
  store = createClickHouseStore(engine);
  await store.migrate();
  await engine.command("SYSTEM STOP TTL MERGES");
  await store.insertVerdicts(judged.map((each, i) => ({ ...origin(i), verdict: verdictOf(each, i) })));
  await store.insertFeedback(
    judged.map(({ isPrime }, i) => ({
      ...origin(i),
      tenant: SERIES.tenant,
      feedback: labelOf(i, isPrime ? 1 : 0),
    })),
  );
});

afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const origin = (log_offset: number) => ({ log_partition: 0, log_offset, ingested_at: JUDGED_AT });
const callId = (i: number): string => `0198f3a0-0000-7000-8000-${i.toString(16).padStart(12, "0")}`;

function verdictOf({ judge, saysPrime }: Judged, i: number): Verdict {
  const answer =
    saysPrime === null
      ? ({ state: "cannot_judge", label: null, score: null } as const)
      : ({ state: "scored", label: saysPrime ? "pass" : "fail", score: saysPrime ? 1 : 0 } as const);
  return {
    ...SERIES,
    call_id: callId(i),
    prompt_version: "v1",
    model: "m",
    conversation_id: callId(i),
    started_at: JUDGED_AT,
    is_guardrail: false,
    judge,
    ...answer,
    reason: "",
    failure_type: null,
    judged_at: JUDGED_AT,
    latency_ms: 1,
    cost_usd: null,
    slices: [],
    sample_rate: 1,
  };
}

function labelOf(i: number, value: number): Feedback {
  const { use_case, criterion } = SERIES;
  return {
    feedback_id: `label-${i}`,
    call_id: callId(i),
    use_case,
    criterion,
    kind: "label",
    value,
    given_at: JUDGED_AT,
  };
}

/** The share of primes among numbers fell from `before` to `after`; both as the judge sees them and as it is. */
function effectOf(before: readonly Judged[], after: readonly Judged[]) {
  const share = (side: readonly Judged[], of: (each: Judged) => boolean): number =>
    side.filter(of).length / side.length;
  const says = ({ saysPrime }: Judged): boolean => saysPrime === true;
  const [p, q] = [share(before, says), share(after, says)];
  return {
    true: share(after, ({ isPrime }) => isPrime) - share(before, ({ isPrime }) => isPrime),
    estimate: q - p,
    se: Math.sqrt((p * (1 - p)) / before.length + (q * (1 - q)) / after.length),
  };
}

async function calibrated(
  judge: string,
  effect: { readonly estimate: number; readonly se: number },
): Promise<JudgeCalibration> {
  const labels = await store.judgeLabels({ ...WINDOW, use_case: SERIES.use_case });
  return calibrateJudge({ ...SERIES, judge }, labels, effect, NOW);
}

/** κ and J of a table of counts, by other formulas than the product's. */
function byHand(judge: string) {
  const own = judged.filter((each) => each.judge === judge && each.saysPrime !== null);
  const count = (isPrime: boolean, saysPrime: boolean): number =>
    own.filter((each) => each.isPrime === isPrime && each.saysPrime === saysPrime).length;
  const [tp, fn, fp, tn] = [count(true, true), count(true, false), count(false, true), count(false, false)];
  const kappa = (2 * (tp * tn - fp * fn)) / ((tp + fp) * (fp + tn) + (tp + fn) * (fn + tn));
  const youden = (tp + 1) / (tp + fn + 2) - (fp + 1) / (fp + tn + 2);
  return { counts: [tp, fn, fp, tn], labels: own.length, kappa, youden };
}

test.skipIf(events === null)(
  "GPT-4 of March knows primes: its κ is that of its table, and the true fall lies in the corrected interval only",
  async () => {
    const judge = "gpt-4-0314";
    const own = judged.filter((each) => each.judge === judge && each.saysPrime !== null);
    const primes = own.filter(({ isPrime }) => isPrime);
    const others = own.filter(({ isPrime }) => !isPrime);
    const effect = effectOf([...primes, ...others.slice(0, 200)], [...primes, ...others]);
    const found = await calibrated(judge, effect);
    const hand = byHand(judge);
    expect(hand.counts).toEqual([488, 9, 147, 352]);
    expect(found).toMatchObject({ state: "calibrated", labels: hand.labels, reasons: [] });
    expect(found.kappa).toBeCloseTo(hand.kappa, 12);
    expect(found.kappa).toBeCloseTo(0.687, 3);
    expect(found.youden).toBeCloseTo(hand.youden, 12);
    expect(found.corrected!.effect).toBeCloseTo(effect.estimate / hand.youden, 12);
    const [lower, upper] = found.corrected!.interval;
    expect(effect.true).toBeLessThan(-0.2);
    expect(lower).toBeLessThan(effect.true);
    expect(upper).toBeGreaterThan(effect.true);
    // As judged the fall is a third smaller, and the truth lies outside of its interval.
    expect(effect.estimate - 1.96 * effect.se).toBeGreaterThan(effect.true);
  },
);

test.skipIf(events === null)(
  "GPT-4 of June says no to nearly everything: κ near 0, and no figure is corrected by it",
  async () => {
    const judge = "gpt-4-0613";
    const hand = byHand(judge);
    expect(hand.counts).toEqual([12, 488, 1, 499]);
    const found = await calibrated(judge, { estimate: -0.1, se: 0.02 });
    expect(found).toMatchObject({
      state: "uncalibrated",
      labels: 1_000,
      reasons: ["judge_uninformative"],
      corrected: null,
    });
    expect(found.kappa).toBeCloseTo(hand.kappa, 12);
    expect(found.kappa).toBeCloseTo(0.022, 3);
  },
);

/** A judge of 250 calls, corrected by Rogan & Gladen in an independent implementation. */
const VECTOR = {
  judge_pass: 209,
  n: 250,
  human_pass_and_judge_pass: 84,
  human_pass: 90,
  human_fail_and_judge_fail: 38,
  human_fail: 45,
  estimate: 0.8748571428571429,
  youden_adjusted: 0.7537002775208141,
};

test("the judge of the reference vector has its Youden index, and rates are corrected by it", () => {
  const labels = {
    ...SERIES,
    judge: "judge-a",
    unlabelled_pass: 0,
    unlabelled_fail: 0,
    both_pass: VECTOR.human_pass_and_judge_pass,
    judge_fail_human_pass: VECTOR.human_pass - VECTOR.human_pass_and_judge_pass,
    both_fail: VECTOR.human_fail_and_judge_fail,
    judge_pass_human_fail: VECTOR.human_fail - VECTOR.human_fail_and_judge_fail,
    partial_scores: 0,
    oldest_label_at: JUDGED_AT,
  };
  const { human_pass, human_fail, human_pass_and_judge_pass, human_fail_and_judge_fail } = VECTOR;
  const sensitivity = human_pass_and_judge_pass / human_pass;
  const specificity = human_fail_and_judge_fail / human_fail;
  const rate = VECTOR.judge_pass / VECTOR.n;
  // From calls that all pass, of which the judge passes as many as it is sensitive, to those of the vector.
  const effect = { estimate: rate - sensitivity, se: Math.sqrt((rate * (1 - rate)) / VECTOR.n) };
  const found = calibrateJudge({ ...SERIES, judge: "judge-a" }, [labels], effect, NOW);
  expect(found.youden).toBeCloseTo(VECTOR.youden_adjusted, 9);
  // The vector's rate is by the counts as they are; the product's J has one success and one failure more on each side.
  const rateByProduct = 1 + (found.corrected!.effect * found.youden!) / (sensitivity + specificity - 1);
  expect(rateByProduct).toBeCloseTo(VECTOR.estimate, 9);
});
