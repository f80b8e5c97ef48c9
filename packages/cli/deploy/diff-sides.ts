/** The two sides of a diff, however the user names them. */
import { readFile } from "node:fs/promises";
import { basename, relative, resolve } from "node:path";
import { whyUnreadable } from "@plumbline/runtime/system-error";
import {
  formatProblem,
  parsePrompt,
  parseShortVersion,
  promptVersion,
  type ParsedPrompt,
  type PromptDocument,
} from "@plumbline/prompts";
import { CommandFailure, EXIT, UsageError } from "../shell/failure.ts";
import type { Project } from "../project/load-project.ts";
import { VersionAnswer } from "../registry/answers.ts";
import { envOf, incumbentOf, readUseCase, readUseCaseIfAny } from "../registry/read-use-case.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import { findVersion, labelOf } from "../registry/version-reference.ts";

export const TREE = "tree";
export const LIVE = "live";

export interface Side {
  readonly kind: "tree" | "live" | "version" | "file";
  readonly useCase: string;
  /** Such as `v2, live in production`. */
  readonly name: string;
  readonly prompt_version: string;
  readonly document: PromptDocument;
}

export interface SideContext {
  readonly project: Project;
  readonly registry: RegistryClient;
  readonly env: string;
  /** Where relative paths begin. */
  readonly directory: string;
}

export function isFile(reference: string): boolean {
  return reference.includes("/") || reference.endsWith(".prompt");
}

/** The use case that a reference itself names; null for `v3`, `live` and files. */
export function useCaseIn(reference: string, { prompts }: Project): string | null {
  const short = parseShortVersion(reference);
  if (short !== null) return short.use_case;
  return prompts.some(({ document }) => document.use_case === reference) ? reference : null;
}

/** @returns null for `live` where nothing is */
export async function readSide(
  reference: string,
  useCase: string,
  context: SideContext,
): Promise<Side | null> {
  const { project, registry, env } = context;
  if (isFile(reference)) return readFileSide(reference, context);
  if (reference === TREE || reference === useCase) {
    const prompt = promptOf(project, useCase);
    return sideOf("tree", "working tree", prompt.document);
  }
  if (reference !== LIVE) {
    const known = await readUseCase(registry, useCase);
    const { prompt_version, number } = findVersion(known, reference);
    return sideOf("version", `v${number}`, await readDocument(registry, useCase, prompt_version));
  }
  const known = await readUseCaseIfAny(registry, useCase);
  const hash = incumbentOf(envOf(known, env));
  if (known === null || hash === null) return null;
  return sideOf(
    "live",
    `${labelOf(known, hash)}, live in ${env}`,
    await readDocument(registry, useCase, hash),
  );
}

/** @throws UsageError when there is no such prompt file, or more than one use case could be meant */
export function promptOf(project: Project, useCase: string): ParsedPrompt {
  const prompt = project.prompts.find(({ document }) => document.use_case === useCase);
  if (prompt !== undefined) return prompt;
  throw new CommandFailure(EXIT.precondition, "prompt-unknown", `There is no prompt file of ${useCase}.`, {
    next: "plumbline lint, or name two versions",
  });
}

async function readFileSide(path: string, { project, directory }: SideContext): Promise<Side> {
  const absolute = resolve(directory, path);
  const inProject = relative(project.root, absolute).replaceAll("\\", "/");
  const known = project.prompts.find(({ file }) => file === inProject);
  if (known !== undefined) return sideOf("file", path, known.document);
  const text = await readFile(absolute, "utf8").catch((error: unknown) => {
    throw new CommandFailure(
      EXIT.precondition,
      "file-unknown",
      `${path} cannot be read: ${whyUnreadable(error)}`,
      { cause: error },
    );
  });
  const parsed = parsePrompt(text, basename(path));
  if (parsed.kind === "parsed") return sideOf("file", path, parsed.value.document);
  throw new CommandFailure(EXIT.config, "config", parsed.problems.map(formatProblem).join("\n"), {
    details: parsed.problems,
  });
}

async function readDocument(
  registry: RegistryClient,
  useCase: string,
  hash: string,
): Promise<PromptDocument> {
  return (await registry.get(`/v1/use-cases/${useCase}/versions/${hash}`, VersionAnswer)).document;
}

function sideOf(kind: Side["kind"], name: string, document: PromptDocument): Side {
  return { kind, name, document, useCase: document.use_case, prompt_version: promptVersion(document) };
}

/** @throws UsageError when nothing tells which use case is meant */
export function onlyUseCase(project: Project): string {
  const [only, ...others] = project.prompts;
  if (only !== undefined && others.length === 0) return only.document.use_case;
  throw new UsageError(
    `Say which use case, with --use-case or as use-case@<12 hex>: there are ${project.prompts.map(({ document }) => document.use_case).join(", ") || "none"}`,
  );
}
