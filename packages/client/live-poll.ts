/**
 * Asks the registry what is live, and waits with it for changes: a long poll is open all the time, so that a rollback
 * arrives when it happens. After a failure it asks again, soon at first, with full jitter, and as the registry asked.
 */
import { backoffMs, messageOf, pause, retryAfterMs, unref } from "@plumbline/emitter";
import type { HttpAnswer, HttpGet } from "./http-get.ts";
import { isObject } from "./render/prompt-document.ts";

interface LivePollOptions {
  /** The registry's base address. */
  readonly url: string;
  readonly env: string;
  readonly apiKey: string | undefined;
  readonly get: HttpGet;
  readonly now: () => number;
  /** Longest wait of one request, seconds, 1 to 30. */
  readonly waitSeconds: number;
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  /** Longest wait for an answer that is not a long poll, and for a long poll after its end, ms. */
  readonly requestTimeoutMs: number;
  /** @returns whether all of it could be used; if not, it is asked for again after a while */
  readonly onAnswer: (useCases: readonly string[], answer: LiveAnswer, ageMs: number) => Promise<boolean>;
  /** The registry's last answer still holds. */
  readonly onUnchanged: (useCases: readonly string[], ageMs: number) => void;
  readonly onFailure: (useCases: readonly string[], detail: string) => void;
}

/** `GET /v1/live`, not yet verified. */
export interface LiveAnswer {
  readonly use_cases: Readonly<Record<string, unknown>>;
  /** Models that the fleet leaves out. */
  readonly switched_off?: unknown;
}

/** Longest pause between answers that come although nothing changed, ms: a proxy may not know how to wait. */
const EARLY_PAUSE_MS_MAX = 2_000;

export class LivePoll {
  readonly #options: LivePollOptions;
  readonly #useCases = new Set<string>();
  readonly #closed = new AbortController();
  /** Ends what the loop is doing: the request or the pause. */
  #restart = new AbortController();
  #isRunning = false;
  /** The registry named a time: nobody's question comes before it. */
  #isAskedToWait = false;
  #etag: string | null = null;
  #failures = 0;
  /** Answers in a row that came before their time. */
  #early = 0;
  /** Answers in a row of which a part could not be used, and when to ask for them again. */
  #unusable = 0;
  #askAgainAt = Infinity;

  constructor(options: LivePollOptions) {
    this.#options = options;
  }

  get useCases(): ReadonlySet<string> {
    return this.#useCases;
  }

  /** True while the last request was answered. A dead connection is found out when the current one times out. */
  isConnected = false;

  /** Asks for this one as well, at once. */
  watch(useCase: string): void {
    if (this.#closed.signal.aborted || this.#useCases.has(useCase)) return;
    this.#useCases.add(useCase);
    this.#etag = null;
    this.#restart.abort();
    if (this.#isRunning) return;
    this.#isRunning = true;
    // Use cases asked for in this turn go into one request.
    void Promise.resolve().then(() => this.#run());
  }

  close(): void {
    this.isConnected = false;
    this.#closed.abort();
    this.#restart.abort();
  }

  async #run(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      const restart = new AbortController();
      this.#restart = restart;
      const pauseMs = await this.#ask([...this.#useCases].toSorted(), restart.signal);
      if (pauseMs > 0) await pause(pauseMs, this.#isAskedToWait ? this.#closed.signal : restart.signal);
    }
  }

  /** One request. @returns how long to wait before the next, ms */
  async #ask(useCases: readonly string[], restart: AbortSignal): Promise<number> {
    const { url, env, apiKey, get, now, waitSeconds, requestTimeoutMs } = this.#options;
    const started = now();
    const etag = started >= this.#askAgainAt ? null : this.#etag;
    const untilAgain = Math.max(1, Math.ceil((this.#askAgainAt - started) / 1000));
    // After a failure it is asked at once whether all is as before: a long poll's silence would not say so.
    const wait = etag === null || !this.isConnected ? 0 : Math.min(waitSeconds, untilAgain);
    const giveUp = new AbortController();
    const cancel = (): void => giveUp.abort();
    const timer = setTimeout(cancel, wait * 1000 + requestTimeoutMs);
    if (etag !== null) unref(timer);
    restart.addEventListener("abort", cancel, { once: true });
    const query = `use_cases=${useCases.join(",")}&env=${encodeURIComponent(env)}&wait=${wait}`;
    try {
      const answer = await get(`${url.replace(/\/+$/, "")}/v1/live?${query}`, {
        headers: {
          ...(etag === null ? {} : { "if-none-match": etag }),
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        },
        signal: giveUp.signal,
        isBackground: etag !== null,
      });
      if (restart.aborted) return 0;
      return await this.#apply(answer, { useCases, etag, isEarly: now() - started < wait * 500 });
    } catch (error) {
      if (restart.aborted) return 0;
      return this.#failed(useCases, giveUp.signal.aborted ? "no answer in time" : messageOf(error), null);
    } finally {
      clearTimeout(timer);
      restart.removeEventListener("abort", cancel);
    }
  }

  async #apply(
    answer: HttpAnswer,
    asked: { readonly useCases: readonly string[]; readonly etag: string | null; readonly isEarly: boolean },
  ): Promise<number> {
    const { useCases, etag, isEarly } = asked;
    const { onAnswer, onUnchanged, now } = this.#options;
    // Greatest age of the registry's own reading of its log.
    const ageMs = Math.max(0, Number(answer.header("x-plumbline-age-ms")) || 0);
    if (answer.status === 304 && etag !== null) {
      this.#connected();
      onUnchanged(useCases, ageMs);
      return this.#pauseUnless(!isEarly);
    }
    if (answer.status !== 200)
      return this.#failed(useCases, `HTTP ${answer.status}`, retryAfterMs(answer.header));
    const live = readAnswer(answer.body);
    this.#connected();
    const isUsable = await onAnswer(useCases, live, ageMs);
    this.#unusable = isUsable ? 0 : this.#unusable + 1;
    // News goes on arriving meanwhile: one bad prompt must not hold up the rollback of another.
    this.#askAgainAt = isUsable ? Infinity : now() + 1000 + this.#backoff(this.#unusable);
    const isNews = etag === null || answer.header("etag") !== etag;
    // Unless somebody asked for more in the meantime.
    if (useCases.length === this.#useCases.size) this.#etag = answer.header("etag");
    const pauseMs = this.#pauseUnless(this.#etag !== null && isNews);
    // News wakes a whole fleet: everybody reads it first, and asks for the next a moment later, not in the same instant.
    return pauseMs || (etag && Math.random() * this.#options.retryBaseMs) || 0;
  }

  #connected(): void {
    this.isConnected = true;
    this.#isAskedToWait = false;
    this.#failures = 0;
  }

  #pauseUnless(isInTime: boolean): number {
    this.#early = isInTime ? 0 : Math.min(this.#early + 1, 16);
    if (isInTime) return 0;
    return (
      Math.min(EARLY_PAUSE_MS_MAX, this.#options.retryBaseMs * 2 ** this.#early) * (0.5 + Math.random() / 2)
    );
  }

  #failed(useCases: readonly string[], detail: string, afterMs: number | null): number {
    this.isConnected = false;
    this.#isAskedToWait = afterMs !== null;
    this.#options.onFailure(useCases, detail);
    const backoff = this.#backoff(this.#failures++);
    // A little jitter on top, so that a fleet does not come back in the same instant.
    return afterMs === null ? backoff : afterMs + Math.random() * this.#options.retryBaseMs;
  }

  #backoff(attempt: number): number {
    const { retryBaseMs, retryMaxMs } = this.#options;
    return backoffMs(attempt, retryBaseMs, retryMaxMs);
  }
}

/** @throws Error for anything else than a live answer */
function readAnswer(body: string): LiveAnswer {
  const { use_cases, switched_off } = JSON.parse(body) as Partial<LiveAnswer>;
  if (isObject(use_cases)) return { use_cases, switched_off };
  throw new TypeError("HTTP 200, no live answer");
}
