/** What git knows about a project: who wrote a file, which commit this is, and what is not committed. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { CommandFailure, EXIT } from "../shell/failure.ts";

const run = promisify(execFile);
const TIMEOUT_MS = 20_000;
/** Of what git prints. */
const OUTPUT_BYTES_MAX = 50_000_000;

export interface GitState {
  /** Full hash of HEAD; null before the first commit. */
  readonly commit: string | null;
  /** Paths below `paths`, relative to the project, that differ from HEAD, new files among them. */
  readonly dirty: readonly string[];
}

/**
 * @param root absolute path of the project
 * @param paths files and folders that matter, relative to it; those that don't exist are fine
 * @returns null outside of a git repository
 * @throws CommandFailure when git is not installed or fails
 */
export async function readGitState(root: string, paths: readonly string[]): Promise<GitState | null> {
  if ((await git(root, ["rev-parse", "--is-inside-work-tree"])) === null) return null;
  const [commit, prefix, status] = await Promise.all([
    git(root, ["rev-parse", "--verify", "--quiet", "HEAD"]),
    git(root, ["rev-parse", "--show-prefix"]),
    git(root, ["status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", ...paths]),
  ]);
  if (status === null || prefix === null) throw unusable(root, "git status failed");
  return {
    commit: commit === null ? null : commit.trim(),
    dirty: status
      .split("\0")
      .filter((line) => line !== "")
      // Two letters of state and a space; paths are those of the repository.
      .map((line) => line.slice(3).slice(prefix.trim().length)),
  };
}

/** Address of whoever changed one of the files last; null when none is committed. */
export async function readLastAuthor(root: string, files: readonly string[]): Promise<string | null> {
  const author = await git(root, ["log", "-1", "--format=%ae", "--", ...files]);
  return author === null || author.trim() === "" ? null : author.trim();
}

/** Address that git would sign a commit in this folder with; null when none is configured. */
export async function readGitUser(folder: string): Promise<string | null> {
  try {
    const user = await git(folder, ["config", "user.email"]);
    return user === null || user.trim() === "" ? null : user.trim();
  } catch (error) {
    if (error instanceof CommandFailure) return null;
    throw error;
  }
}

/** Files below a folder of the project at a commit, branch or tag, relative to it; null when there is no such commit. */
export async function listFilesAt(
  root: string,
  ref: string,
  folder: string,
): Promise<readonly string[] | null> {
  const commit = await commitOf(root, ref);
  if (commit === null) return null;
  const names = await git(root, ["ls-tree", "-r", "-z", "--name-only", commit, "--", `${folder}/`]);
  return (names ?? "").split("\0").filter((name) => name !== "");
}

/** A file of the project at a commit, branch or tag; null when it is not there. */
export async function readFileAt(root: string, ref: string, file: string): Promise<string | null> {
  const commit = await commitOf(root, ref);
  return commit === null ? null : git(root, ["show", `${commit}:./${file}`]);
}

/**
 * Makes a branch at HEAD, changes files on it, and commits these alone.
 *
 * @param change writes the files
 * @throws CommandFailure when the branch exists, or git does not commit; the branch then stays, with what was written
 */
export async function commitOnBranch(
  root: string,
  branch: string,
  files: readonly string[],
  message: string,
  change: () => Promise<void>,
): Promise<void> {
  if ((await git(root, ["switch", "--quiet", "--create", branch])) === null) {
    throw new CommandFailure(
      EXIT.precondition,
      "branch-exists",
      `The branch ${branch} can't be made: it exists.`,
      {
        next: `git switch ${branch}, or git branch -D ${branch}`,
      },
    );
  }
  await change();
  const isAdded = (await git(root, ["add", "--", ...files])) !== null;
  if (isAdded && (await git(root, ["commit", "--quiet", "--message", message, "--", ...files])) !== null)
    return;
  throw new CommandFailure(EXIT.precondition, "not-committed", `git did not commit on ${branch}.`, {
    next: "git commit says why: a hook, or no user.email",
  });
}

/** Full hash; null outside of git or when there is none. Never an option of git, whatever it is called. */
async function commitOf(root: string, ref: string): Promise<string | null> {
  const hash = await git(root, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`]);
  return hash === null ? null : hash.trim();
}

/** @returns null when git says no */
async function git(folder: string, args: readonly string[]): Promise<string | null> {
  try {
    const { stdout } = await run("git", ["-C", folder, "--no-optional-locks", ...args], {
      timeout: TIMEOUT_MS,
      maxBuffer: OUTPUT_BYTES_MAX,
    });
    return stdout;
  } catch (error) {
    if (error instanceof Error && "code" in error && typeof error.code === "number") return null;
    throw unusable(folder, error instanceof Error ? error.message : String(error), error);
  }
}

function unusable(folder: string, why: string, cause?: unknown): CommandFailure {
  return new CommandFailure(EXIT.unexpected, "git-unusable", `git cannot be asked about ${folder}: ${why}`, {
    cause,
    next: "install git, or check that it works in this folder",
  });
}
