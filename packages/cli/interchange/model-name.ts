/** Names of models: ours are `provider/model`, other tools' are bare names or `provider:kind:model`. */

const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/^(?:gpt-|chatgpt-|o\d)/, "openai"],
  [/^claude-/, "anthropic"],
  [/^gemini-/, "google"],
  [/^(?:mistral|ministral|codestral)-/, "mistral"],
];

/** Adds the provider that a bare name gives away, and says so; a name that gives nothing away stays as it is. */
export function modelFromName(name: string, owner: string, notes: string[]): string {
  if (name.includes("/")) return name;
  const provider = FAMILIES.find(([pattern]) => pattern.test(name))?.[1];
  if (provider === undefined) {
    notes.push(
      `${owner}: model ${name} does not say whose it is; write provider/${name} into the prompt file`,
    );
    return name;
  }
  notes.push(`${owner}: model ${name} is taken for ${provider}/${name}`);
  return `${provider}/${name}`;
}

const KINDS: ReadonlySet<string> = new Set(["chat", "messages", "responses", "completion"]);
/** Programs and addresses that stand where providers do, and kinds that are asked for something else than a model. */
const NO_MODEL =
  /^(?:file|exec|python|javascript|golang|ruby|https?|wss?|webhook|package|promptfoo|sequence|mcp):|^\w+:(?:assistant|agents?|embeddings?|moderation|image|realtime|transcription|speech)(?::|$)/i;

/** `openai:chat:gpt-5-mini` and `openai:gpt-5-mini` become `openai/gpt-5-mini`; null where no model is named. */
export function modelFromProviderId(id: string): string | null {
  if (NO_MODEL.test(id)) return null;
  const [provider = "", ...rest] = id.split(":");
  const model = (rest.length > 1 && KINDS.has(rest[0]!) ? rest.slice(1) : rest).join(":");
  return model === "" || KINDS.has(model) ? null : `${provider}/${model}`;
}

export function providerIdOf(model: string): string {
  const slash = model.indexOf("/");
  if (slash === -1) return model;
  const provider = model.slice(0, slash);
  const kind = provider === "openai" ? "chat:" : provider === "anthropic" ? "messages:" : "";
  return `${provider}:${kind}${model.slice(slash + 1)}`;
}
