import type { CallMeta } from "./call-meta.ts";
import { type Fetch, type FetchTools, instrumentFetch } from "./instrument-fetch.ts";

/** A client of an official SDK: `new OpenAI()`, `new AzureOpenAI()`, `new Anthropic()` and what extends them. */
export interface SdkClient {
  withOptions(options: { readonly fetch: Fetch }): unknown;
}

/** The official SDKs' own default. */
export const MAX_RETRIES = 2;

/** wrapClient returns the same client with an instrumented `fetch` below it; types and behaviour stay. */
export function wrapClient<Client extends SdkClient>(
  tools: FetchTools,
  client: Client,
  meta: CallMeta,
): Client {
  const its = client as { fetch?: unknown; timeout?: unknown; maxRetries?: unknown };
  const base = typeof its.fetch === "function" ? (its.fetch as Fetch) : globalThis.fetch;
  return client.withOptions({
    fetch: instrumentFetch(tools, {
      meta,
      base,
      habits: {
        timeoutMs: typeof its.timeout === "number" ? its.timeout : null,
        maxRetries: typeof its.maxRetries === "number" ? its.maxRetries : MAX_RETRIES,
      },
    }),
  }) as Client;
}
