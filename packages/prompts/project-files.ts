/** Policies, rubrics and the project's configuration: YAML or JSON, checked by their schemas. */
import { ConfigFile, PolicyFile, RubricFile } from "@plumbline/schemas";
import { contentHash } from "./content-hash.ts";
import type { Parsed } from "./file-problem.ts";
import { type YamlSource, checkSchema, readYaml } from "./yaml-source.ts";

/** Defaults filled in, spans in ms, sizes in bytes. */
export function parsePolicy(text: string, file: string): Parsed<PolicyFile> {
  const read = readYaml(text, file);
  return read.kind === "invalid"
    ? read
    : checkSchema<PolicyFile>(PolicyFile, read.value, file, Object.keys(PolicyFile.shape));
}

/** `sha256:` and 64 hex digits. Computed with defaults filled in: spelling a default out does not change it. */
export function policyHash(policy: PolicyFile): string {
  return contentHash(policy);
}

/** A rubric with its name: the file's when it does not say one. */
export type NamedRubric = RubricFile & { readonly name: string };

export function parseRubric(text: string, file: string): Parsed<NamedRubric> {
  const read = readYaml(text, file);
  if (read.kind === "invalid") return read;
  const checked = checkSchema<RubricFile>(RubricFile, read.value, file);
  if (checked.kind === "invalid") return checked;
  const name = checked.value.name ?? (file.split("/").at(-1) ?? "").replace(/\.(?:ya?ml|json)$/, "");
  return { ...checked, value: { ...checked.value, name } };
}

/**
 * `sha256:` and 64 hex digits over what changes a verdict: name, criterion, method, scores, examples, model and prompt.
 * Sampling, budget, `guardrail` and `protects` say when to judge and what follows, not how, and are left out; so is
 * `version`, a label for people.
 */
export function rubricHash(rubric: NamedRubric): string {
  const {
    sampling: _sampling,
    budget: _budget,
    guardrail: _guardrail,
    protects: _protects,
    version: _version,
    ...judging
  } = rubric;
  return contentHash(judging);
}

/** The text of `plumbline.config.yaml` or `.json`. */
export function parseConfig(text: string, file: string): Parsed<ConfigFile> {
  const read = readYaml(text, file);
  if (read.kind === "invalid") return read;
  // An empty file is a configuration: everything has a default.
  const source: YamlSource = read.value.value === null ? { ...read.value, value: {} } : read.value;
  return checkSchema<ConfigFile>(ConfigFile, source, file, Object.keys(ConfigFile.shape));
}

/** The default export of `plumbline.config.ts` or `.mjs`, already loaded; its problems have no line. */
export function checkConfig(value: unknown, file: string): Parsed<ConfigFile> {
  return checkSchema<ConfigFile>(ConfigFile, { value, lineOf: () => 0 }, file, Object.keys(ConfigFile.shape));
}
