/** What a time limit or its caller ended. */
export class Ended extends Error {
  override readonly name: "TimeoutError" | "AbortError";
  constructor(why: "timeout" | "cancelled") {
    super(why);
    this.name = why === "timeout" ? "TimeoutError" : "AbortError";
  }
}

/**
 * limited runs `work` for at most `ms`. When the time is over, or `outer` aborts, it rejects at once with `Ended`, also
 * when `work` does not listen to the signal of `controller`, whose reason is then `Ended`, or that of `outer`.
 */
export function limited<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  ms: number,
  outer: AbortSignal | undefined,
  controller = new AbortController(),
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const end = (why: "timeout" | "cancelled"): void => {
      const ended = new Ended(why);
      clean();
      reject(ended);
      controller.abort(why === "timeout" ? ended : outer?.reason);
    };
    const cancel = (): void => end("cancelled");
    // Not unref'd: somebody waits.
    const timer = setTimeout(() => end("timeout"), ms);
    const clean = (): void => {
      clearTimeout(timer);
      outer?.removeEventListener("abort", cancel);
    };
    if (outer?.aborted === true) return cancel();
    outer?.addEventListener("abort", cancel);
    (async () => work(controller.signal))().then(
      (result) => {
        clean();
        resolve(result);
      },
      (error: unknown) => {
        clean();
        reject(error);
      },
    );
  });
}
