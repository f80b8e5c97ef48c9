/** The work was told to stop, or lost its partition, before it was done: nothing may be concluded from how far it came. */
export class Interrupted extends Error {
  constructor() {
    super("stopped before it was done");
    this.name = "Interrupted";
  }
}

/** @throws Interrupted when the signal aborted */
export function interruptIf(signal: AbortSignal): void {
  if (signal.aborted) throw new Interrupted();
}
