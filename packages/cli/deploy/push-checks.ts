/** What refuses a push before anything is sent: files that are wrong, and files that git does not have. */
import type { ParsedPrompt } from "@plumbline/prompts";
import type { CommandContext } from "../shell/command.ts";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import { readGitState, readGitUser, readLastAuthor, type GitState } from "../git/git.ts";
import { checkUseCase, fileFindings, inOrder } from "../project/check-project.ts";
import { formatFinding } from "../project/finding.ts";
import type { Project } from "../project/load-project.ts";
import { readSources } from "../project/prompt-sources.ts";
import { count } from "../text/spoken.ts";

/**
 * The prompts that are pushed.
 *
 * @param useCases those named on the command line; none: all
 * @throws CommandFailure exit code 3 when one of them has errors, 4 when one does not exist
 */
export function selectPrompts(
  project: Project,
  useCases: readonly string[],
  context: CommandContext,
): readonly ParsedPrompt[] {
  const selected = project.prompts.filter(
    ({ document }) => useCases.length === 0 || useCases.includes(document.use_case),
  );
  const names = new Set(selected.map(({ document }) => document.use_case));
  const missing = useCases.filter((name) => !names.has(name));
  const brokenFiles = fileFindings(project).filter(({ severity }) => severity === "error");
  const findings = inOrder([
    // A broken file may be part of any prompt; only those that plainly belong to another one are let through.
    ...brokenFiles.filter(
      ({ file }) => useCases.length === 0 || missing.length > 0 || concerns(file, selected),
    ),
    ...selected.flatMap((prompt) => checkUseCase(prompt, project, context.clock.now())),
  ]);
  const errors = findings.filter(({ severity }) => severity === "error");
  if (errors.length > 0) {
    throw new CommandFailure(
      EXIT.config,
      "lint",
      `${count(errors.length, "error")}; nothing was pushed.\n${errors.map(formatFinding).join("\n")}`,
      { next: "correct them, then plumbline lint", details: errors },
    );
  }
  if (missing.length > 0 || selected.length === 0) {
    throw new CommandFailure(
      EXIT.precondition,
      "prompt-unknown",
      missing.length === 0
        ? `There is no prompt in ${project.config.folders.prompts}/.`
        : `There is no prompt of ${missing.join(", ")}; there ${project.prompts.length === 1 ? "is" : "are"} ${project.prompts.map(({ document }) => document.use_case).join(", ")}.`,
      { next: "plumbline lint" },
    );
  }
  for (const finding of findings) if (finding.severity === "warning") context.warn(formatFinding(finding));
  return selected;
}

function concerns(file: string, prompts: readonly ParsedPrompt[]): boolean {
  return (
    !file.endsWith(".prompt") &&
    (!file.endsWith(".jsonl") || prompts.some(({ eval_file }) => eval_file === file))
  );
}

/** Where the pushed files come from. */
export interface Origin {
  /** Hash of HEAD, with `-dirty` when the files differ from it; null outside of git. */
  readonly commit: string | null;
  readonly isDirty: boolean;
  /** Who wrote a prompt, given its file; undefined when git does not know, and then it is whoever pushes. */
  readonly authorOf: (prompt: ParsedPrompt) => Promise<string | undefined>;
}

/** @throws CommandFailure exit code 4 when files that matter are not committed */
export async function readOrigin(
  project: Project,
  { allowDirty }: { readonly allowDirty: boolean },
): Promise<Origin> {
  const { root, file, config } = project;
  const { prompts, evals, rubrics, policies, templates } = config.folders;
  const state = await readGitState(root, [file, prompts, evals, rubrics, policies, templates]);
  if (!allowDirty) refuseUncommitted(state, root);
  if (state?.commit == null) return { commit: null, isDirty: true, authorOf: async () => undefined };
  const isDirty = state.dirty.length > 0;
  return {
    commit: isDirty ? `${state.commit}-dirty` : state.commit,
    isDirty,
    authorOf: async (prompt) => {
      const sources = await readSources(project, prompt);
      const isEdited = state.dirty.some((path) => sources.includes(path));
      return (isEdited ? await readGitUser(root) : await readLastAuthor(root, sources)) ?? undefined;
    },
  };
}

function refuseUncommitted(state: GitState | null, root: string): void {
  const dirty = state?.dirty ?? [];
  if (state?.commit != null && dirty.length === 0) return;
  const shown = dirty.slice(0, 10).map((path) => `  ${path}`);
  if (dirty.length > shown.length) shown.push(`  and ${dirty.length - shown.length} more`);
  throw new CommandFailure(
    EXIT.precondition,
    "not-committed",
    state === null
      ? `${root} is not in a git repository, so nobody could find what was pushed again.`
      : `${count(dirty.length, "file")} not committed, so nobody could find what was pushed again:\n${shown.join("\n")}`,
    {
      next: "commit it (in a folder without git: git init first), then push again; or --allow-dirty to push it as it is",
      details: dirty,
    },
  );
}
