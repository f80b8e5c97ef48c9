/**
 * A fixed set of things of which each does one job at a time: hands out a free one, in order of asking.
 */
export interface Lanes<Lane> {
  /** Runs `job` on a free lane; waits for one when all are busy. */
  run<Result>(job: (lane: Lane) => Promise<Result>): Promise<Result>;
  /** Resolves when every lane is free; refuses jobs from then on. */
  close(): Promise<readonly Lane[]>;
}

/** @param refuse makes the error for jobs that arrive after `close` */
export function createLanes<Lane>(lanes: readonly Lane[], refuse: () => Error): Lanes<Lane> {
  const free = [...lanes];
  const waiting: ((lane: Lane) => void)[] = [];
  let isClosed = false;
  let onIdle: (() => void) | null = null;

  function release(lane: Lane): void {
    const next = waiting.shift();
    if (next !== undefined) return next(lane);
    free.push(lane);
    if (free.length === lanes.length) onIdle?.();
  }

  return {
    async run(job) {
      if (isClosed) throw refuse();
      const lane = free.shift() ?? (await new Promise<Lane>((resolve) => waiting.push(resolve)));
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
