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
  /** The notification preview: alone it says severity, use case, effect, for whom, version and what to do. ≤ 250 characters. */
  readonly preview: string;
  /** ≤ 150 characters. */
  readonly title: string;
  /** The command line that does what the first paragraph asks for; null where none does. */
  readonly command: string | null;
  /** Paragraphs in reading order: what to do; what got worse and for whom; how many; since when and what changed; what is normal. */
  readonly lines: readonly string[];
  /** Texts shown as they are, under the paragraphs: the prompt's changed lines, examples. */
  readonly quotes: readonly Quote[];
  readonly fields: readonly { readonly label: string; readonly value: string }[];
  /** Small print: incident id, how sure, from what, until when. */
  readonly context: readonly string[];
  /** To an address, or to a path of whatever page shows the message. */
  readonly links: readonly { readonly label: string; readonly url: string }[];
  /** In the order of importance. A channel that can't offer them leaves them out; the sentences say how else. */
  readonly actions: readonly MessageAction[];
}

/** Something that a reader may do from the message. */
export interface MessageAction {
  /** `pl.<command>`, such as `pl.rollback`. */
  readonly id: string;
  readonly label: string;
  readonly style: "primary" | "danger" | "plain";
  /** Comes back with the click. JSON of at most 2,000 characters. */
  readonly value: string;
  /** Asked before it is done; null: done at once. */
  readonly confirm: { readonly title: string; readonly text: string; readonly yes: string } | null;
  /** One of them is chosen, and its value comes back in place of `value`; empty: nothing is chosen. */
  readonly choices: readonly { readonly label: string; readonly value: string }[];
  /** The question whose answer comes with the click; null: none. */
  readonly asks: string | null;
}

export interface Quote {
  /** Says what it is, such as "Changed in the prompt". */
  readonly title: string;
  /** `diff`: lines that begin with + or −. `text`: lines of the form "Question: …". */
  readonly format: "diff" | "text";
  /** With line ends. */
  readonly text: string;
  /** Calls whose texts it holds: it goes when one of them is erased. None for what is nobody's. */
  readonly call_ids: readonly string[];
  /** When those texts are no longer kept, ISO 8601 UTC; null for what is nobody's. */
  readonly until: string | null;
}

export interface Notifier {
  /** Name of the channel, such as inbox or slack; written into delivery records. */
  readonly name: string;
  /**
   * Shows the message for the first time and returns the handle for edits.
   * @throws ExternalError; `external_unavailable` with `retryable: false` means that it may have been shown
   */
  post(message: Message, options: { signal: AbortSignal }): Promise<{ ref: string }>;
  /**
   * Replaces what `ref` shows; `reply` is a line for its history, saying who did what. A channel that lets nobody edit the
   * message any more tells the reply, and what is true now, beside it.
   * @throws ExternalError; `external_gone` when the message was deleted
   */
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
