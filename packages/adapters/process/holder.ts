/**
 * The process that holds a folder, and the wait for one that is about to end.
 *
 * A process is known by its id and the moment it started, because ids return: after a restart of a container the
 * new process has the id of the dead one. Where the start is not known (not Linux), the id alone must do.
 */
import { readFileSync } from "node:fs";

export interface Holder {
  readonly pid: number;
  /** Boot and clock ticks since boot at which the process started; null where the system doesn't tell. */
  readonly started: string | null;
  /** Time at which it opened the folder, ISO 8601 UTC. For people. */
  readonly since: string;
}

/** Says that somebody is waited for. The part of a pino logger that this needs. */
export interface WaitLogger {
  info(fields: object, message: string): void;
}

/** Longest wait for a holder that lives: a killed process takes seconds to give back gigabytes. */
export const HOLDER_WAIT_MS = 10_000;
const LOOK_MS = 100;

export function thisProcess(since: string): Holder {
  return { pid: process.pid, started: statOf(process.pid)?.started ?? null, since };
}

/**
 * isAlive returns true while the process lives, as far as this one can see. One that has ended and was not yet collected by
 * its parent (a zombie) is dead. A process in another container is not seen; whoever takes its folder over stops its writes
 * by the epoch (see `openLmdbEventLog`).
 */
export function isAlive({ pid, started }: Pick<Holder, "pid" | "started">): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to another user.
    if (codeOf(error) !== "EPERM") return false;
  }
  const stat = statOf(pid);
  if (stat === null) return true;
  return !DEAD_STATES.has(stat.state) && (started === null || started === stat.started);
}

/**
 * Calls `attempt` until it succeeds, fails for another reason than a living holder, or the time is over.
 *
 * @param holderIn the living holder that an error is about, in words; null when it is about something else
 * @throws what `attempt` threw last
 */
export async function whenFree<T>(
  attempt: () => T | Promise<T>,
  options: {
    readonly folder: string;
    readonly waitMs: number;
    readonly logger?: WaitLogger | undefined;
    holderIn(error: unknown): Promise<string | null> | string | null;
  },
): Promise<T> {
  const { folder, waitMs, logger } = options;
  const deadline = performance.now() + waitMs;
  for (let isSaid = false; ; isSaid = true) {
    try {
      return await attempt();
    } catch (error) {
      const holder = await options.holderIn(error);
      if (holder === null || performance.now() >= deadline) throw error;
      if (!isSaid) logger?.info({ folder, holder, wait_ms_max: waitMs }, "folder.waiting_for_holder");
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}

/** Ended and not yet collected; proc(5). */
const DEAD_STATES: ReadonlySet<string> = new Set(["Z", "X", "x"]);

function statOf(pid: number): { readonly state: string; readonly started: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    // The command name, in parentheses, may hold spaces. After it the state is the first field, the start the 20th
    // (proc(5), fields 3 and 22).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0]!, started: `${boot}:${fields[19]}` };
  } catch {
    return null;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
