export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  /** By lower-case name; null when absent. */
  readonly header: (name: string) => string | null;
}

export interface HttpGetOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Nobody waits for the answer: the request need not keep the process alive. */
  readonly isBackground: boolean;
}

/** Rejects when there is no whole answer, or one of more than `ANSWER_BYTES_MAX` bytes. */
export type HttpGet = (url: string, options: HttpGetOptions) => Promise<HttpAnswer>;

/** Longest answer of the registry that is read. */
export const ANSWER_BYTES_MAX = 16 * 1_048_576;

export function createFetchGet(fetch: typeof globalThis.fetch = globalThis.fetch): HttpGet {
  return async (url, { headers, signal }) => {
    const response = await fetch(url, { headers, signal });
    const decoder = new TextDecoder();
    let body = "";
    let bytes = 0;
    for (const reader = response.body?.getReader(); reader !== undefined;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      if (bytes > ANSWER_BYTES_MAX) {
        await reader.cancel();
        throw new RangeError(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`);
      }
      body += decoder.decode(value, { stream: true });
    }
    body += decoder.decode();
    return { status: response.status, body, header: (name) => response.headers.get(name) };
  };
}
