/**
 * Ends a process again and again, by SIGKILL and SIGTERM mixed, at moments drawn from a seed: while it starts, in its
 * first moments of serving, and later; and several times in a row.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "@plumbline/stats";
import { until, type Exit, type TestedProcess } from "./process.ts";
import type { Tally } from "./tally.ts";

export interface Supervised {
  readonly name: string;
  start(): TestedProcess;
  /** Resolves when it does its work, rejects when it ended instead. */
  serves(started: TestedProcess): Promise<void>;
  /** What it says after a first piece of work, where it says anything. */
  readonly worked?: RegExp;
}

/** The writer's line about a batch that it has stored. */
export const WRITER_WORKED = /"writer\.batch"/;

interface Blow {
  readonly signal: "SIGKILL" | "SIGTERM";
  /** `working`: it serves and, if something came for it, has done a first piece of it. */
  readonly phase: "starting" | "serving" | "working";
  readonly afterMs: number;
}

/** Longest wait for a first piece of work: perhaps nothing comes. */
const WORKED_MS = 2_000;

/** Longest drain of a service (`PLUMBLINE_DRAIN_MS`), and what closing may take. */
const STOP_MS = 30_000;

/** What happens to one process after another, until it is left alone. */
function drawRound(random: Random, startMs: number): readonly Blow[] {
  const killWhileSending: Blow = { signal: "SIGKILL", phase: "working", afterMs: random.integer(600) };
  const stopWhileRecovering: Blow = { signal: "SIGTERM", phase: "serving", afterMs: random.integer(160) };
  const early = (signal: Blow["signal"]): Blow => ({
    signal,
    phase: "starting",
    afterMs: random.integer(Math.max(1, Math.round(startMs))),
  });
  switch (random.integer(6)) {
    case 0:
      return [killWhileSending, early("SIGKILL"), stopWhileRecovering];
    case 1:
      return [killWhileSending, { ...stopWhileRecovering, signal: "SIGKILL" }, stopWhileRecovering];
    case 2:
      return [killWhileSending, early("SIGTERM"), early("SIGKILL")];
    case 3:
      return [{ signal: "SIGTERM", phase: "serving", afterMs: random.integer(1_000) }];
    default:
      return [killWhileSending, stopWhileRecovering];
  }
}

export interface Punishment {
  readonly random: Random;
  readonly tally: Tally;
  readonly kills: number;
  /** Ends early, between two rounds, when it aborts. */
  readonly signal?: AbortSignal;
  /** Called after each round, with the process that was left alone; the kills go on when it resolves. */
  readonly afterRound?: (alive: TestedProcess, kills: number) => Promise<void>;
}

/**
 * Kills until the number is reached, and leaves the process serving.
 *
 * @throws Error when a process does not start, ends by itself or does not stop when asked to
 */
export async function punish(target: Supervised, options: Punishment): Promise<TestedProcess> {
  const { random, tally, kills, signal, afterRound } = options;
  let startMs = 1_000;
  let current = target.start();
  for (let done = 0; done < kills && signal?.aborted !== true;) {
    for (const blow of drawRound(random, startMs)) {
      if (blow.phase !== "starting") {
        await target.serves(current);
        startMs = performance.now() - current.startedAt;
      }
      if (blow.phase === "working") await hasWorked(target, current);
      await sleep(blow.afterMs);
      await strike(current, blow, tally);
      done += 1;
      current = target.start();
    }
    await target.serves(current);
    await afterRound?.(current, done);
  }
  await target.serves(current);
  return current;
}

async function hasWorked({ worked }: Supervised, current: TestedProcess): Promise<void> {
  if (worked === undefined) return;
  const isDone = (): boolean => worked.test(current.output()) || !current.isAlive();
  await until("a first piece of work", isDone, WORKED_MS).catch(() => undefined);
}

async function strike(victim: TestedProcess, { signal, phase }: Blow, tally: Tally): Promise<void> {
  if (!victim.isAlive()) throw endedByItself(victim);
  tally.memory(victim.name, victim.peakMemoryMb());
  victim.send(signal);
  const exit = await exitWithin(victim, STOP_MS);
  // Before its first lines ran a process knows no signal and dies of it.
  const isClean = signal === "SIGKILL" || exit.code === 0 || (phase === "starting" && exit.signal === signal);
  if (!isClean)
    throw new Error(`${victim.name} ended with ${JSON.stringify(exit)} after SIGTERM: ${lastOf(victim)}`);
  tally.kill(victim.name, signal, phase === "starting" ? "starting" : "serving");
}

/** Asks a process to stop. @throws Error when it doesn't, or ends with anything but 0 */
export async function stop(victim: TestedProcess, tally: Tally): Promise<void> {
  tally.memory(victim.name, victim.peakMemoryMb());
  if (!victim.isAlive()) throw endedByItself(victim);
  victim.send("SIGTERM");
  const exit = await exitWithin(victim, STOP_MS);
  if (exit.code !== 0)
    throw new Error(`${victim.name} ended with ${JSON.stringify(exit)}: ${lastOf(victim)}`);
}

export async function exitWithin(victim: TestedProcess, ms: number): Promise<Exit> {
  const limit = new AbortController();
  const late = sleep(ms, "late" as const, { signal: limit.signal }).catch(() => "late" as const);
  const exit = await Promise.race([victim.exited, late]);
  limit.abort();
  if (exit !== "late") return exit;
  victim.send("SIGKILL");
  throw new Error(`${victim.name} did not end within ${ms} ms: ${lastOf(victim)}`);
}

function endedByItself(victim: TestedProcess): Error {
  return new Error(`${victim.name} ended by itself: ${lastOf(victim)}`);
}

function lastOf(victim: TestedProcess): string {
  return victim.output().slice(-2_000);
}
