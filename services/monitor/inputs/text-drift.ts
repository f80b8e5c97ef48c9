/**
 * Texts of the inputs, day by day, against the days before: topics, and a classifier that tries to tell a day from its
 * reference. Pure: fold days in order.
 *
 * Topics are frozen for 28 days; a young use case freezes again when its history has doubled.
 */
import { groupBy } from "../units/series.ts";
import { DAY_MS } from "@plumbline/schemas";
import { classifyDomain, DRIFT_PATIENCE, pToEMixture, type TextDocument } from "@plumbline/stats";
import type { FeatureResult } from "./drift-decision.ts";
import type { FeatureLevels } from "./feature-levels.ts";
import { AGE_MIN_MS, MEMORY_MS, REFERENCE_ROWS_MIN, WINDOW_ROWS_MIN } from "../counts/season-reference.ts";
import { fitTopics, TOPIC_TEXTS_MIN, type TopicModel, topicsOf } from "./topics.ts";

const TOPIC_PREFIX = "in_topic: ";
const TEXT_FEATURE = "in_text";
/** Characters that the classifier looks at, of one text and of one side: a day must not take minutes. */
const TEXT_CHARS_MAX = 600;
const SIDE_CHARS_MAX = 150_000;

/** A text with the day that it came from. */
export interface DatedText extends TextDocument {
  /** Start of the UTC day, ms. */
  readonly day: number;
}

/** isTextFeature returns true for features of words, which are no slices or numbers. */
function isTextFeature(feature: string): boolean {
  return isTopicFeature(feature) || feature === TEXT_FEATURE;
}

function isTopicFeature(feature: string): boolean {
  return feature.startsWith(TOPIC_PREFIX);
}

interface TopicSnapshot {
  readonly frozenAt: number;
  /** Days that the use case was old. */
  readonly history: number;
  readonly model: TopicModel;
}

interface TopicDay {
  readonly start: number;
  readonly texts: number;
  /** Texts per topic. */
  readonly counts: readonly number[];
}

export class TextDrift {
  readonly #levels: FeatureLevels;
  #topics: TopicSnapshot | null = null;
  #topicDays: TopicDay[] = [];
  #days: number[] = [];

  constructor(levels: FeatureLevels) {
    this.#levels = levels;
  }

  /** A window or day begins: forgets what lies too far back to be a reference. */
  begin(start: number): void {
    this.#topicDays = this.#topicDays.filter((each) => each.start >= start - MEMORY_MS);
    // The first day stays: it tells the age.
    this.#days = this.#days.filter((day, i) => i === 0 || day >= start - MEMORY_MS);
  }

  /** Days whose texts the ones of `day` are compared with, ascending. */
  referenceDays(day: number): readonly number[] {
    const suspicious = this.#levels.suspiciousOf(TEXT_FEATURE);
    return this.#days.filter((each) => each >= day - MEMORY_MS && each < day && !suspicious.has(each));
  }

  close(
    day: number,
    current: readonly TextDocument[],
    reference: readonly DatedText[],
  ): readonly FeatureResult[] {
    const first = this.#days[0] ?? day;
    const results: FeatureResult[] = [];
    if (
      day - first >= AGE_MIN_MS &&
      current.length >= WINDOW_ROWS_MIN &&
      reference.length >= REFERENCE_ROWS_MIN
    ) {
      this.#freezeTopics(day, reference);
      results.push(...this.#compareTopics(day, current), this.#classify(day, current, reference));
    }
    if (this.#topics !== null) this.#topicDays.push(countTopics(this.#topics.model, day, current));
    this.#days.push(day);
    return results;
  }

  #freezeTopics(day: number, reference: readonly DatedText[]): void {
    const history = Math.round((day - (this.#days[0] ?? day)) / DAY_MS);
    const due =
      this.#topics === null ||
      day - this.#topics.frozenAt >= MEMORY_MS ||
      (this.#topics.history < 28 && history >= 2 * this.#topics.history);
    // Topics made while a shift is on would take it for granted.
    const isCalm = !this.#levels.isSuspicious(isTextFeature);
    if (!due || (this.#topics !== null && !isCalm) || reference.length < TOPIC_TEXTS_MIN) return;
    const model = fitTopics(reference);
    if (model === null) return;
    this.#topics = { frozenAt: day, history, model };
    this.#levels.drop(isTopicFeature);
    const byDay = groupBy(reference, (text) => text.day);
    this.#topicDays = [...byDay]
      .map(([start, texts]) => countTopics(model, start, texts))
      .sort((a, b) => a.start - b.start);
  }

  #compareTopics(day: number, current: readonly TextDocument[]): FeatureResult[] {
    if (this.#topics === null) return [];
    const { model } = this.#topics;
    const today = countTopics(model, day, current);
    return model.topics.flatMap((topic, i) => {
      const feature = `${TOPIC_PREFIX}${topic.words.join(", ") || "rare words"} (${i + 1})`;
      const state = this.#levels.state(feature, DRIFT_PATIENCE.daily);
      const past = this.#topicDays
        .filter(({ start }) => !state.suspicious.has(start))
        .map(({ start, texts, counts }) => ({ ...dayAt(start), counts: [texts - counts[i]!, counts[i]!] }));
      const counts = [today.texts - today.counts[i]!, today.counts[i]!];
      const compared = this.#levels.compare(state, { ...dayAt(day), widthHours: 24 }, past, counts);
      if (compared === null) return [];
      const { measured, reference } = compared;
      state.last = {
        ...measured,
        feature,
        is: { type: "topic", topic: i + 1, words: topic.words },
        side: "input",
        prompt_version: "",
        sizes: null,
        bins: { names: ["no", "yes"], reference, current: counts },
      };
      return [state.last];
    });
  }

  #classify(day: number, current: readonly TextDocument[], reference: readonly DatedText[]): FeatureResult {
    const state = this.#levels.state(TEXT_FEATURE, DRIFT_PATIENCE.daily);
    const text = classifyDomain(bounded(reference), bounded(current));
    this.#levels.step(state, day, pToEMixture(Math.max(text.pValue, 1e-15)));
    const half = 1.96 * Math.sqrt(text.auc.variance);
    state.last = {
      feature: TEXT_FEATURE,
      is: { type: "text" },
      side: "input",
      prompt_version: "",
      method: "domain_classifier",
      windowStart: day,
      windowEnd: day + DAY_MS,
      referenceStart: Math.min(...reference.map((each) => each.day)),
      referenceEnd: Math.max(...reference.map((each) => each.day)) + DAY_MS,
      referenceRows: reference.length,
      currentRows: current.length,
      pValue: text.pValue,
      level: state.level,
      size: text.auc.auc - 0.5,
      interval: [text.auc.auc - 0.5 - half, text.auc.auc - 0.5 + half],
      tau: 0.05,
      comparison: null,
      sizes: null,
      bins: null,
      text,
    };
    return state.last;
  }
}

/** Days of texts are those of UTC: each is compared with whole days, whatever their weekday. */
function dayAt(start: number) {
  return { start, end: start + DAY_MS, shownStart: start };
}

function countTopics(model: TopicModel, start: number, texts: readonly TextDocument[]): TopicDay {
  const counts = model.topics.map(() => 0);
  for (const { text } of texts) for (const topic of topicsOf(model, text)) counts[topic]!++;
  return { start, texts: texts.length, counts };
}

/** Heads of texts within the budget: all of them, or every k-th when they are long. */
function bounded(texts: readonly TextDocument[]): readonly TextDocument[] {
  const heads = texts.map(({ id, text }) => ({ id, text: text.slice(0, TEXT_CHARS_MAX) }));
  const step = Math.ceil(heads.reduce((sum, { text }) => sum + text.length, 0) / SIDE_CHARS_MAX);
  return step <= 1 ? heads : heads.filter((_, i) => i % step === 0);
}
