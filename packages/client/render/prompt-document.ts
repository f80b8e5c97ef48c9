/** The canonical prompt document, as the registry delivers it. Its hash is the prompt version. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export type PromptRole = "system" | "user" | "assistant";

/** Content is template text; `history` is the place of the earlier conversation. */
export type PromptMessage =
  | { readonly role: PromptRole; readonly content: string }
  | { readonly role: "history" };

export interface PromptDocument {
  readonly use_case: string;
  /** `provider/model`. */
  readonly model: string;
  readonly config: Readonly<Record<string, JsonValue>>;
  readonly messages: readonly PromptMessage[];
  /** Values of variables that a caller leaves out. */
  readonly defaults?: Readonly<Record<string, JsonValue>>;
  /** Absent for plain text. */
  readonly output?: { readonly format: "json"; readonly schema?: JsonValue };
}

const ROLES: readonly unknown[] = ["system", "user", "assistant"];

/** isPromptDocument returns true for what can be rendered. Its hash vouches for the rest. */
export function isPromptDocument(value: unknown): value is PromptDocument {
  if (!isObject(value)) return false;
  const { use_case, model, config, messages, defaults } = value;
  return (
    typeof use_case === "string" &&
    typeof model === "string" &&
    isObject(config) &&
    (defaults === undefined || isObject(defaults)) &&
    Array.isArray(messages) &&
    messages.every(
      (each: unknown) =>
        isObject(each) &&
        (each["role"] === "history" || (ROLES.includes(each["role"]) && typeof each["content"] === "string")),
    )
  );
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
