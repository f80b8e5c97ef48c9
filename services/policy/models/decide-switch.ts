/**
 * Whether a model fails for the whole fleet, and whether it answers again. Pure.
 *
 * Off: of at least 20 attempts within a minute the 99% interval of the share of failures lies above one half, in most of
 * the processes that tried. On: of at least 20 attempts since, within ten minutes, it lies below a quarter; while a model
 * is off, applications try it with a few of their calls. Between the two shares nothing moves, and neither does anything
 * without attempts. A healthy model fails so rarely that looking every second does not matter: 16 of 20 by chance, at a
 * rate of 5%, is less likely than 1e-16.
 */
import { counted } from "@plumbline/schemas";
import { wilsonInterval } from "@plumbline/stats";
import type { ModelEvidence, ModelOffView } from "@plumbline/schemas";
import { EMITTERS_REACH_MS, REACH_MS, type Tally } from "./model-windows.ts";

const ATTEMPTS_MIN = 20;
const LEVEL = 0.99;
const FAILING_SHARE = 0.5;
const ANSWERING_SHARE = 0.25;
/** A model stays off for at least this long, ms. */
const OFF_MS_MIN = 30_000;
/** Spans that are asked whether it answers again, the shortest first: what failed before does not count against it for long. */
const BACK_SPANS_MS = [EMITTERS_REACH_MS, 2 * EMITTERS_REACH_MS, 5 * EMITTERS_REACH_MS, REACH_MS];

export interface ModelLimits {
  /** act: it switches. dry_run: it says what it would switch. off: it does not look. */
  readonly models: "act" | "dry_run" | "off";
  /** Of one model and env switched off, within 24 hours. */
  readonly switchesPerDay: number;
}

export interface SwitchQuestion {
  /** What was counted within the last so many ms. */
  readonly tally: (spanMs: number) => Tally;
  /** Null while the model is on. */
  readonly off: Pick<ModelOffView, "evidence" | "actor" | "reason"> | null;
  /** For how long this process has known it to be off, ms. */
  readonly offForMs: number;
  /** How often it was switched off by itself within a day, and how often it may be. */
  readonly switchesToday: number;
  readonly switchesMax: number;
}

export interface SwitchDecision {
  readonly kind: "off" | "on" | "hold";
  readonly why: string;
  readonly evidence: ModelEvidence | null;
}

export function decideSwitch(question: SwitchQuestion): SwitchDecision {
  return question.off === null ? whetherOff(question) : whetherOn(question, question.off);
}

function whetherOff({ tally, switchesToday, switchesMax }: SwitchQuestion): SwitchDecision {
  const evidence = evidenceOf(tally(EMITTERS_REACH_MS), EMITTERS_REACH_MS);
  if (evidence === null) return hold("no attempt within a minute");
  if (evidence.attempts < ATTEMPTS_MIN)
    return hold(
      `${evidence.attempts} of the ${ATTEMPTS_MIN} attempts a minute that it takes to tell`,
      evidence,
    );
  if (evidence.failure_rate[0] < FAILING_SHARE) return hold(sentence(evidence), evidence);
  if (2 * evidence.emitters_failing <= evidence.emitters) {
    return hold(
      `${sentence(evidence)}, but in ${evidence.emitters_failing} of ${evidence.emitters} processes only: theirs is the fault`,
      evidence,
    );
  }
  if (switchesToday >= switchesMax) {
    return hold(
      `${sentence(evidence)}; it was switched off ${counted(switchesToday, "time")} within a day, and a person decides now: plumbline policy off <model>`,
      evidence,
    );
  }
  return { kind: "off", why: `${sentence(evidence)} within a minute`, evidence };
}

function whetherOn(
  { tally, offForMs }: SwitchQuestion,
  off: NonNullable<SwitchQuestion["off"]>,
): SwitchDecision {
  if (off.evidence === null) return hold(`switched off by ${off.actor}: ${off.reason}`);
  if (offForMs < OFF_MS_MIN) return hold(`off, for at least ${OFF_MS_MIN / 1_000} s`);
  const spans = BACK_SPANS_MS.map((span) => Math.min(span, offForMs));
  const read = spans.map((span) => evidenceOf(tally(span), span));
  const back = read.find(
    (each) => each !== null && each.attempts >= ATTEMPTS_MIN && each.failure_rate[1] <= ANSWERING_SHARE,
  );
  if (back != null) return { kind: "on", why: `it answers again: ${sentence(back)}`, evidence: back };
  const widest = read.at(-1) ?? null;
  return hold(
    widest === null
      ? "off; nobody has tried it since"
      : `off; ${sentence(widest)} since, and it takes ${ATTEMPTS_MIN} attempts of which less than a quarter fail`,
    widest,
  );
}

/** @returns null without attempts: absence says nothing */
function evidenceOf({ attempts, failures, ...emitters }: Tally, window_ms: number): ModelEvidence | null {
  if (attempts === 0) return null;
  const { lower, upper } = wilsonInterval(failures, attempts, LEVEL);
  // Told apart for a minute only, and there is always one that made the attempt.
  return {
    window_ms: Math.max(1, Math.round(window_ms)),
    attempts,
    failures,
    failure_rate: [lower, upper],
    emitters: Math.max(1, emitters.emitters),
    emitters_failing: emitters.emitters_failing,
  };
}

function hold(why: string, evidence: ModelEvidence | null = null): SwitchDecision {
  return { kind: "hold", why, evidence };
}

function sentence({ attempts, failures, failure_rate: [lower, upper] }: ModelEvidence): string {
  const percent = (share: number): string => `${Math.round(100 * share)}%`;
  return `${failures} of ${attempts} attempts failed (99% interval ${percent(lower)} to ${percent(upper)})`;
}
