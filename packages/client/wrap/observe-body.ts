/** How a body ended: read to its end, left by its reader, or broken. */
export type BodyEnd =
  | { readonly kind: "read" | "left" }
  | { readonly kind: "broken"; readonly error: unknown };

export interface BodyObserver {
  /** A whole body, as text; then `onEnd`. Must not throw. */
  onText(text: string): void;
  /** Must not throw. */
  onChunk(chunk: Uint8Array): void;
  /** Once. Must not throw. */
  onEnd(end: BodyEnd): void;
}

/**
 * observeBody returns a response that is the same to its reader, and tells the observer what is read as it is read. It
 * reads nothing by itself: a body that its reader leaves is left, and its request ends.
 */
export function observeBody(response: Response, observer: BodyObserver, given = response.body!): Response {
  const reader = given.getReader();
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

/**
 * observeText does the same for a body that its reader takes whole by `json` or `text`, as SDKs do with what is no stream,
 * at a fraction of the cost. Whoever reads it otherwise gets what `observeBody` returns.
 */
export function observeText(response: Response, observer: BodyObserver): Response {
  let streamed: Response | null = null;
  const { body } = response;
  const read = async (): Promise<string> => {
    if (streamed !== null) return streamed.text();
    let text: string;
    try {
      text = await Response.prototype.text.call(response);
    } catch (error) {
      observer.onEnd({ kind: "broken", error });
      throw error;
    }
    observer.onText(text);
    observer.onEnd({ kind: "read" });
    return text;
  };
  const other = (): Response => (streamed ??= observeBody(response, observer, body!));
  const own: PropertyDescriptorMap = {
    text: { value: read },
    json: { value: async () => JSON.parse(await read()) as unknown },
    body: { get: () => other().body },
  };
  for (const name of ["arrayBuffer", "blob", "bytes", "formData", "clone"]) {
    // Not every runtime has all of them.
    if (name in response)
      own[name] = { value: () => (other() as never as Record<string, () => unknown>)[name]!() };
  }
  return Object.defineProperties(response, own);
}
