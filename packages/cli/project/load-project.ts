/** Every file of a project, read and parsed. What is wrong is collected, not thrown: `lint` shows all of it at once. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  parseEvalSet,
  parsePolicy,
  parsePrompt,
  parseRubric,
  type EvalSet,
  type FileProblem,
  type NamedRubric,
  type Parsed,
  type ParsedPrompt,
} from "@plumbline/prompts";
import type { PolicyFile } from "@plumbline/schemas";
import type { FoundConfig } from "./find-config.ts";

/** Folder inside `prompts` whose files are included by others and are no prompts themselves. */
export const PARTIALS = "_partials";

export interface Project extends FoundConfig {
  readonly prompts: readonly ParsedPrompt[];
  /** By path relative to the project. */
  readonly evalSets: ReadonlyMap<string, EvalSet>;
  /** By name. */
  readonly rubrics: ReadonlyMap<string, NamedRubric>;
  /** By use case. */
  readonly policies: ReadonlyMap<string, PolicyFile & { readonly file: string }>;
  /** Paths of all files, relative to the project, with forward slashes. */
  readonly files: ReadonlySet<string>;
  /** Of files that could not be used at all; they are missing above. */
  readonly problems: readonly FileProblem[];
  readonly warnings: readonly FileProblem[];
}

export async function loadProject(found: FoundConfig): Promise<Project> {
  const { root, config } = found;
  const { folders } = config;
  const [promptFiles, evalFiles, rubricFiles, policyFiles, templateFiles] = await Promise.all(
    [folders.prompts, folders.evals, folders.rubrics, folders.policies, folders.templates].map((folder) =>
      list(root, folder),
    ),
  );
  const problems: FileProblem[] = [];
  const warnings: FileProblem[] = [];
  const keep = <Value>(parsed: Parsed<Value>): readonly Value[] => {
    if (parsed.kind === "invalid") {
      problems.push(...parsed.problems);
      return [];
    }
    warnings.push(...parsed.warnings);
    return [parsed.value];
  };
  const read = (file: string): Promise<string> => readFile(join(root, file), "utf8");

  /** Clients execute a policy, and have no files: what its template says travels with it. */
  const withText = async (template: PolicyFile["template"]): Promise<PolicyFile["template"]> => {
    const file = template?.file;
    if (file === undefined || !templateFiles!.includes(file)) return template;
    return { file, text: await read(file) };
  };

  const texts = new Map<string, string>();
  for (const file of promptFiles!.filter((each) => each.endsWith(".prompt")))
    texts.set(file, await read(file));
  const partialsFolder = `${folders.prompts}/${PARTIALS}/`;
  const readPartial = (name: string): string | null => texts.get(`${partialsFolder}${name}.prompt`) ?? null;
  const prompts = [...texts]
    .filter(([file]) => !file.startsWith(partialsFolder))
    .flatMap(([file, text]) => keep(parsePrompt(text, file, readPartial)));

  const evalSets = new Map<string, EvalSet>();
  for (const file of evalFiles!.filter((each) => each.endsWith(".jsonl"))) {
    for (const set of keep(parseEvalSet(await read(file), file))) evalSets.set(file, set);
  }
  /** What each file gives a name to, and which file was the first to do so. */
  const firstFiles = new Map<string, string>();
  const claim = (file: string, what: string): void => {
    const first = firstFiles.get(what);
    if (first === undefined) firstFiles.set(what, file);
    else problems.push(twice(file, what, first));
  };
  const rubrics = new Map<string, NamedRubric>();
  for (const file of rubricFiles!.filter(isYaml)) {
    for (const rubric of keep(parseRubric(await read(file), file))) {
      claim(file, `the rubric ${rubric.name}`);
      rubrics.set(rubric.name, rubric);
    }
  }
  const policies = new Map<string, PolicyFile & { readonly file: string }>();
  for (const file of policyFiles!.filter(isYaml)) {
    for (const policy of keep(parsePolicy(await read(file), file))) {
      claim(file, `the policy of ${policy.use_case}`);
      policies.set(policy.use_case, { ...policy, template: await withText(policy.template), file });
    }
  }
  for (const prompt of prompts) {
    const { use_case } = prompt.document;
    claim(prompt.file, `the prompt of ${use_case}`);
  }
  return {
    ...found,
    prompts,
    evalSets,
    rubrics,
    policies,
    files: new Set([promptFiles!, evalFiles!, rubricFiles!, policyFiles!, templateFiles!].flat()),
    problems,
    warnings,
  };
}

function twice(file: string, what: string, first: string): FileProblem {
  return {
    file,
    line: 0,
    field: "",
    message: `is ${what}, and so is ${first}`,
    fix: "Remove or rename one of them",
  };
}

function isYaml(file: string): boolean {
  return /\.(?:ya?ml|json)$/.test(file);
}

/** Files below a folder, sorted; none when the folder does not exist. */
async function list(root: string, folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(
    (error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
      throw error;
    },
  );
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .replaceAll("\\", "/"),
    )
    .toSorted();
}
