/** One event, prepared: redacted, captured, shortened and serialised. */
export interface OutgoingCall {
  readonly call_id: string;
  /** A JSON object without line breaks. */
  readonly json: string;
}

/** What became of a batch. The emitter decides about waiting; a transport never retries by itself. */
export type SendResult =
  /** `accepted` events are durable, the rest of the batch was refused for good. */
  | {
      readonly kind: "accepted";
      readonly accepted: number;
      /** Why the others were refused. */
      readonly detail?: string | undefined;
      /** What was changed of events that were stored. */
      readonly warnings?: readonly string[];
    }
  /** Too many bytes: send it again in smaller batches. */
  | { readonly kind: "too_large" }
  /** Nothing is known to be stored: send it again, not before `afterMs` where the receiver named a time. */
  | { readonly kind: "retry"; readonly afterMs: number | null; readonly detail: string }
  /** Credentials or address are wrong: a person must act, and one probe a minute is enough. */
  | { readonly kind: "refused"; readonly detail: string };

export interface Transport {
  /**
   * Sends one batch of at least one event. A rejection counts as `retry`.
   * @param options.signal aborts when the emitter stops or the time for one request is over
   */
  send(batch: readonly OutgoingCall[], options: { readonly signal: AbortSignal }): Promise<SendResult>;
  close?(): Promise<void>;
}
