/** Hands an application the prompt that is live, and emits its calls. Web APIs only; `./node` adds the disk. */
export { createClient, type Client, type ClientStats, PromptUnavailableError } from "./client.ts";
export type { Bundle, ClientOptions } from "./client-options.ts";
export type { Prompt, PromptSource, PromptTags } from "./prompt.ts";
export type { JsonValue, PromptDocument, PromptMessage, PromptRole } from "./render/prompt-document.ts";
export type { RenderedMessage } from "./render/render-messages.ts";
export type { StateStore } from "./state-store.ts";
export type { HttpAnswer, HttpGet, HttpGetOptions } from "./http-get.ts";
export type { Emitter, FlushResult, NewCall } from "@plumbline/emitter";
