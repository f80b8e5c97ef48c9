/**
 * A fixed set of things of which each does one job at a time: hands out a free one, in order of asking.
 */
export interface Lanes<Lane> {
  /**
   * Runs `job` on a free lane; waits for one when all are busy.
   *
   * @param signal ends the wait with its reason; a job that runs already is not touched
   */
  run<Result>(job: (lane: Lane) => Promise<Result>, signal?: AbortSignal): Promise<Result>;
  /** Resolves when every lane is free; refuses jobs from then on. */
  close(): Promise<readonly Lane[]>;
}

/** Most jobs that wait for a lane. */
interface LaneQueue {
  readonly waitingMax: number;
  /** Makes the error for one job more. */
  refuseMore(): Error;
}

/**
 * @param refuse makes the error for jobs that arrive after `close`
 * @param queue absent: any number of jobs waits
 */
export function createLanes<Lane>(
  lanes: readonly Lane[],
  refuse: () => Error,
  queue?: LaneQueue,
): Lanes<Lane> {
  const free = [...lanes];
  const waiting = new Set<(lane: Lane) => void>();
  let isClosed = false;
  let onIdle: (() => void) | null = null;

  function release(lane: Lane): void {
    const [next] = waiting;
    if (next !== undefined) {
      waiting.delete(next);
      return next(lane);
    }
    free.push(lane);
    if (free.length === lanes.length) onIdle?.();
  }

  function waitForLane(signal: AbortSignal | undefined): Promise<Lane> {
    return new Promise((resolve, reject) => {
      const take = (lane: Lane): void => {
        signal?.removeEventListener("abort", leave);
        resolve(lane);
      };
      const leave = (): void => {
        waiting.delete(take);
        reject(signal?.reason as Error);
      };
      waiting.add(take);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }

  return {
    async run(job, signal) {
      if (isClosed) throw refuse();
      signal?.throwIfAborted();
      if (queue !== undefined && free.length === 0 && waiting.size >= queue.waitingMax) {
        throw queue.refuseMore();
      }
      const lane = free.shift() ?? (await waitForLane(signal));
      try {
        return await job(lane);
      } finally {
        release(lane);
      }
    },
    async close() {
      isClosed = true;
      if (free.length < lanes.length) await new Promise<void>((resolve) => (onIdle = resolve));
      return lanes;
    },
  };
}
