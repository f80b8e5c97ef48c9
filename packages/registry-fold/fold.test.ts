import { canonicalJson } from "@plumbline/prompts";
import type { LogRecord } from "@plumbline/ports";
import type { RegistryEvent } from "@plumbline/schemas";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  admissible,
  approved,
  documentOf,
  evaluated,
  hashOf,
  policySet,
  promoted,
  quarantined,
  registered,
  rolledBack,
  SETTINGS,
  toRecords,
  USE_CASE,
  versionOf,
} from "../../test/registry/commands.ts";
import { foldRecord } from "./fold.ts";
import {
  createState,
  liveArms,
  stateFromJson,
  stateToJson,
  type Outcome,
  type RegistryState,
} from "./state.ts";

function fold(records: readonly LogRecord[], state: RegistryState = createState()) {
  const outcomes = records.flatMap((record) => foldRecord(state, record)?.outcome ?? []);
  return { state, outcomes };
}

function after(...commands: readonly RegistryEvent[]) {
  const { state, outcomes } = fold(toRecords(commands));
  return { state, last: outcomes.at(-1)!, outcomes };
}

function live(state: RegistryState, env = "production"): readonly (readonly [string, number])[] {
  const useCase = state.use_cases.get(`default/${USE_CASE}`)!;
  return liveArms(useCase, useCase.envs.get(env)).map(
    ({ number, weight }) => [`v${number}`, weight] as const,
  );
}

function codeOf(outcome: Outcome): string {
  if (outcome.kind === "accepted") return outcome.changed ? "accepted" : "unchanged";
  return outcome.failures.length > 0 ? outcome.failures.map(({ code }) => code).join(" ") : outcome.code;
}

const V1_LIVE = [...admissible("one", null), promoted("one", 0)];
const V2_LIVE = [...V1_LIVE, ...admissible("two", "one"), promoted("two", 1)];

describe("the gate", () => {
  test.each<{ name: string; commands: readonly RegistryEvent[]; expected: string }>([
    {
      name: "a first version with record and approval",
      commands: [...admissible("one", null), promoted("one", 0)],
      expected: "accepted",
    },
    {
      name: "no record",
      commands: [registered("one"), approved("one"), promoted("one", 0)],
      expected: "eval_missing",
    },
    {
      name: "no approval",
      commands: [registered("one"), evaluated("one", null), promoted("one", 0)],
      expected: "approval_missing",
    },
    {
      name: "neither",
      commands: [registered("one"), promoted("one", 0)],
      expected: "eval_missing approval_missing",
    },
    {
      name: "own approval",
      commands: [registered("one"), approved("one", { actor: "Ann " })],
      expected: "approval_by_author",
    },
    {
      name: "approval by whoever pushed for the author",
      commands: [
        registered("one", {
          actor: "ci",
          body: { document: documentOf("one"), author: "ann", commit: null, settings: null },
        }),
        approved("one", { actor: "ci" }),
      ],
      expected: "approval_by_author",
    },
    {
      name: "approval by the author of what somebody else pushed",
      commands: [
        registered("one", {
          actor: "ci",
          body: { document: documentOf("one"), author: "Ann", commit: null, settings: null },
        }),
        approved("one", { actor: "ann" }),
      ],
      expected: "approval_by_author",
    },
    {
      name: "a quarantined version that passed on another eval set",
      commands: [
        ...V1_LIVE,
        ...admissible("two", "one"),
        quarantined("two"),
        evaluated("two", "one", { record: { eval_set_hash: hashOf("easy cases") } }),
        promoted("two", 1),
      ],
      expected: "quarantined",
    },
    {
      name: "a record against a version that is no longer live",
      commands: [...V2_LIVE, ...admissible("three", "one"), promoted("three", 2)],
      expected: "eval_stale_incumbent",
    },
    {
      name: "a failed record against a version that is no longer live",
      commands: [
        ...V2_LIVE,
        registered("three"),
        evaluated("three", "one", { passed: false }),
        approved("three"),
        promoted("three", 2),
      ],
      expected: "eval_stale_incumbent slice_worse",
    },
    {
      name: "a record on another eval set",
      commands: [
        ...V1_LIVE,
        registered("two"),
        evaluated("two", "one", { record: { eval_set_hash: hashOf("easy cases") } }),
        approved("two"),
        promoted("two", 1),
      ],
      expected: "eval_set_changed",
    },
    {
      name: "an eval set that changed after the evaluation",
      commands: [
        ...V1_LIVE,
        ...admissible("two", "one"),
        registered("two", {
          settings: { ...SETTINGS, eval_set: { ...SETTINGS.eval_set!, hash: hashOf("eval set 2") } },
        }),
        promoted("two", 1),
      ],
      expected: "eval_set_changed",
    },
    {
      name: "other rubrics",
      commands: [
        ...V1_LIVE,
        registered("two"),
        evaluated("two", "one", { record: { rubric_hashes: {} } }),
        approved("two"),
        promoted("two", 1),
      ],
      expected: "rubrics_changed",
    },
    {
      name: "a failing slice",
      commands: [
        ...V1_LIVE,
        registered("two"),
        evaluated("two", "one", { passed: false }),
        approved("two"),
        promoted("two", 1),
      ],
      expected: "eval_failed slice_worse",
    },
    {
      name: "an older pass and a newer failure",
      commands: [
        ...V1_LIVE,
        ...admissible("two", "one"),
        evaluated("two", "one", { passed: false }),
        promoted("two", 1),
      ],
      expected: "eval_failed slice_worse",
    },
    {
      name: "an expired record",
      commands: [
        ...V1_LIVE,
        registered("two", { settings: { ...SETTINGS, gate: { max_record_age_ms: 60_500 } } }),
        evaluated("two", "one"),
        approved("two"),
        promoted("two", 1),
      ],
      expected: "eval_expired",
    },
    {
      name: "a quarantined version",
      commands: [...V1_LIVE, ...admissible("two", "one"), quarantined("two"), promoted("two", 1)],
      expected: "quarantined",
    },
    {
      name: "a quarantined version that passed again",
      commands: [
        ...V1_LIVE,
        ...admissible("two", "one"),
        quarantined("two"),
        evaluated("two", "one"),
        promoted("two", 1),
      ],
      expected: "accepted",
    },
    {
      name: "a quarantined version that failed again",
      commands: [
        ...V1_LIVE,
        ...admissible("two", "one"),
        quarantined("two"),
        evaluated("two", "one", { passed: false }),
        promoted("two", 1),
      ],
      expected: "quarantined eval_failed slice_worse",
    },
    {
      name: "no eval set",
      commands: [registered("one", { settings: null }), approved("one"), promoted("one", 0)],
      expected: "eval_set_missing",
    },
    {
      name: "a canary without proof",
      commands: [...V1_LIVE, registered("two"), promoted("two", 1, { weight: 0.1 })],
      expected: "eval_missing approval_missing",
    },
    {
      name: "a bypass without a reason",
      commands: [registered("one"), promoted("one", 0, { isBypass: true })],
      expected: "reason_missing",
    },
    {
      name: "a bypass with a reason",
      commands: [registered("one"), promoted("one", 0, { isBypass: true, reason: "outage" })],
      expected: "accepted",
    },
    {
      name: "a stale expectation",
      commands: [...V1_LIVE, ...admissible("two", "one"), promoted("two", 0)],
      expected: "stale_revision",
    },
    {
      name: "a stale expectation, bypassed",
      commands: [
        ...V1_LIVE,
        ...admissible("two", "one"),
        promoted("two", 0, { isBypass: true, reason: "now" }),
      ],
      expected: "stale_revision",
    },
  ])("$name: $expected", ({ commands, expected }) => {
    expect(codeOf(after(...commands).last)).toBe(expected);
  });

  test("every refusal says what to do", () => {
    const { last } = after(...V1_LIVE, registered("two"), quarantined("two"), promoted("two", 1));
    expect(last).toMatchObject({
      kind: "rejected",
      code: "gate_refused",
      failures: [
        { code: "quarantined", message: expect.stringContaining("Evaluate it again") as string },
        {
          code: "eval_missing",
          message: expect.stringContaining("plumbline eval ticket-summary@") as string,
        },
        {
          code: "approval_missing",
          message: expect.stringContaining("plumbline approve ticket-summary v2") as string,
        },
      ],
    });
  });

  test("a bypass stays visible with its reason, its actor and what it overrode", () => {
    const { state } = after(
      registered("one"),
      promoted("one", 0, { isBypass: true, reason: "outage", actor: "eve" }),
    );
    expect(state.use_cases.get(`default/${USE_CASE}`)!.envs.get("production")!.bypasses).toMatchObject([
      {
        actor: "eve",
        reason: "outage",
        overridden: [{ code: "eval_missing" }, { code: "approval_missing" }],
      },
    ]);
  });
});

describe("what is live", () => {
  test("a canary serves its share, grows, and takes over", () => {
    const commands = [...V1_LIVE, ...admissible("two", "one"), promoted("two", 1, { weight: 0.05 })];
    expect(live(after(...commands).state)).toEqual([
      ["v2", 0.05],
      ["v1", 0.95],
    ]);
    const grown = [...commands, promoted("two", 2, { weight: 0.25 })];
    expect(live(after(...grown).state)).toEqual([
      ["v2", 0.25],
      ["v1", 0.75],
    ]);
    expect(live(after(...grown, promoted("two", 3)).state)).toEqual([["v2", 1]]);
  });

  test("a canary can shrink without proof, and nothing else starts beside it", () => {
    const canary = [
      ...V1_LIVE,
      ...admissible("two", "one"),
      promoted("two", 1, { weight: 0.5 }),
      quarantined("two"),
    ];
    expect(codeOf(after(...canary, promoted("two", 2, { weight: 0.1 })).last)).toBe("accepted");
    expect(codeOf(after(...canary, promoted("two", 2, { weight: 0.9 })).last)).toBe("quarantined");
    expect(codeOf(after(...canary, ...admissible("three", "one"), promoted("three", 2)).last)).toBe(
      "canary_in_progress",
    );
  });

  test.each<{ name: string; commands: readonly RegistryEvent[]; expected: string; serves: string }>([
    {
      name: "to the version before",
      commands: [...V2_LIVE, rolledBack(2)],
      expected: "accepted",
      serves: "v1",
    },
    {
      name: "of a canary",
      commands: [...V1_LIVE, ...admissible("two", "one"), promoted("two", 1, { weight: 0.1 }), rolledBack(2)],
      expected: "accepted",
      serves: "v1",
    },
    {
      name: "past a quarantined version",
      commands: [
        ...V2_LIVE,
        ...admissible("three", "two"),
        promoted("three", 2),
        quarantined("two"),
        rolledBack(3),
      ],
      expected: "accepted",
      serves: "v1",
    },
    {
      name: "to a named version",
      commands: [
        ...V2_LIVE,
        ...admissible("three", "two"),
        promoted("three", 2),
        rolledBack(3, { to: "one" }),
      ],
      expected: "accepted",
      serves: "v1",
    },
    {
      name: "to a version that was never live",
      commands: [...V2_LIVE, registered("three"), rolledBack(2, { to: "three" })],
      expected: "target_never_live",
      serves: "v2",
    },
    {
      name: "to a quarantined version",
      commands: [...V2_LIVE, quarantined("one"), rolledBack(2, { to: "one" })],
      expected: "target_quarantined",
      serves: "v2",
    },
    {
      name: "with nothing before",
      commands: [...V1_LIVE, rolledBack(1)],
      expected: "nothing_before",
      serves: "v1",
    },
    {
      name: "after somebody changed what is live",
      commands: [...V2_LIVE, rolledBack(1)],
      expected: "stale_revision",
      serves: "v2",
    },
    {
      name: "twice, of the same version",
      commands: [...V2_LIVE, rolledBack(2, { from: "two" }), rolledBack(2, { from: "two" })],
      expected: "unchanged",
      serves: "v1",
    },
    {
      name: "to what is live already",
      commands: [...V2_LIVE, rolledBack(1, { to: "two" })],
      expected: "unchanged",
      serves: "v2",
    },
    {
      name: "of a version that is not live",
      commands: [...V2_LIVE, rolledBack(2, { from: "one" })],
      expected: "not_live",
      serves: "v2",
    },
  ])("rollback $name: $expected", ({ commands, expected, serves }) => {
    const { state, last } = after(...commands);
    expect(codeOf(last)).toBe(expected);
    expect(live(state)).toEqual([[serves, 1]]);
  });

  test("a rollback quarantines the bad version until it passes an evaluation again", () => {
    const back = [...V2_LIVE, rolledBack(2)];
    expect(codeOf(after(...back, promoted("two", 3)).last)).toBe("quarantined");
    expect(codeOf(after(...back, evaluated("two", "one"), promoted("two", 3)).last)).toBe("accepted");
  });

  test("environments have their own pointers and revisions", () => {
    const { state, last } = after(...V1_LIVE, promoted("one", 0, { env: "staging" }));
    expect(last).toMatchObject({ kind: "accepted", revision: 1 });
    expect(live(state, "staging")).toEqual([["v1", 1]]);
  });

  test("a policy is one more change of the same revision", () => {
    expect(codeOf(after(...V1_LIVE, policySet(0, 5000)).last)).toBe("stale_revision");
    expect(after(...V1_LIVE, policySet(1, 5000)).last).toMatchObject({ kind: "accepted", revision: 2 });
  });
});

describe("records", () => {
  test.each<{ name: string; command: RegistryEvent; expected: string }>([
    {
      name: "a document of another hash",
      command: registered("two", { prompt_version: versionOf("one") }),
      expected: "hash_mismatch",
    },
    {
      name: "a document of another use case",
      command: registered("two", {
        use_case: "other",
        prompt_version: versionOf("two"),
        body: { document: documentOf("two"), author: "ann", commit: null, settings: null },
      }),
      expected: "use_case_mismatch",
    },
    {
      name: "a policy of another hash",
      command: policySet(1, 5000, {
        body: { policy: { use_case: USE_CASE }, policy_hash: hashOf("policy") },
      }),
      expected: "hash_mismatch",
    },
    {
      name: "an unknown use case",
      command: promoted("one", 0, { use_case: "other" }),
      expected: "use_case_unknown",
    },
    { name: "an unknown version", command: approved("nine"), expected: "version_unknown" },
    {
      name: "a body of another shape",
      command: promoted("one", 1, { body: { weight: 2 } }),
      expected: "invalid_command",
    },
  ])("$name is rejected and changes nothing: $expected", ({ command, expected }) => {
    const before = after(...V1_LIVE);
    const later = after(...V1_LIVE, command);
    expect(codeOf(later.last)).toBe(expected);
    expect(live(later.state)).toEqual(live(before.state));
    expect(later.state.use_cases.size).toBe(1);
  });

  test("a record that is no command is counted and skipped", () => {
    const { state } = fold([
      { ...toRecords(V1_LIVE)[0]!, value: Buffer.from("{") },
      ...toRecords(V1_LIVE, 1),
    ]);
    expect(state.bad_records).toBe(1);
    expect(live(state)).toEqual([["v1", 1]]);
  });

  test("the same event id is done once, and means the same command", () => {
    const commands = [...V1_LIVE, ...admissible("two", "one")];
    const once = promoted("two", 1, { event_id: "key_1" });
    const { state, outcomes } = after(
      ...commands,
      once,
      { ...once, expected_revision: 9, at: "2026-11-24T10:00:00.000Z" },
      { ...once, actor: "eve" },
    );
    expect(outcomes.slice(-3).map(codeOf)).toEqual(["accepted", "accepted", "idempotency_key_reused"]);
    expect(state.use_cases.get(`default/${USE_CASE}`)!.envs.get("production")!.revision).toBe(2);
  });

  test("versions are numbered in the order of registration, and a second registration is none", () => {
    const { state } = after(registered("one"), registered("two"), registered("one", { actor: "eve" }));
    const versions = [...state.use_cases.get(`default/${USE_CASE}`)!.versions.values()];
    expect(versions.map(({ number, author }) => [number, author])).toEqual([
      [1, "ann"],
      [2, "ann"],
    ]);
  });
});

const TEXTS = ["one", "two", "three", "four"];
const text = fc.constantFrom(...TEXTS);
const optionalText = fc.option(text, { nil: null });
const actor = fc.constantFrom("ann", "bob", "eve");
const revision = fc.integer({ min: 0, max: 8 });
const env = fc.constantFrom("production", "staging");
const command: fc.Arbitrary<RegistryEvent> = fc.oneof(
  fc.record({ text, actor }).map((c) => registered(c.text, { actor: c.actor })),
  fc
    .record({ text, incumbent: optionalText, passed: fc.boolean() })
    .map((c) => evaluated(c.text, c.incumbent, { passed: c.passed })),
  fc.record({ text, actor }).map((c) => approved(c.text, { actor: c.actor })),
  fc.record({ text, actor }).map((c) => quarantined(c.text, { actor: c.actor })),
  fc
    .record({ text, revision, env, weight: fc.constantFrom(0.1, 0.5, 1), isBypass: fc.boolean() })
    .map((c) =>
      promoted(c.text, c.revision, { env: c.env, weight: c.weight, isBypass: c.isBypass, reason: "because" }),
    ),
  fc
    .record({ revision, env, from: optionalText, to: optionalText })
    .map(({ revision: seen, ...c }) => rolledBack(seen, c)),
  fc
    .record({ revision, env, deadline: fc.integer({ min: 1, max: 3 }) })
    .map((c) => policySet(c.revision, c.deadline, { env: c.env })),
);
/** Any commands, and a start from which they get somewhere. */
const commands = fc
  .record({
    start: fc.constantFrom<readonly RegistryEvent[]>([], V1_LIVE, V2_LIVE),
    rest: fc.array(command, { maxLength: 60 }),
  })
  // The same id again and again would be one command.
  .map(({ start, rest }) => [...start, ...rest].map((each, i) => ({ ...each, event_id: `p${i}` })));

describe("for any commands", () => {
  test("two replicas that folded the same prefix hold the same bytes, restarts and snapshots included", () => {
    fc.assert(
      fc.property(commands, fc.nat(), (all, cut) => {
        const records = toRecords(all);
        const at = cut % (records.length + 1);
        const straight = fold(records).state;
        // The other one was restarted from a snapshot, and is handed records again.
        const restarted = stateFromJson(
          JSON.parse(JSON.stringify(stateToJson(fold(records.slice(0, at)).state))),
        );
        fold(records, restarted);
        expect(canonicalJson(stateToJson(restarted))).toBe(canonicalJson(stateToJson(straight)));
      }),
      { numRuns: 200 },
    );
  });

  test("the invariants hold after every record", () => {
    fc.assert(
      fc.property(commands, (all) => {
        const state = createState();
        for (const record of toRecords(all)) {
          const before = [...(state.use_cases.get(`default/${USE_CASE}`)?.envs.values() ?? [])].map((each) =>
            structuredClone(each),
          );
          const folded = foldRecord(state, record)!;
          const useCase = state.use_cases.get(`default/${USE_CASE}`);
          if (useCase === undefined) continue;
          expect([...useCase.versions.values()].map(({ number }) => number)).toEqual(
            [...useCase.versions.keys()].map((_, i) => i + 1),
          );
          for (const now of useCase.envs.values()) {
            const then = before.find((each) => each.env === now.env);
            const isChange =
              folded.outcome.kind === "accepted" && folded.outcome.changed && folded.event?.env === now.env;
            // Exactly the accepted changes count, and nothing else moves what is live.
            expect(now.revision - (then?.revision ?? 0)).toBe(isChange ? 1 : 0);
            if (!isChange) expect(now).toEqual(then);
            if (isChange) expect(folded.event?.expected_revision).toBe(then?.revision ?? 0);
            const arms = liveArms(useCase, now);
            expect(arms.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(
              arms.length === 0 ? 0 : 1,
              9,
            );
            expect(new Set(arms.map(({ prompt_version }) => prompt_version)).size).toBe(arms.length);
            expect(now.served).toEqual(expect.arrayContaining(now.stack));
          }
          if (
            folded.outcome.kind !== "accepted" ||
            !folded.outcome.changed ||
            folded.event?.type !== "promoted"
          )
            continue;
          // Nobody gets more of a version without proof, unless somebody answered for that by name.
          const { prompt_version, body } = folded.event;
          const version = useCase.versions.get(prompt_version!)!;
          const then = before.find((each) => each.env === folded.event?.env);
          const isLess = (then?.canary?.weight ?? 0) > Number(body["weight"]);
          const isProven =
            version.quarantined === null &&
            version.evals.some(
              (each) => each.decision.passed && each.incumbent === (then?.stack.at(-1) ?? null),
            ) &&
            version.approvals.some((mark) => mark.actor !== version.author);
          expect(isLess || isProven || folded.outcome.overridden.length > 0).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("of a hundred promotions that expect the same revision, exactly one wins, whatever their order", () => {
    const texts = Array.from({ length: 100 }, (_, i) => `candidate ${i}`);
    const prepared = [...V1_LIVE, ...texts.flatMap((each) => admissible(each, "one"))];
    fc.assert(
      fc.property(fc.shuffledSubarray(texts, { minLength: 100 }), (order) => {
        const { outcomes, state } = after(...prepared, ...order.map((each) => promoted(each, 1)));
        const kinds = outcomes.slice(-100).map(codeOf);
        expect(kinds).toEqual(["accepted", ...Array.from({ length: 99 }, () => "stale_revision")]);
        expect(state.use_cases.get(`default/${USE_CASE}`)!.envs.get("production")!.stack.at(-1)).toBe(
          versionOf(order[0]!),
        );
      }),
      { numRuns: 5 },
    );
  });
});
