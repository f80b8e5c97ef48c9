/** promptfoo itself, as a process of its own that reaches nothing but this machine. */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ENTRY, FOLDER } from "./install-promptfoo.ts";

const RUN_MS_MAX = 240_000;
/** promptfoo's own exit code for "some cases failed". */
const SOME_FAILED = 100;

export interface PromptfooResult {
  readonly success: boolean;
  readonly error?: string;
  readonly provider: { readonly id: string };
  readonly vars: Readonly<Record<string, unknown>>;
  readonly prompt: { readonly raw: string };
  readonly testCase: { readonly metadata?: { readonly id?: string } };
  readonly gradingResult: {
    readonly componentResults: readonly {
      readonly pass: boolean;
      readonly reason?: string;
      readonly assertion?: { readonly type: string };
    }[];
  } | null;
}

/** Writes `config` into `work` and evaluates it there. */
export async function evaluate(config: object, work: string): Promise<readonly PromptfooResult[]> {
  await writeFile(join(work, "promptfooconfig.json"), JSON.stringify(config));
  const flags = ["--no-write", "--no-cache", "--no-table", "--no-progress-bar", "-o", join(work, "out.json")];
  // Prompt files of ours are TypeScript behind a module, found from here.
  const node = ["--conditions=source", "--import", "tsx"];
  await run([...node, ENTRY, "eval", "-c", join(work, "promptfooconfig.json"), ...flags], FOLDER, work);
  const out = JSON.parse(await readFile(join(work, "out.json"), "utf8")) as {
    readonly results: { readonly results: readonly PromptfooResult[] };
  };
  return out.results.results;
}

/** Writes promptfoo's own example project. @returns its promptfooconfig.yaml */
export async function initExample(folder: string): Promise<string> {
  // It takes a path for one below where it runs.
  await run([ENTRY, "init", ".", "--no-interactive"], folder, folder);
  return readFile(join(folder, "promptfooconfig.yaml"), "utf8");
}

async function run(args: readonly string[], cwd: string, work: string): Promise<void> {
  const environment = {
    ...process.env,
    PROMPTFOO_CONFIG_DIR: join(work, "config"),
    PROMPTFOO_DISABLE_TELEMETRY: "1",
    PROMPTFOO_DISABLE_UPDATE: "1",
    PROMPTFOO_DISABLE_SHARING: "1",
    PROMPTFOO_DISABLE_REMOTE_GENERATION: "1",
    // Whatever it would still send ends at a port where nothing listens.
    HTTPS_PROXY: "http://127.0.0.1:9",
    NO_PROXY: "127.0.0.1",
  };
  const ended = await new Promise<{ readonly code: unknown; readonly text: string }>((resolve) => {
    execFile(
      process.execPath,
      args,
      { cwd, env: environment, timeout: RUN_MS_MAX, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => resolve({ code: error?.code ?? 0, text: `${stdout}\n${stderr}` }),
    );
  });
  if (ended.code !== 0 && ended.code !== SOME_FAILED)
    throw new Error(`promptfoo ended with ${String(ended.code)}:\n${ended.text.slice(-4000)}`);
}
