/** Installs the pinned promptfoo beside this file, once; no script of any package runs. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const FOLDER = fileURLToPath(new URL(".", import.meta.url));
export const ENTRY = `${FOLDER}node_modules/promptfoo/dist/src/entrypoint.js`;
const INSTALL_MS_MAX = 400_000;
const OPTIONS = ["--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--no-package-lock"];

interface Manifest {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** @returns its version */
export async function installPromptfoo(): Promise<string> {
  const pinned = (await manifest("package.json"))?.dependencies?.["promptfoo"];
  const installed = (await manifest("node_modules/promptfoo/package.json"))?.version;
  if (installed !== pinned) await npm([]);
  // Of the optional packages, most of them large, only this machine's part of the database is needed.
  const parts = (await manifest("node_modules/libsql/package.json"))?.optionalDependencies ?? {};
  const part = Object.keys(parts).find(
    (name) => name.includes(`${process.platform}-${process.arch}`) && !name.includes("musl"),
  );
  if (part !== undefined && (await manifest(`node_modules/${part}/package.json`)) === null)
    await npm(["--no-save", `${part}@${parts[part]}`]);
  return (await manifest("node_modules/promptfoo/package.json"))?.version ?? "none";
}

async function npm(packages: readonly string[]): Promise<void> {
  await promisify(execFile)("npm", ["install", ...OPTIONS, ...packages], {
    cwd: FOLDER,
    timeout: INSTALL_MS_MAX,
  });
}

async function manifest(path: string): Promise<Manifest | null> {
  try {
    return JSON.parse(await readFile(`${FOLDER}${path}`, "utf8")) as Manifest;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
