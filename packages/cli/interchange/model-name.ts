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

/** `openai:chat:gpt-5-mini` and `openai:gpt-5-mini` become `openai/gpt-5-mini`. */
export function modelFromProviderId(id: string): string {
  const [provider = "", ...rest] = id.split(":");
  const isKind = rest.length > 1 && ["chat", "messages"].includes(rest[0]!);
  const model = (isKind ? rest.slice(1) : rest).join(":");
  return model === "" ? provider : `${provider}/${model}`;
}

export function providerIdOf(model: string): string {
  const slash = model.indexOf("/");
  if (slash === -1) return model;
  const provider = model.slice(0, slash);
  const kind = provider === "openai" ? "chat:" : provider === "anthropic" ? "messages:" : "";
  return `${provider}:${kind}${model.slice(slash + 1)}`;
}
