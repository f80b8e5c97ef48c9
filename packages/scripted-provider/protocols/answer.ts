/** Tokens as the event counts them: `input` includes what was read from and written to the cache. */
export interface Usage {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly reasoning: number;
}

/** What a model said, before a protocol writes it down. */
export interface Answer {
  readonly model: string;
  readonly text: string;
  /** Arguments of one tool call, JSON; null when there is none. */
  readonly tool: string | null;
  readonly finish: "stop" | "length" | "content_filter" | "refusal" | "tool";
  readonly usage: Usage;
}

/** One event of a stream; `event` is its name, where the protocol has names. */
export interface StreamEvent {
  readonly event?: string;
  /** JSON, or the protocol's end mark. */
  readonly data: unknown;
}

/** How a provider writes answers and errors. */
export interface Protocol {
  whole(answer: Answer): unknown;
  /** @param withUsage whether the request asked for usage, where the protocol wants to be asked */
  stream(answer: Answer, withUsage: boolean): readonly StreamEvent[];
  error(status: number): unknown;
}

/** A text as a stream carries it: a few words at a time. */
export function pieces(text: string): readonly string[] {
  return text.match(/\S+\s*|\s+/g) ?? [];
}
