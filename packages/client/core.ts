/** The client without policies, for where every kilobyte counts. Web APIs only. */
import { type CoreClient, PromptClient } from "./client.ts";
import type { ClientOptions } from "./client-options.ts";

export { type ClientStats, type CoreClient, PromptUnavailableError } from "./client.ts";
export type { Bundle, ClientOptions } from "./client-options.ts";
export type { Prompt, PromptSource, PromptTags } from "./prompt.ts";
export type { CallMeta } from "./wrap/call-meta.ts";

export function createClient(options: ClientOptions): CoreClient {
  return new PromptClient(options);
}
