/**
 * The document of a prompt, its JSON and its rendering, for code that must do as the client does: the check before a push,
 * `eval`.
 */
export { canonicalJson } from "./canonical-json.ts";
export type { JsonValue, PromptDocument, PromptMessage, PromptRole } from "./prompt-document.ts";
export { renderNodes, type TemplateNode } from "./template.ts";
