import type { CaptureMode, Redact } from "./prepare-call.ts";
import type { Transport } from "./transport.ts";

export interface EmitterOptions {
  /** The collector's base address. Default `http://localhost:4319`. */
  readonly url?: string | undefined;
  /** Instead of HTTP to `url`; see `@plumbline/emitter/kafka`. */
  readonly transport?: Transport | undefined;
  /** Name of the application, written on events that don't name one. */
  readonly app: string;
  /** Deployment environment, likewise. Absent: the collector's default, `production`. */
  readonly env?: string | undefined;
  readonly apiKey?: string | undefined;
  /** Ms since the epoch. */
  readonly now?: (() => number) | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Events that start a flush, and the most in one batch. 1 to 1,000, default 200. */
  readonly flushAt?: number | undefined;
  /** Longest an event waits before a flush starts, ms. Default 50. */
  readonly flushIntervalMs?: number | undefined;
  /** Events held at most. Default 10,000. */
  readonly queueMax?: number | undefined;
  /** Bytes of text held at most, estimated. Default 16 MiB. */
  readonly queueBytesMax?: number | undefined;
  /** Changes or drops events before they leave. Runs at flush, off the caller's path. */
  readonly redact?: Redact | undefined;
  /** What becomes of input, output and vars. Default `full`. */
  readonly capture?: CaptureMode | undefined;
  /** True makes everything a no-op; nothing is counted. */
  readonly disabled?: boolean | undefined;
  /**
   * Told what is wrong with delivery: the first time for each reason, and at most once a minute for each from then on.
   * Default: `console.warn`.
   */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** First and longest wait between retries, ms, before full jitter. Default 500 and 30,000. */
  readonly retryBaseMs?: number | undefined;
  readonly retryMaxMs?: number | undefined;
  /** Wait between probes while the receiver refuses us (wrong key or address), ms. Default 60,000. */
  readonly probeIntervalMs?: number | undefined;
  /** Longest wait for one request, ms. Default 15,000. */
  readonly requestTimeoutMs?: number | undefined;
}
