/**
 * What every `Store` must do, over whatever transport. Each adapter's test runs this suite against its own.
 *
 * The suite assumes an empty store that it may fill. Rules that the port leaves open and this suite fixes:
 * - Inserting a row again is harmless: readers see one.
 * - Text comes back as it went in, but for half a surrogate pair, which has no UTF-8 and becomes U+FFFD.
 * - A call id comes back in lower case.
 */
import type { Feedback, IncidentEvent, Verdict } from "@plumbline/schemas";
import { LlmCall, type LlmCallInput } from "@plumbline/schemas";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConfigError, StoreError } from "./errors.ts";
import type { BaselineRow } from "@plumbline/schemas/queries";
import type { BaselineInsert, CallRow, Origin } from "./store-rows.ts";
import type { Store } from "./store.ts";

export interface StoreUnderTest {
  /** Empty, no migration applied. */
  readonly store: Store;
  /** A second store on the same data, as another process would open it. */
  readonly other: Store;
  /** Closes everything and removes what `open` made. */
  readonly close: () => Promise<void>;
}

const DAY = { start: "2026-11-24T00:00:00.000Z", end: "2026-11-25T00:00:00.000Z" };
/** Ids of calls that a test tells apart by their time. */
const CALL_IDS: Readonly<Record<string, string>> = {
  "10:05:00": "01935b2e-7c4e-7000-8000-0000000000a1",
  "10:50:00": "01935b2e-7c4e-7000-8000-0000000000a2",
  "11:00:00": "01935b2e-7c4e-7000-8000-0000000000a3",
};
const RUBRIC = `sha256:${"ab".repeat(32)}`;

export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the contract of the store`, () => {
    let opened: StoreUnderTest;
    let store: Store;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });

    afterEach(async () => {
      await opened.close();
    });

    describe("migrations", () => {
      test("an empty store is refused, a migrated one is accepted, and a second run applies nothing", async () => {
        await expect(store.assertMigrated()).rejects.toMatchObject({ code: "schema_outdated" });
        await expect(store.assertMigrated()).rejects.toBeInstanceOf(ConfigError);
        expect((await store.migrate()).applied.length).toBeGreaterThan(0);
        await store.assertMigrated();
        expect(await store.migrate()).toEqual({ applied: [] });
      });

      test("two starters that migrate at once both succeed", async () => {
        await Promise.all([store.migrate(), opened.other.migrate()]);
        await store.assertMigrated();
        await store.insertCalls([callRow(0)]);
        expect(await opened.other.storedOffsets("calls", { log_partition: 0, from: 0, to: 9 })).toEqual(
          new Set([0]),
        );
      });
    });

    describe("calls", () => {
      beforeEach(async () => {
        await store.migrate();
      });

      test("a call inserted twice is seen once", async () => {
        const rows = [callRow(0), callRow(1)];
        await store.insertCalls(rows);
        await store.insertCalls(rows);
        const [traffic] = await store.versionTraffic(DAY);
        expect(traffic).toMatchObject({ calls: 2, ok_calls: 2 });
      });

      test("the same call at two offsets is seen once", async () => {
        await store.insertCalls([callRow(0)]);
        await store.insertCalls([{ ...callRow(0), log_offset: 7 }]);
        expect((await store.versionTraffic(DAY))[0]).toMatchObject({ calls: 1 });
      });

      test("an empty batch is no insert", async () => {
        await store.insertCalls([]);
        expect(await store.versionTraffic(DAY)).toEqual([]);
      });

      test.each<{ name: string; text: string; stored?: string }>([
        { name: "text outside the basic plane", text: "Überweisung 💶 é 中文 \u202e" },
        { name: "NUL and control characters", text: "a\u0000b\u0001\u001f\u007f" },
        { name: "quotes, backslashes and line ends", text: `"'\`\\ \\n \\ud800 \r\n\t{"a":[1]}\u2028` },
        { name: "half a surrogate pair", text: "a\ud800b\udfffc", stored: "a\ufffdb\ufffdc" },
        { name: "half a pair behind a backslash", text: "\\\ud800", stored: "\\\ufffd" },
        { name: "an empty string", text: "" },
        { name: "a long text", text: "långt ".repeat(40_000) },
      ])("$name comes back as it went in", async ({ text, stored = text }) => {
        await store.insertCalls([callRow(0, { input: text, output: text })]);
        const [pending] = await store.pendingCalls(worklist());
        expect(pending?.input).toBe(stored);
        expect(pending?.output).toBe(stored);
      });

      test("text that was not captured is null, and never the empty string", async () => {
        await store.insertCalls([
          callRow(0, { input: "", output: null }),
          callRow(1, { input: null, output: null }),
        ]);
        const pending = await store.pendingCalls(worklist());
        expect(pending.map(({ input, output }) => ({ input, output }))).toEqual([
          { input: "", output: null },
          { input: null, output: null },
        ]);
      });

      test("names, slices and attributes take any characters", async () => {
        const odd = `it's "odd" \\ \u0000 🙃`;
        await store.insertCalls([
          {
            ...callRow(0, { use_case: odd, attributes: { [odd]: odd } }),
            slices: [odd, ""],
            features: { [odd]: -0.5 },
            flags: [odd],
          },
        ]);
        expect(await store.pendingCalls(worklist())).toMatchObject([{ use_case: odd, slices: [odd, ""] }]);
      });

      test("the largest and the smallest numbers that an event may carry are stored", async () => {
        const attempt = { model: "m", path: "primary", status: "ok", latency_ms: 86_400_000 } as const;
        await store.insertCalls([
          {
            ...callRow(0, {
              latency_ms: 86_400_000,
              input_tokens: 100_000_000,
              sequence: Number.MAX_SAFE_INTEGER,
              dropped: Number.MAX_SAFE_INTEGER,
              attempts: [{ ...attempt, input_tokens: 100_000_000, cost_usd: 1e-9 }, attempt],
            }),
            cost_usd: 999_999.123456789,
            features: { huge: 1.7976931348623157e308, tiny: 5e-324, third: 1 / 3 },
            log_offset: Number.MAX_SAFE_INTEGER,
          },
        ]);
        const [traffic] = await store.versionTraffic(DAY);
        expect(traffic?.cost_usd_sum).toBeCloseTo(999_999.123456789, 6);
        expect(traffic?.latency_ms_p95).toBe(86_400_000);
        const at = Number.MAX_SAFE_INTEGER;
        expect(await store.storedOffsets("calls", { log_partition: 0, from: at, to: at })).toEqual(
          new Set([at]),
        );
      });

      test("an unknown cost adds nothing, and costs of a billionth of a dollar add up", async () => {
        await store.insertCalls([
          { ...callRow(0), cost_usd: null },
          { ...callRow(1), cost_usd: 1e-9 },
          { ...callRow(2), cost_usd: 0.1 },
          { ...callRow(3), cost_usd: 0.2 },
        ]);
        expect((await store.versionTraffic(DAY))[0]?.cost_usd_sum).toBe(0.300000001);
      });

      test("where no cost is known the sum is unknown, not zero", async () => {
        await store.insertCalls([{ ...callRow(0), cost_usd: null }]);
        expect((await store.versionTraffic(DAY))[0]?.cost_usd_sum).toBeNull();
      });

      test("sampling counts say what was chosen and what was to be expected, versions in order of appearance", async () => {
        await store.insertCalls([
          {
            ...callRow(0, { started_at: "2026-11-24T02:00:00.000Z", prompt_version: "new" }),
            is_sampled: true,
            sample_rate: 0.2,
          },
          {
            ...callRow(1, { started_at: "2026-11-24T01:00:00.000Z", prompt_version: "old" }),
            is_sampled: true,
            sample_rate: 0.05,
          },
          {
            ...callRow(2, { started_at: "2026-11-24T03:00:00.000Z", prompt_version: "old" }),
            is_sampled: false,
            sample_rate: 0.05,
          },
        ]);
        const counts = await store.samplingCounts(DAY);
        expect(
          counts.map(({ prompt_version, calls, sampled }) => ({ prompt_version, calls, sampled })),
        ).toEqual([
          { prompt_version: "old", calls: 2, sampled: 1 },
          { prompt_version: "new", calls: 1, sampled: 1 },
        ]);
        expect(counts[0]?.rate_sum).toBeCloseTo(0.1, 6);
      });

      test("where outputs moved is known while it is asserted, with what was chosen there since", async () => {
        const moved: IncidentEvent = {
          ...detected,
          detection: {
            ...detected.detection,
            kind: "output_drift",
            evidence: {
              measure: "output_feature",
              at_deploy: true,
              slice: "mentions_money",
              tau: 0.02,
              level: 900,
              sizes: null,
              bins: null,
              jensen_shannon: null,
              streams_watched: 1,
              features: [],
              response_models: null,
              normal: [],
            },
          },
        };
        const event = (
          i: number,
          fields: IncidentEvent,
        ): Origin & { tenant: string; event: IncidentEvent } => ({
          ...origin(i),
          tenant: "acme",
          event: fields,
        });
        await store.insertCalls([
          callRow(1, { prompt_version: "v2" }),
          callRow(3, { prompt_version: "v2" }),
          { ...callRow(4, { prompt_version: "v2" }), slices: [] },
          { ...callRow(5, { prompt_version: "v2" }), is_sampled: false },
          { ...callRow(6, { prompt_version: "v2" }), sample_rate: 0 },
          callRow(7, { prompt_version: "v1" }),
        ]);
        await store.insertIncidentEvents([event(0, moved)]);
        const found = {
          tenant: "acme",
          env: "production",
          use_case: "ticket-summary",
          prompt_version: "v2",
          slice: "mentions_money",
        };
        // Of the calls after minute 2, one is of the version, in the slice, and was chosen by chance.
        expect(await store.movedSlices({ since: DAY.start })).toEqual([{ ...found, sampled: 1 }]);

        const over = { incident_id: "inc_1", actor: "monitor" };
        await store.insertIncidentEvents([
          event(1, { type: "recovered", ...over, at: minute(8), cause: "rollback", current: evidence }),
        ]);
        expect(await store.movedSlices({ since: DAY.start })).toEqual([]);
        await store.insertIncidentEvents([event(2, { ...moved, at: minute(9) })]);
        expect(await store.movedSlices({ since: DAY.start })).toEqual([{ ...found, sampled: 0 }]);
      });

      test("traffic counts each version in its half-open window", async () => {
        await store.insertCalls([
          callRow(0, { started_at: DAY.start, prompt_version: "v1", latency_ms: 10 }),
          callRow(1, { started_at: "2026-11-24T23:59:59.999Z", prompt_version: "v1", status: "timeout" }),
          callRow(2, { started_at: DAY.end, prompt_version: "v1" }),
          callRow(3, { started_at: "2026-11-24T12:00:00.000Z", prompt_version: null }),
        ]);
        const traffic = await store.versionTraffic(DAY);
        expect(traffic).toMatchObject([
          {
            prompt_version: "v1",
            calls: 2,
            ok_calls: 1,
            first_started_at: DAY.start,
            last_started_at: "2026-11-24T23:59:59.999Z",
          },
          { prompt_version: "", calls: 1 },
        ]);
      });

      test("a row that can't be stored is named by its index, and none of its block is stored", async () => {
        const bad = callRow(2);
        const rows = [
          callRow(0),
          callRow(1),
          { ...bad, call: { ...bad.call, call_id: "not-a-uuid" } },
          callRow(3),
        ];
        const error: unknown = await store.insertCalls(rows).catch((caught: unknown) => caught);
        expect(error).toBeInstanceOf(StoreError);
        expect(error).toMatchObject({ code: "store_data", failedRow: 2, retryable: false });
        expect(await store.versionTraffic(DAY)).toEqual([]);
      });

      test("a time that isn't one is a bad row", async () => {
        const rows = [callRow(0), { ...callRow(1), started_at: "yesterday" }];
        await expect(store.insertCalls(rows)).rejects.toMatchObject({ code: "store_data", failedRow: 1 });
      });

      test("more rows than one block holds are all stored", async () => {
        const rows = Array.from({ length: 10_500 }, (_, i) => callRow(i, { input: null, output: null }));
        await store.insertCalls(rows);
        expect((await store.versionTraffic(DAY))[0]).toMatchObject({ calls: 10_500 });
      });
    });

    describe("measures", () => {
      beforeEach(async () => {
        await store.migrate();
      });

      test("features are counted by hour, version and slice on one grid, and repeats of a call once", async () => {
        const at = (time: string, features: Record<string, number>, slices: string[]): CallRow => ({
          ...callRow(0, { started_at: `2026-11-24T${time}.000Z`, call_id: CALL_IDS[time]! }),
          features,
          slices,
        });
        const first = at("10:05:00", { in_chars: 100, out_masks: 0 }, ["mentions_money", "model=m"]);
        const second = { ...at("10:50:00", { in_chars: 1 }, []), log_offset: 1 };
        const third = { ...at("11:00:00", { in_chars: 100 }, []), log_offset: 2 };
        await store.insertCalls([first, second, third]);
        await store.insertCalls([{ ...first, log_offset: 3 }]);

        const rows = await store.featureHours({ ...DAY, end: "2026-11-24T11:00:00.000Z" });
        const counted = rows.map(({ hour, slice, feature, counts }) => [
          hour,
          slice,
          feature,
          counts.toSorted((a, b) => a[0] - b[0]),
        ]);
        const hour = "2026-11-24T10:00:00.000Z";
        // 100 lies in quarter-octave 65 + floor(4 log2 100) = 91; the slice model=… says nothing about the input.
        expect(counted).toEqual([
          [hour, "", "calls", [[0, 2]]],
          [
            hour,
            "",
            "in_chars",
            [
              [65, 1],
              [91, 1],
            ],
          ],
          [hour, "", "out_masks", [[0, 1]]],
          [hour, "cell=money ", "calls", [[0, 1]]],
          [hour, "cell=money ", "out_masks", [[0, 1]]],
          [hour, "cell=other ", "calls", [[0, 1]]],
          [hour, "mentions_money", "calls", [[0, 1]]],
          [hour, "mentions_money", "out_masks", [[0, 1]]],
        ]);
        expect(
          await store.featureHours({ ...DAY, use_cases: [{ tenant: "acme", use_case: "another" }] }),
        ).toEqual([]);
      });

      test("outcomes add up by hour, and an unknown cost or cache is not counted", async () => {
        await store.insertCalls([
          {
            ...callRow(0, {
              started_at: "2026-11-24T10:05:00.000Z",
              input_tokens: 100,
              cached_input_tokens: 50,
            }),
            cost_usd: 1,
          },
          callRow(1, {
            started_at: "2026-11-24T10:06:00.000Z",
            status: "error",
            path: "error",
            cached_input_tokens: null,
          }),
          // Of the application's own cache: nobody else's answer.
          callRow(2, {
            started_at: "2026-11-24T10:06:30.000Z",
            path: "cached_exact",
            cached_input_tokens: null,
          }),
        ]);
        expect(await store.outcomeHours(DAY)).toMatchObject([
          {
            hour: "2026-11-24T10:00:00.000Z",
            calls: 3,
            ok_calls: 2,
            elsewhere_calls: 1,
            degraded_calls: 1,
            priced_calls: 1,
            cost_usd_sum: 1,
            log_cost_sum: 0,
            // 50 tokens, a provider that did not say, and none that was asked.
            cached_tokens: expect.arrayContaining([
              [87, 1],
              [-1, 2],
            ]) as unknown,
          },
        ]);
      });

      test("a drift result can be computed again and is stored", async () => {
        const time = "2026-11-24T00:00:00.000Z";
        const row = {
          tenant: "default",
          env: "production",
          use_case: "u",
          prompt_version: "",
          feature: "in_chars",
          method: "psi",
          reference_start: time,
          reference_end: time,
          window_start: time,
          window_end: time,
          reference_units: 10,
          current_units: 5,
          value: 0.1,
          threshold: null,
          p_value: 0.5,
          verdict: "stable" as const,
          bins: { reference: [1, 2] },
          computed_at: time,
        };
        await store.insertDriftResults([row]);
        await store.insertDriftResults([{ ...row, value: 0.2 }]);
      });

      test("anchors count an item once a day, by its last judgement", async () => {
        const anchor = { use_case: "plumbline.anchors", criterion: "ticket-summary/faithfulness" };
        await store.insertVerdicts([
          verdictRow(0, { ...anchor, score: 0, judged_at: "2026-11-24T01:00:00.000Z" }),
          verdictRow(1, { ...anchor, score: 1, judged_at: "2026-11-24T01:00:00.000Z" }),
          verdictRow(2, { score: 0 }),
        ]);
        await store.insertVerdicts([
          { ...verdictRow(0, { ...anchor, score: 1, judged_at: "2026-11-24T02:00:00.000Z" }), log_offset: 9 },
        ]);
        expect(await store.anchorDays(DAY)).toMatchObject([
          {
            criterion: "ticket-summary/faithfulness",
            day: "2026-11-24T00:00:00.000Z",
            items: 2,
            agreements: 2,
          },
        ]);
      });
    });

    describe("recovery", () => {
      beforeEach(async () => {
        await store.migrate();
      });

      test("stored offsets are those of the asked table, partition and range, both ends included", async () => {
        await store.insertCalls([1, 2, 3, 5].map((offset) => callRow(offset)));
        await store.insertCalls([{ ...callRow(4), log_partition: 1 }]);
        await store.insertVerdicts([verdictRow(2)]);
        const range = { log_partition: 0, from: 2, to: 5 };
        expect(await store.storedOffsets("calls", range)).toEqual(new Set([2, 3, 5]));
        expect(await store.storedOffsets("call_payloads", range)).toEqual(new Set([2, 3, 5]));
        expect(await store.storedOffsets("verdicts", range)).toEqual(new Set([2]));
        expect(await store.storedOffsets("feedback", range)).toEqual(new Set());
      });

      test("a call without texts is stored completely by its one row", async () => {
        await store.insertCalls([callRow(0, { input: null, output: null })]);
        const range = { log_partition: 0, from: 0, to: 0 };
        expect(await store.storedOffsets("calls", range)).toEqual(new Set([0]));
        expect(await store.storedOffsets("call_payloads", range)).toEqual(new Set());
      });

      test("of calls it is known which are stored, and of none that none are", async () => {
        await store.insertCalls([callRow(0)]);
        const [{ call_id } = { call_id: "" }] = await store.storedCallIds({
          log_partition: 0,
          from: 0,
          to: 0,
        });
        const other = "01935b2e-7c4e-7000-8000-ffffffffffff";
        expect(await store.storedCalls({ call_ids: [call_id, other] })).toMatchObject([{ call_id }]);
        expect(await store.storedCalls({ call_ids: [] })).toEqual([]);
      });
    });

    describe("judging", () => {
      beforeEach(async () => {
        await store.migrate();
      });

      test("the work list is the sampled calls without a verdict, oldest first", async () => {
        await store.insertCalls([
          callRow(3),
          callRow(1),
          { ...callRow(2), is_sampled: false },
          callRow(4, { call_id: callId(4).toUpperCase() }),
        ]);
        await store.insertVerdicts([verdictRow(1, { state: "failed", label: null, score: null })]);
        const pending = await store.pendingCalls(worklist());
        expect(pending.map((call) => call.call_id)).toEqual([callId(3), callId(4)]);
        expect(pending[0]).toEqual({
          call_id: callId(3),
          tenant: "acme",
          env: "production",
          use_case: "ticket-summary",
          prompt_version: "v1",
          model: "model-a",
          conversation_id: "conversation-3",
          started_at: minute(3),
          ingested_at: minute(3),
          slices: ["mentions_money"],
          sample_rate: 0.05,
          texts: "stored",
          input: "in 3",
          output: "out 3",
        });
      });

      test("an id is one tenant's: another tenant's texts and verdicts of the same id are not taken for its own", async () => {
        const other = callRow(2, { call_id: callId(1), input: "theirs", output: "theirs too" });
        await store.insertCalls([callRow(1), { ...other, tenant: "other" }]);
        const pending = await store.pendingCalls(worklist());
        expect(pending.map(({ tenant, input }) => [tenant, input])).toEqual([
          ["acme", "in 1"],
          ["other", "theirs"],
        ]);
        await store.insertVerdicts([verdictRow(1)]);
        expect((await store.pendingCalls(worklist())).map(({ tenant }) => tenant)).toEqual(["other"]);
      });

      test("a verdict on another criterion or rubric leaves the call on the list", async () => {
        await store.insertCalls([callRow(1)]);
        await store.insertVerdicts([
          verdictRow(1, { criterion: "tone" }),
          { ...verdictRow(1, { rubric_hash: "sha256:old" }), log_offset: 2 },
        ]);
        expect(await store.pendingCalls(worklist())).toHaveLength(1);
      });

      test("the work list is bounded by its limit and its start", async () => {
        await store.insertCalls([1, 2, 3].map((offset) => callRow(offset)));
        expect(await store.pendingCalls(worklist({ limit: 1 }))).toMatchObject([{ call_id: callId(1) }]);
        const later = await store.pendingCalls(worklist({ since: minute(2) }));
        expect(later.map((call) => call.call_id)).toEqual([callId(2), callId(3)]);
      });

      test("people's labels are counted against each judge's verdicts of the same calls, the newest of both", async () => {
        const label = (i: number, call: number, value: number, fields: Partial<Feedback> = {}) => ({
          ...origin(20 + i),
          tenant: "acme",
          feedback: {
            feedback_id: `f${i}`,
            call_id: callId(call),
            use_case: "ticket-summary",
            kind: "label" as const,
            value,
            criterion: "faithfulness",
            given_at: minute(20 + i),
            ...fields,
          },
        });
        const failed = { label: "fail" as const, score: 0 };
        await store.insertVerdicts([
          verdictRow(0),
          verdictRow(1, failed),
          verdictRow(2),
          verdictRow(3, failed),
          verdictRow(4),
          verdictRow(5, { ...failed, score: 0.25 }),
          verdictRow(6, { judge: "judge-b" }),
          verdictRow(7, { state: "failed", label: null, score: null }),
        ]);
        await store.insertFeedback([
          label(0, 0, 1),
          label(1, 1, 0),
          label(2, 2, 1),
          label(3, 3, 1),
          // The newest label of a call counts, and no thumb and no label of another criterion.
          label(4, 2, 0),
          label(5, 4, 0, { kind: "thumb" }),
          label(6, 5, 1, { criterion: "completeness" }),
          label(7, 6, 1),
          label(8, 7, 1),
        ]);
        const query = { ...DAY, use_case: "ticket-summary" };
        expect(await store.judgeLabels(query)).toMatchObject([
          {
            tenant: "acme",
            criterion: "faithfulness",
            judge: "judge-a",
            both_pass: 1,
            both_fail: 1,
            judge_pass_human_fail: 1,
            judge_fail_human_pass: 1,
            unlabelled_pass: 1,
            unlabelled_fail: 1,
            partial_scores: 1,
            oldest_label_at: minute(20),
          },
          { judge: "judge-b", both_pass: 1, unlabelled_pass: 0, oldest_label_at: minute(27) },
        ]);
        expect(await store.judgeLabels({ ...query, use_case: "triage" })).toEqual([]);
      });

      test("a thumb down puts its call on the work list, in no estimate, and only the call of its own tenant", async () => {
        const thumb = (i: number, fields: Partial<Feedback>, tenant = "acme") => ({
          ...origin(20 + i),
          tenant,
          feedback: {
            feedback_id: `f${i}`,
            call_id: callId(i),
            use_case: "ticket-summary",
            kind: "thumb" as const,
            value: 0,
            given_at: minute(20),
            ...fields,
          },
        });
        const unsampled = (i: number): CallRow => ({ ...callRow(i), is_sampled: false });
        await store.insertCalls([callRow(0), unsampled(1), unsampled(2), unsampled(3), unsampled(4)]);
        await store.insertFeedback([
          thumb(0, {}),
          thumb(1, {}),
          thumb(2, { value: 1 }),
          thumb(3, { kind: "label" }),
          thumb(4, {}, "somebody else"),
        ]);
        const pending = await store.pendingCalls(worklist());
        // What chance chose stays what it is, thumb or not.
        expect(pending.map(({ call_id, sample_rate }) => [call_id, sample_rate])).toEqual([
          [callId(0), 0.05],
          [callId(1), 0],
        ]);

        await store.insertVerdicts([verdictRow(0), verdictRow(1, { sample_rate: 0, score: 0 })]);
        expect(await store.pendingCalls(worklist())).toEqual([]);
        expect((await store.judgedUnits(DAY)).map((unit) => unit.call_id)).toEqual([callId(0)]);
        expect(await store.judgedUnitCounts(DAY)).toMatchObject([{ units: 1 }]);
        expect(await store.coverageByHour(DAY)).toMatchObject([{ sampled: 1, scored: 1 }]);
      });

      test("judging again makes no second unit, and a score of zero is a score", async () => {
        await store.insertVerdicts([verdictRow(1, { score: 1 })]);
        await store.insertVerdicts([{ ...verdictRow(1, { score: 0, label: "fail" }), log_offset: 9 }]);
        expect((await store.judgedUnits(DAY)).map(({ score }) => score)).toEqual([0]);
      });

      test("versions, criteria, rubrics and judges are kept apart", async () => {
        await store.insertVerdicts([
          verdictRow(1),
          verdictRow(2, { prompt_version: "v2" }),
          verdictRow(3, { criterion: "tone", is_guardrail: false }),
          verdictRow(4, { judge: "judge-b" }),
          verdictRow(5, { rubric_hash: "sha256:new", protects: "personal_data" }),
        ]);
        const units = await store.judgedUnits(DAY);
        expect(units).toHaveLength(5);
        expect(units.find((row) => row.criterion === "tone")?.is_guardrail).toBe(false);
        expect(units.map(({ rubric_hash, protects }) => [rubric_hash, protects])).toContainEqual([
          "sha256:new",
          "personal_data",
        ]);
        expect(units.filter(({ protects }) => protects === null)).toHaveLength(4);
      });

      test("coverage adds up: sampled is the states and what is still pending", async () => {
        const states = ["scored", "cannot_judge", "failed", "expired", "over_budget"] as const;
        await store.insertCalls([0, 1, 2, 3, 4, 5].map((offset) => callRow(offset)));
        await store.insertCalls([{ ...callRow(6), is_sampled: false }, callRow(60)]);
        await store.insertVerdicts(
          states.map((state, i) =>
            verdictRow(i, state === "scored" ? {} : { state, score: null, label: null }),
          ),
        );
        const key = { tenant: "acme", env: "production", use_case: "ticket-summary" };
        const none = { scored: 0, cannot_judge: 0, failed: 0, expired: 0, over_budget: 0 };
        expect(await store.coverageByHour(DAY)).toEqual([
          {
            ...key,
            hour: "2026-11-24T09:00:00.000Z",
            sampled: 6,
            scored: 1,
            cannot_judge: 1,
            failed: 1,
            expired: 1,
            over_budget: 1,
          },
          { ...key, hour: "2026-11-24T10:00:00.000Z", sampled: 1, ...none },
        ]);
      });

      test("a call judged on two criteria counts once, in its worse state", async () => {
        await store.insertCalls([callRow(1)]);
        await store.insertVerdicts([
          verdictRow(1),
          {
            ...verdictRow(1, { criterion: "tone", state: "failed", score: null, label: null }),
            log_offset: 2,
          },
        ]);
        expect(await store.coverageByHour(DAY)).toMatchObject([{ sampled: 1, scored: 0, failed: 1 }]);
      });
    });

    describe("the monitor's questions", () => {
      beforeEach(async () => {
        await store.migrate();
      });

      test("a judged unit is the first verdict of a conversation on a day, in the window of its arrival", async () => {
        await store.insertVerdicts([
          verdictRow(1, {
            conversation_id: "a",
            slices: ["mentions_money"],
            score: 0.5,
            input_fingerprint: "first text",
          }),
          verdictRow(5, { conversation_id: "a", score: 0, input_fingerprint: "second text" }),
          verdictRow(7, { conversation_id: "b", state: "failed", score: null, label: null }),
          verdictRow(8, { conversation_id: "c", use_case: "triage" }),
        ]);
        const units = await store.judgedUnits(DAY);
        expect(units).toMatchObject([
          {
            use_case: "ticket-summary",
            call_id: callId(1),
            judged_at: minute(2),
            score: 0.5,
            slices: ["mentions_money"],
            sample_rate: 0.05,
            is_guardrail: true,
            input_fingerprint: "first text",
          },
          { use_case: "triage", call_id: callId(8), input_fingerprint: "" },
        ]);
        expect(
          await store.judgedUnits({ ...DAY, use_cases: [{ tenant: "acme", use_case: "triage" }] }),
        ).toHaveLength(1);
        expect(await store.judgedUnitCounts(DAY)).toMatchObject([
          { use_case: "ticket-summary", prompt_version: "v1", hour: "2026-11-24T09:00:00.000Z", units: 1 },
          { use_case: "triage", units: 1 },
        ]);
        expect(await store.judgedUnits({ start: minute(2), end: minute(3) })).toHaveLength(1);
        // The conversation's first verdict came before: its second one is no unit of this window either.
        expect(await store.judgedUnits({ start: minute(3), end: minute(9) })).toHaveLength(0);
      });

      test("a verdict that was delivered twice is one unit", async () => {
        await store.insertVerdicts([verdictRow(1)]);
        await store.insertVerdicts([{ ...verdictRow(1), log_offset: 9 }]);
        expect(await store.judgedUnits(DAY)).toHaveLength(1);
      });

      test("the activity of versions is about calls that arrived since", async () => {
        await store.insertCalls([
          callRow(1),
          callRow(2),
          { ...callRow(3, { prompt_version: "v2" }), started_at: minute(0) },
        ]);
        expect(await store.versionActivity({ since: minute(2) })).toEqual([
          {
            tenant: "acme",
            env: "production",
            use_case: "ticket-summary",
            prompt_version: "v2",
            calls: 1,
            sampled: 1,
            first_started_at: minute(0),
            last_started_at: minute(0),
            last_ingested_at: minute(3),
          },
          expect.objectContaining({ prompt_version: "v1", calls: 1, first_started_at: minute(2) }),
        ]);
      });

      test("the progress of judging counts each selected call once, and names the one that waits longest", async () => {
        await store.insertCalls([callRow(1), callRow(2), callRow(3), { ...callRow(4), is_sampled: false }]);
        await store.insertVerdicts([
          verdictRow(1),
          {
            ...verdictRow(1, { criterion: "tone", state: "failed", score: null, label: null }),
            log_offset: 9,
          },
        ]);
        expect(await store.judgingProgress({ start: DAY.start, end: minute(3) })).toEqual([
          {
            tenant: "acme",
            env: "production",
            use_case: "ticket-summary",
            sampled: 2,
            scored: 0,
            cannot_judge: 0,
            expired: 0,
            over_budget: 0,
            failed: 1,
            unjudged: 1,
            commonest_cause: "",
            oldest_unjudged_at: minute(2),
          },
        ]);
      });

      test("nothing waits when everything selected was judged", async () => {
        await store.insertCalls([callRow(1)]);
        await store.insertVerdicts([verdictRow(1)]);
        expect(await store.judgingProgress(DAY)).toMatchObject([
          { scored: 1, unjudged: 0, oldest_unjudged_at: null },
        ]);
      });

      test("a silent use case is told with what is usual a week before", async () => {
        const at = (iso: string, i: number): CallRow => ({ ...callRow(i), ingested_at: iso });
        await store.insertCalls([
          at("2026-11-16T09:00:00.000Z", 1),
          at("2026-11-17T10:30:00.000Z", 2),
          at("2026-11-17T12:59:00.000Z", 4),
          at("2026-11-24T10:00:00.000Z", 3),
        ]);
        const query = { start: "2026-11-10T00:00:00.000Z", end: "2026-11-24T11:00:00.000Z" };
        expect(await store.silentUseCases({ ...query, since: "2026-11-24T10:30:00.000Z" })).toEqual([
          {
            tenant: "acme",
            env: "production",
            use_case: "ticket-summary",
            first_at: "2026-11-16T09:00:00.000Z",
            last_at: "2026-11-24T10:00:00.000Z",
            calls_of_last_day: 1,
            calls_a_week_before: 1,
            calls_around_a_week_before: 2,
          },
        ]);
        expect(await store.silentUseCases({ ...query, since: "2026-11-24T10:00:00.000Z" })).toEqual([]);
      });

      test("arrivals are counted by quarters of an hour, of the use cases that are asked about", async () => {
        const at = (iso: string, i: number, use_case: string): CallRow => ({
          ...callRow(i, { use_case }),
          ingested_at: iso,
        });
        await store.insertCalls([
          at("2026-11-24T10:14:59.999Z", 1, "ticket-summary"),
          at("2026-11-24T10:15:00.000Z", 2, "ticket-summary"),
          at("2026-11-24T10:29:00.000Z", 3, "ticket-summary"),
          at("2026-11-24T10:00:00.000Z", 4, "triage"),
          at("2026-11-24T11:00:00.000Z", 5, "triage"),
        ]);
        const query = { start: "2026-11-24T10:00:00.000Z", end: "2026-11-24T11:00:00.000Z" };
        const quarter = Date.parse(query.start) / 900_000;
        const ticket = { tenant: "acme", env: "production", use_case: "ticket-summary" };
        const one = [{ tenant: "acme", use_case: "ticket-summary" }];
        const quarters = [
          [quarter, 1],
          [quarter + 1, 2],
        ];
        expect(await store.arrivalQuarters({ ...query, use_cases: one })).toEqual([{ ...ticket, quarters }]);
        expect(await store.arrivalQuarters(query)).toEqual([
          { ...ticket, quarters },
          { ...ticket, use_case: "triage", quarters: [[quarter, 1]] },
        ]);
      });

      test("the mix of slices and the models that answered are counted by version", async () => {
        await store.insertCalls([
          callRow(1, { response_model: "a-1" }),
          callRow(2, { response_model: "a-2" }),
          { ...callRow(3), slices: ["z", "a"] },
          callRow(4, { use_case: "triage" }),
        ]);
        const query = { ...DAY, use_case: "ticket-summary" };
        expect(await store.sliceMix(query)).toMatchObject([
          { prompt_version: "v1", held: ["mentions_money"], calls: 2 },
          { prompt_version: "v1", held: ["a", "z"], calls: 1 },
        ]);
        expect(await store.responseModels(query)).toMatchObject([
          { response_model: "a-1", calls: 1, first_started_at: minute(1) },
          { response_model: "a-2", calls: 1 },
        ]);
      });

      test("a baseline comes back as it was frozen, and states and evidence replace what was said before", async () => {
        const stored: BaselineRow = {
          ...series,
          snapshot_id: "b1",
          prompt_version: "v2",
          incumbent_version: "v1",
          deployed_at: minute(0),
          reference_start: DAY.start,
          reference_end: minute(0),
          units: 120,
          score_sum: 110.5,
          snapshot: { id: "b1", streams: [{ name: "all", se: 1 / 3 }], pinned: null },
          created_at: minute(1),
        };
        const row: BaselineInsert = {
          ...stored,
          dispersion: 1,
          tempering: 1,
          coefficients: [0.9],
          streams: ["all"],
          stream_weights: [1],
          stream_margins: [0.03],
          stream_units: [119.6],
          misfits_expected: 0.01,
        };
        await store.insertBaselines([row]);
        await store.insertBaselines([row]);
        expect(await store.baselines({ since: minute(1) })).toEqual([stored]);
        expect(await store.baselines({ since: minute(2) })).toEqual([]);

        const state = { ...series, prompt_version: "v2", snapshot_id: "b1", log_m: 1.5, log_threshold: 9.8 };
        await store.insertQualityStates([
          { ...state, state: "WATCHING", at: minute(1), units: 0 },
          { ...state, state: "CLEARED", at: minute(9), units: 800 },
        ]);
        expect(
          (await store.qualityStates({ since: DAY.start })).map(({ state: name, units }) => [name, units]),
        ).toEqual([
          ["WATCHING", 0],
          ["CLEARED", 800],
        ]);
        const { rubric_hash: _rubric, judge: _judge, ...about } = series;
        await store.insertEvidence([
          {
            ...about,
            snapshot_id: "b1",
            prompt_version: "v2",
            stream: "all",
            hour: "2026-11-24T09:00:00.000Z",
            units: 3,
            score_sum: 2.5,
            expected_sum: 2.7,
            log_factors: [-0.1, 0.2],
            clearance_factors: [0.1, 0],
            computed_at: minute(9),
          },
        ]);
      });
    });

    describe("other events", () => {
      beforeEach(async () => {
        await store.migrate();
      });

      test("feedback, incidents and registry events are stored at their offsets", async () => {
        await store.insertFeedback([
          {
            ...origin(1),
            tenant: "acme",
            feedback: {
              feedback_id: "f1",
              call_id: callId(1),
              use_case: "ticket-summary",
              kind: "thumb",
              value: 0,
              given_at: minute(1),
            },
          },
        ]);
        await store.insertIncidentEvents([
          { ...origin(2), event: detected },
          {
            ...origin(3),
            event: { type: "acknowledged", incident_id: "inc_1", at: minute(3), actor: "ann" },
          },
        ]);
        await store.insertRegistryEvents([
          {
            ...origin(4),
            event: {
              event_id: "e1",
              use_case: "ticket-summary",
              env: "production",
              type: "promoted",
              expected_revision: 3,
              prompt_version: null,
              actor: "ann",
              reason: "",
              at: minute(4),
              body: { weights: { v1: 1 } },
            },
          },
        ]);
        const range = { log_partition: 0, from: 0, to: 10 };
        expect(await store.storedOffsets("feedback", range)).toEqual(new Set([1]));
        expect(await store.storedOffsets("incidents", range)).toEqual(new Set([2, 3]));
        expect(await store.storedOffsets("registry_events", range)).toEqual(new Set([4]));
      });

      test("feedback with a broken time is a bad row", async () => {
        const feedback = { feedback_id: "f", call_id: "c", use_case: "u", kind: "thumb", value: 1 } as const;
        const row = { ...origin(0), tenant: "acme", feedback: { ...feedback, given_at: "noon" } };
        await expect(store.insertFeedback([row])).rejects.toMatchObject({ code: "store_data", failedRow: 0 });
      });
    });
  });
}

const series = {
  tenant: "acme",
  env: "production",
  use_case: "ticket-summary",
  criterion: "faithfulness",
  rubric_hash: RUBRIC,
  judge: "judge-a",
};

/** Minute `i` of the contract's morning, from 09:00. */
function minute(i: number): string {
  return new Date(Date.UTC(2026, 10, 24, 9, i)).toISOString();
}

function callId(i: number): string {
  return `01935b2e-7c4e-7000-8000-a${i.toString(16).padStart(11, "0")}`;
}

function origin(offset: number): Origin {
  return { log_partition: 0, log_offset: offset, ingested_at: minute(offset % 60) };
}

function callRow(i: number, fields: Partial<LlmCallInput> = {}): CallRow {
  const started_at = fields.started_at ?? minute(i % 720);
  const call = LlmCall.parse({
    call_id: callId(i),
    started_at,
    app: "helpdesk",
    use_case: "ticket-summary",
    prompt_version: "v1",
    model: "model-a",
    status: "ok",
    latency_ms: 100,
    conversation_id: `conversation-${i}`,
    input: `in ${i}`,
    output: `out ${i}`,
    ...fields,
  });
  return {
    log_partition: 0,
    log_offset: i,
    ingested_at: started_at,
    tenant: "acme",
    call,
    prompt_version: call.prompt_version ?? "",
    conversation_id: call.conversation_id ?? call.call_id,
    started_at,
    clock_skew_ms: 0,
    cost_usd: call.cost_usd ?? null,
    slices: ["mentions_money"],
    features: { input_chars: 4 },
    is_sampled: true,
    sample_rate: 0.05,
    flags: [],
  };
}

function verdictRow(i: number, fields: Partial<Verdict> = {}): Origin & { readonly verdict: Verdict } {
  return {
    ...origin(i),
    verdict: {
      call_id: callId(i),
      tenant: "acme",
      env: "production",
      use_case: "ticket-summary",
      prompt_version: "v1",
      model: "model-a",
      conversation_id: `conversation-${i}`,
      started_at: minute(i),
      criterion: "faithfulness",
      is_guardrail: true,
      rubric_hash: RUBRIC,
      judge: "judge-a",
      state: "scored",
      label: "pass",
      score: 1,
      reason: "",
      failure_type: null,
      judged_at: minute(i + 1),
      latency_ms: 12.5,
      cost_usd: null,
      slices: [],
      sample_rate: 0.05,
      ...fields,
    },
  };
}

function worklist(fields: { limit?: number; since?: string } = {}) {
  return { criterion: "faithfulness", rubric_hash: RUBRIC, limit: 100, since: DAY.start, ...fields };
}

const evidence = {
  prompt_version: "v2",
  units: 100,
  calls: 120,
  mean: 0.8,
  interval: [0.7, 0.9] as [number, number],
};

const detected: Extract<IncidentEvent, { type: "detected" }> = {
  type: "detected",
  incident_id: "inc_1",
  at: minute(2),
  actor: "monitor",
  detection: {
    kind: "judge_drift",
    severity: "SEV2",
    tenant: "acme",
    env: "production",
    use_case: "ticket-summary",
    metric: { name: "faithfulness", unit: "share", label: "faithfulness" },
    is_guardrail: true,
    candidate: evidence,
    incumbent: { ...evidence, prompt_version: "v1", mean: 0.9 },
    effect: -0.1,
    interval: [-0.2, -0.05],
    level: 0.95,
    method: "e-detector",
    judge: "judge-a",
    rubric_hash: RUBRIC,
    window: DAY,
    version_started_at: DAY.start,
    slices: [],
    verdict: null,
    evidence: { measure: "judge_agreement", null_mean: 0.9, log_level: 6 },
  },
};
