/** A git repository, a registry and the command line between them, as a team has them. */
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { createLogger } from "@plumbline/runtime/logger";
import { onTestFinished } from "vitest";
import { createRegistry } from "../../services/registry/service.ts";
import { recordOf } from "../registry/commands.ts";
import { runPlumbline, type Run } from "./tail-run.ts";

export const ANN = "ann@example.com";
const BOB = { PLUMBLINE_ACTOR: "bob@example.com" };

export interface DeployProject {
  readonly dir: string;
  readonly url: string;
  /** As Ann, whose name git knows. */
  readonly plumbline: (...args: readonly string[]) => Promise<Run>;
  readonly asBob: (...args: readonly string[]) => Promise<Run>;
  readonly git: (...args: readonly string[]) => void;
  readonly edit: (file: string, change: (text: string) => string) => Promise<void>;
  readonly commit: () => void;
  /** Over the registry's API: a record in which everything passes, or the candidate fails some cases. */
  readonly evaluate: (candidate: string, incumbent: string | null, failing?: number) => Promise<void>;
  readonly post: (path: string, body: unknown) => Promise<Response>;
  /** Pushed, evaluated and approved. */
  readonly admit: (number: number, incumbent: string | null) => Promise<void>;
}

export const PROMPT = "prompts/ticket-summary.prompt";

export async function startDeployProject(): Promise<DeployProject> {
  const dir = await mkdtemp(join(tmpdir(), "plumbline-deploy-"));
  const registry = createRegistry({
    log: createMemoryEventLog({ clock: systemClock }),
    clock: systemClock,
    logger: createLogger("test", "silent"),
    port: 0,
    followMs: 20,
  });
  const stop = new AbortController();
  const running = registry.run(stop.signal);
  running.catch(() => undefined);
  onTestFinished(async () => {
    stop.abort();
    await running;
    await rm(dir, { recursive: true });
  });
  const url = await registry.url;
  const git = (...args: readonly string[]): void =>
    void execFileSync("git", ["-C", dir, ...args], { stdio: "pipe" });
  git("init", "--quiet");
  git("config", "user.name", "Ann");
  git("config", "user.email", ANN);

  const run = (args: readonly string[], environment: Readonly<Record<string, string>>): Promise<Run> =>
    runPlumbline(args, { directory: dir, environment: { PLUMBLINE_REGISTRY_URL: url, ...environment } });
  const post = (path: string, body: unknown): Promise<Response> =>
    fetch(`${url}/v1/use-cases/ticket-summary/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-plumbline-actor": "ci" },
      body: JSON.stringify(body),
    });
  const project: DeployProject = {
    dir,
    url,
    plumbline: (...args) => run(args, {}),
    asBob: (...args) => run(args, BOB),
    git,
    edit: async (file, change) => writeFile(join(dir, file), change(await readFile(join(dir, file), "utf8"))),
    commit: () => {
      git("add", ".");
      git("commit", "--quiet", "--message", "change");
    },
    post,
    async evaluate(candidate, incumbent, failing = 0) {
      const answer = await fetch(`${url}/v1/use-cases/ticket-summary`);
      const { versions, settings } = (await answer.json()) as {
        versions: { number: number; prompt_version: string }[];
        settings: { eval_set: { hash: string }; rubrics: Record<string, string> };
      };
      const hashOf = (label: string): string =>
        versions.find(({ number }) => `v${number}` === label)!.prompt_version;
      const record = recordOf("any", incumbent === null ? null : "any", failing);
      const { status } = await post("evals", {
        record: {
          candidate: { ...record.candidate, prompt_version: hashOf(candidate) },
          incumbent: incumbent === null ? null : { ...record.incumbent, prompt_version: hashOf(incumbent) },
          eval_set_hash: settings.eval_set.hash,
          rubric_hashes: settings.rubrics,
          finished_at: new Date(Date.now() - 1000).toISOString(),
        },
      });
      if (status !== 201) throw new Error(`the registry answered ${status}`);
    },
    async admit(number, incumbent) {
      await project.edit(PROMPT, (text) => text.replace(/at most \d+ words/, `at most ${60 + number} words`));
      project.commit();
      await project.plumbline("push");
      await project.evaluate(`v${number}`, incumbent);
      await project.asBob("approve", "ticket-summary", `v${number}`);
    },
  };
  return project;
}

/** What `--json` wrote: one object, alone on standard output. */
export function envelope({ stdout }: Run): {
  ok: boolean;
  data: Record<string, unknown>;
  warnings: string[];
  error: { code: string; message: string; next: string | null; details: unknown } | null;
} {
  return JSON.parse(stdout);
}
