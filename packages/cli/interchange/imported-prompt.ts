/** A prompt between two formats: what the project's files can hold of it, and what they cannot. */
import type { FileProblem, JsonValue, ParsedPrompt, PromptDocument, PromptMessage } from "@plumbline/prompts";
import { z } from "zod";

export interface ImportedPrompt {
  readonly use_case: string;
  /** `provider/model`; null when the source does not say. */
  readonly model: string | null;
  readonly config: Readonly<Record<string, JsonValue>>;
  readonly messages: readonly PromptMessage[];
  readonly extras: Extras;
  /** Lines of its eval set; null when the source has none. */
  readonly evalLines: readonly string[] | null;
}

export interface Imported {
  readonly prompts: readonly ImportedPrompt[];
  /** What of the source has no place here and changes no prompt, in words. */
  readonly notes: readonly string[];
  /** Prompts and cases of the source that could not be read whole. */
  readonly leftOut: readonly FileProblem[];
}

/**
 * What other tools have no field for. It travels under the key `plumbline` of a place that they carry along without
 * looking, so that a prompt comes back as the same version.
 */
export const Extras = z
  .object({
    use_case: z.string(),
    defaults: z.record(z.string(), z.json()),
    output: z.object({ format: z.literal("json"), schema: z.json().optional() }),
    owner: z.string(),
    rubrics: z.array(z.string()),
    attributes: z.record(z.string(), z.string()),
  })
  .partial();
export type Extras = z.output<typeof Extras>;

/** Without what is empty. */
export function extrasOf({ document, owner, rubrics, attributes }: ParsedPrompt): Extras {
  return {
    use_case: document.use_case,
    ...(document.defaults !== undefined && { defaults: { ...document.defaults } as Extras["defaults"] }),
    ...(document.output !== undefined && { output: document.output as Extras["output"] }),
    ...(owner !== null && { owner }),
    ...(rubrics.length > 0 && { rubrics: [...rubrics] }),
    ...(Object.keys(attributes).length > 0 && { attributes: { ...attributes } }),
  };
}

/** Lower-case letters, digits, dashes and dots; null when nothing of the name is left. */
export function useCaseFrom(name: string): string | null {
  const slug = name
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9._]+/g, "-")
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, "")
    .slice(0, 64)
    .replace(/[^a-z0-9]+$/, "");
  return slug === "" ? null : slug;
}

export function documentOf(
  { use_case, config, messages, extras }: ImportedPrompt,
  model: string,
): PromptDocument {
  const { defaults, output } = extras;
  return {
    use_case,
    model,
    config,
    messages,
    ...(defaults !== undefined && Object.keys(defaults).length > 0 && { defaults }),
    ...(output !== undefined && { output: output as NonNullable<PromptDocument["output"]> }),
  };
}
