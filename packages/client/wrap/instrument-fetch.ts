/**
 * The instrumented `fetch`: what a provider's SDK sends and gets goes through unchanged, and the call is told of.
 *
 * It reads along what its caller reads, never ahead; it adds no request, no field and no wait; whatever goes wrong in
 * here, the caller gets what the underlying `fetch` gave.
 */
import { anthropicMessages } from "./anthropic-messages.ts";
import type { AttemptSink } from "./call-context.ts";
import { type CallMeta, takeTags, type TaggedRequest } from "./call-meta.ts";
import { observeBody, observeText } from "./observe-body.ts";
import { openaiChat } from "./openai-chat.ts";
import { openaiResponses } from "./openai-responses.ts";
import { ObservedRequest, type RequestTools } from "./observed-request.ts";
import type { Protocol } from "./reading.ts";

export type Fetch = typeof globalThis.fetch;

export interface FetchTools extends RequestTools {
  /** The attempt of a policy that a request names in its headers. */
  attemptOf(id: string): AttemptSink | undefined;
}

/** What the SDK behind a `fetch` does by itself. */
interface SdkHabits {
  /** Longest wait for an answer, ms; null when nobody knows. */
  readonly timeoutMs: number | null;
  readonly maxRetries: number;
}

/** By the end of their path: `POST` to one of these is a call, everything else passes by. */
const PROTOCOLS: readonly (readonly [path: RegExp, Protocol])[] = [
  [/\/chat\/completions$/, openaiChat],
  [/\/responses$/, openaiResponses],
  // Of OpenAI's threads, which end alike, nothing is a call.
  [/^(?!.*\/threads\/).*\/messages$/, anthropicMessages],
];

export function instrumentFetch(
  tools: FetchTools,
  { meta, base, habits }: { readonly meta: CallMeta; readonly base: Fetch; readonly habits: SdkHabits },
): Fetch {
  return async (input, init) => {
    let tagged: TaggedRequest;
    let request: ObservedRequest | null = null;
    try {
      tagged = takeTags(input, init);
      request = observe(tagged);
    } catch {
      return base(input, init);
    }
    let response: Response;
    try {
      response = await base(tagged.input, tagged.init);
    } catch (error) {
      request?.failed(error);
      throw error;
    }
    if (request === null) return response;
    try {
      if (!request.answered(response)) return response;
      // Of other readers nobody knows how they read: some hand a response on as it is.
      const isSdk = tagged.headers.has("x-stainless-lang");
      return isSdk && !request.isStream ? observeText(response, request) : observeBody(response, request);
    } catch {
      return response;
    }
  };

  function observe(tagged: TaggedRequest): ObservedRequest | null {
    const { input, init, headers } = tagged;
    const isRequest = input instanceof Request;
    const method = init?.method ?? (isRequest ? input.method : "GET");
    const { pathname } = new URL(isRequest ? input.url : input, "http://localhost");
    const protocol = PROTOCOLS.find(([path]) => path.test(pathname))?.[1];
    if (protocol === undefined || method.toUpperCase() !== "POST") return null;
    const context = tools.context.current();
    const given = init?.body ?? null;
    const retryCount = headers.get("x-stainless-retry-count");
    const timeoutS = headers.get("x-stainless-timeout");
    return new ObservedRequest(tools, {
      protocol,
      meta: { ...meta, ...context?.meta, ...tagged.meta },
      attempt:
        (tagged.attempt === null ? undefined : tools.attemptOf(tagged.attempt)) ?? context?.attempt ?? null,
      // A body that is neither text nor a request's own is not read: it can be read only once.
      body: typeof given === "string" ? given : isRequest && given === null ? input.clone().text() : "",
      signal: init?.signal ?? (isRequest ? input.signal : null),
      retryCount: retryCount === null ? null : Number(retryCount),
      habits,
      // The header has whole seconds; the client's own setting is exact, where it is the one in force.
      timeoutMs:
        timeoutS === null ||
        (habits.timeoutMs !== null && Math.trunc(habits.timeoutMs / 1000) === Number(timeoutS))
          ? habits.timeoutMs
          : Number(timeoutS) * 1000,
    });
  }
}
