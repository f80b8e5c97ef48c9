/**
 * Which process holds a folder.
 *
 * A process is known by its id and the moment it started, because ids return: after a restart of a container the
 * new process has the id of the dead one. Where the start is not known (not Linux), the id alone must do.
 */
import { readFileSync } from "node:fs";

export interface Holder {
  readonly pid: number;
  /** Boot and clock ticks since boot at which the process started; null where the system doesn't tell. */
  readonly started: string | null;
  /** When it opened the folder, ISO 8601 UTC. For people. */
  readonly since: string;
}

export function thisProcess(since: string): Holder {
  return { pid: process.pid, started: startOf(process.pid), since };
}

/**
 * Whether the process lives, as far as this one can see. A process in another container is not seen; whoever takes
 * its folder over stops its writes by the epoch (see `openLmdbEventLog`).
 */
export function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (codeOf(error) !== "EPERM") return false;
  }
  return holder.started === null || holder.started === startOf(holder.pid);
}

function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    // The command name, in parentheses, may hold spaces; the start is the 20th field after it (proc(5), field 22).
    const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return `${boot}:${ticks}`;
  } catch {
    return null;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
