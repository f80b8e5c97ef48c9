/**
 * What one channel owes its readers, and what to do about it next. Pure: the outbox is derived from the folded
 * incidents, so it cannot be lost; what it adds in memory (attempts, waits) may be.
 */
import { isOpen, type BypassNotice, type IncidentState, type Shown } from "@plumbline/alerts";
import { DAY_MS } from "@plumbline/schemas";

/** What a channel tells people about. */
export type Told = IncidentState | BypassNotice;

/** What is remembered about one incident's message in one channel, beside what the log says. */
export interface Row {
  /** What the channel shows. Ahead of the log between sending and recording. */
  shown: { readonly ref: string; readonly revision: number } | null;
  /** Shown, but the log does not say so yet. */
  isUnrecorded: boolean;
  /** A send whose outcome is unknown: look before posting again. */
  isAmbiguous: boolean;
  /** The channel refused an edit: the message may be gone. */
  isSuspect: boolean;
  /** The channel says that the message was deleted: it is posted anew. */
  isGone: boolean;
  /** What it shows holds names that were erased since: it is edited although the incident is the same. */
  isOutdated: boolean;
  /** Failed attempts since the last success. */
  attempts: number;
  notBefore: number;
  lastSentAt: number;
  /** Why a person has to act, or null; and whether it is about this message alone. */
  refusal: { readonly why: string; readonly isOwn: boolean } | null;
  /** Since when something about it has waited to be shown, ms; null when nothing does. */
  owedSince: number | null;
}

export interface Channel {
  readonly name: string;
  readonly rows: Map<string, Row>;
  /** Nothing is sent before this time: pacing, or the channel's own Retry-After. */
  pausedUntil: number;
  /** Consecutive failures to reach the channel; above 0 it counts as down and is only probed. */
  failures: number;
}

export interface Task {
  readonly kind: "post" | "update" | "record";
  readonly state: Told;
  /** What the channel shows of it now. */
  readonly shown: Row["shown"];
  readonly dueAt: number;
}

type Step =
  | { readonly kind: "do"; readonly task: Task }
  /** The channel was unreachable: ask it something harmless first. */
  | { readonly kind: "probe"; readonly task: Task }
  /** Nothing to do before `until`, ms; null: before something changes. */
  | { readonly kind: "wait"; readonly until: number | null };

/** Slack accepts about one post a second per channel. */
export const PACE_MS = 1_100;
/** New numbers of one message are shown at most this often; changes of state at once. */
const COALESCE_MS = 15_000;
/** A refusal needs a person; it is tried again so that fixing it is enough. */
export const REFUSED_RETRY_MS = 5 * 60_000;
export const RATE_LIMIT_DEFAULT_MS = 30_000;
/** After a lost answer the channel gets this long to show what it received, before anybody looks for it. */
export const AMBIGUOUS_WAIT_MS = 10_000;
/** Between attempts. One process sends to a channel, so there is no herd to spread. */
export const SEND_BACKOFF = { minMs: 1_000, maxMs: 60_000 };
/** After an outage, rows that failed no more often than this are sent at once, in order. */
const OUTAGE_ATTEMPTS_MAX = 2;
/** A channel that is new, or was down for long, is not told about what ended before this. */
const STALE_MS = DAY_MS;

export function createChannel(name: string): Channel {
  return { name, rows: new Map(), pausedUntil: 0, failures: 0 };
}

/** Everything the channel still has to be told: new messages first, oldest incident first, then edits. */
export function tasks(channel: Channel, states: Iterable<Told>, now: number): Task[] {
  const found: Task[] = [];
  for (const state of states) {
    const task = taskFor(channel, state, now);
    if (task !== null) found.push(task);
  }
  return found.toSorted(
    (a, b) =>
      Number(a.kind !== "post") - Number(b.kind !== "post") ||
      Date.parse(a.state.opened_at) - Date.parse(b.state.opened_at),
  );
}

/** Notes since when each incident has waited to be shown. To be called with what `tasks` has just found. */
export function noteOwed(channel: Channel, owed: readonly Task[], now: number): void {
  const waiting = new Set(owed.filter(({ kind }) => kind !== "record").map(({ state }) => state.incident_id));
  for (const id of waiting) rowOf(channel, id).owedSince ??= now;
  for (const [id, row] of channel.rows) if (!waiting.has(id)) row.owedSince = null;
}

/**
 * How long the incident that has waited longest has waited, ms; 0 when none waits. Those that the channel refuses for what
 * they hold are left out: waiting is not what ails them.
 */
export function oldestWaitMs(channel: Channel, now: number): number {
  let oldest = 0;
  for (const { owedSince, refusal } of channel.rows.values())
    if (owedSince !== null && refusal?.isOwn !== true) oldest = Math.max(oldest, now - owedSince);
  return oldest;
}

export function nextStep(channel: Channel, owed: readonly Task[], now: number): Step {
  const [first] = owed;
  if (first === undefined) return { kind: "wait", until: null };
  // Recording touches the log, not the channel, and must not wait for it.
  const record = owed.find((task) => task.kind === "record" && task.dueAt <= now);
  if (record !== undefined) return { kind: "do", task: record };
  if (channel.failures > 0) {
    if (channel.pausedUntil > now) return { kind: "wait", until: channel.pausedUntil };
    return { kind: "probe", task: first };
  }
  const times = owed.map((task) =>
    task.kind === "record" ? task.dueAt : Math.max(task.dueAt, channel.pausedUntil),
  );
  const due = owed.find((_task, i) => times[i]! <= now);
  return due === undefined ? { kind: "wait", until: Math.min(...times) } : { kind: "do", task: due };
}

/** The channel answered again: what only waited for that may go now, in order. */
export function channelAnswered(channel: Channel): void {
  channel.failures = 0;
  channel.pausedUntil = 0;
  for (const row of channel.rows.values()) {
    if (row.refusal === null && !row.isAmbiguous && row.attempts <= OUTAGE_ATTEMPTS_MAX) row.notBefore = 0;
  }
}

/** The row of an incident, made on first use. */
export function rowOf(channel: Channel, incident_id: string): Row {
  let row = channel.rows.get(incident_id);
  if (row === undefined) {
    row = { ...NEW_ROW };
    channel.rows.set(incident_id, row);
  }
  return row;
}

function taskFor(channel: Channel, state: Told, now: number): Task | null {
  const row = channel.rows.get(state.incident_id) ?? NEW_ROW;
  const shown = shownOf(state, channel.name, row);
  if (shown === null) {
    // A bypass is told when it is made; what follows only changes the message.
    const isOver = "bypass" in state || !isOpen(state);
    if (isOver && now - Date.parse(state.state_changed_at) > STALE_MS) return null;
    return { kind: "post", state, shown, dueAt: row.notBefore };
  }
  if (row.isOutdated) return { kind: "update", state, shown, dueAt: row.notBefore };
  if (shown.revision < state.revision) {
    const isUrgent = state.state_revision > shown.revision;
    const dueAt = isUrgent ? row.notBefore : Math.max(row.notBefore, row.lastSentAt + COALESCE_MS);
    return { kind: "update", state, shown, dueAt };
  }
  return row.isUnrecorded ? { kind: "record", state, shown, dueAt: row.notBefore } : null;
}

/** The newer of what this process sent and what the log recorded; null when both belong to an older message. */
function shownOf(state: Shown, channel: string, row: Row): Row["shown"] {
  const delivery = state.deliveries[channel];
  const recorded = delivery === undefined ? null : { ref: delivery.message_ref, revision: delivery.revision };
  const newest = (recorded?.revision ?? -1) > (row.shown?.revision ?? -1) ? recorded : row.shown;
  return newest !== null && newest.revision >= state.episode_revision ? newest : null;
}

const NEW_ROW: Readonly<Row> = {
  shown: null,
  isUnrecorded: false,
  isAmbiguous: false,
  isSuspect: false,
  isGone: false,
  isOutdated: false,
  attempts: 0,
  notBefore: 0,
  lastSentAt: Number.NEGATIVE_INFINITY,
  refusal: null,
  owedSince: null,
};
