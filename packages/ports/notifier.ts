/** How an incident reaches people: one living message per incident, edited as the incident changes. */

/** What people read, independent of where. Texts are plain; a notifier escapes them for its own format. */
export interface Message {
  readonly incident_id: string;
  /** Whose use case it is about; a channel that knows its readers shows it to that tenant's alone. */
  readonly tenant: string;
  /** Rises with each change of the incident; a notifier never replaces a newer revision with an older one. */
  readonly revision: number;
  readonly state: "firing" | "acknowledged" | "snoozed" | "watching" | "resolved" | "dismissed";
  readonly severity: "SEV1" | "SEV2" | "SEV3";
  /** The notification preview: alone it says severity, use case, metric, size, version and what to do. ≤ 250 characters. */
  readonly preview: string;
  /** ≤ 150 characters. */
  readonly title: string;
  /** Sentences in reading order: size with interval and n; uniform or concentrated; likely cause and what is normal. */
  readonly lines: readonly string[];
  readonly fields: readonly { readonly label: string; readonly value: string }[];
  /** Small print: incident id, rule, judge, time. */
  readonly context: readonly string[];
  readonly links: readonly { readonly label: string; readonly url: string }[];
}

export interface Notifier {
  /** Name of the channel, such as inbox or slack; written into delivery records. */
  readonly name: string;
  /**
   * Shows the message for the first time and returns the handle for edits.
   * @throws ExternalError; `external_unavailable` with `retryable: false` means that it may have been shown
   */
  post(message: Message, options: { signal: AbortSignal }): Promise<{ ref: string }>;
  /** Replaces what `ref` shows; `reply` is a line for its history, saying who did what. */
  update(ref: string, message: Message, reply: string, options: { signal: AbortSignal }): Promise<void>;
  /**
   * The handle of the incident's message if an earlier `post` was shown although its answer was lost, else null.
   * This is how a crash between sending and recording does not become a second message.
   */
  find(
    incident_id: string,
    options: { signal: AbortSignal },
  ): Promise<{ ref: string; revision: number } | null>;
}
