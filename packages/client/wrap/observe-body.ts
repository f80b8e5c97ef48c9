/** How a body ended: read to its end, left by its reader, or broken. */
export type BodyEnd =
  | { readonly kind: "read" | "left" }
  | { readonly kind: "broken"; readonly error: unknown };

export interface BodyObserver {
  /** Must not throw. */
  onChunk(chunk: Uint8Array): void;
  /** Once. Must not throw. */
  onEnd(end: BodyEnd): void;
}

/**
 * observeBody returns a response that is the same to its reader, and tells the observer what is read as it is read. It
 * reads nothing by itself: a body that its reader leaves is left, and its request ends.
 */
export function observeBody(response: Response, observer: BodyObserver): Response {
  const reader = response.body!.getReader();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            observer.onEnd({ kind: "read" });
            controller.close();
          } else {
            observer.onChunk(value);
            controller.enqueue(value);
          }
        } catch (error) {
          observer.onEnd({ kind: "broken", error });
          controller.error(error);
        }
      },
      async cancel(reason) {
        observer.onEnd({ kind: "left" });
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  const { status, statusText, headers, url, redirected, type } = response;
  const observed = new Response(body, { status, statusText, headers });
  // A constructor can't set these.
  for (const [name, value] of Object.entries({ url, redirected, type })) {
    Object.defineProperty(observed, name, { value });
  }
  return observed;
}
