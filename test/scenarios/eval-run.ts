/** The example project in a folder of its own, a real registry, and a provider over HTTP that answers from the fixture. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import {
  type FakeProvider,
  type FakeReply,
  type FakeRequest,
  startFakeProvider,
} from "@plumbline/adapters/llm/fake-provider.fixture";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { Clock } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import { createRegistry } from "@plumbline/services/registry/service";
import { onTestFinished } from "vitest";
import { readPassages } from "../../examples/ticket-summary/passages.ts";
import { type Run, runPlumbline } from "./tail-run.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/ticket-summary/", import.meta.url));

/** The week in which the example's cases were added, so that the set is never too old for the gate. */
const startedAt = systemClock.now();
const BASE = Date.parse("2026-11-25T09:00:00Z");
const clock: Clock = {
  now: () => BASE + systemClock.now() - startedAt,
  monotonic: () => systemClock.monotonic(),
  sleep: (ms, signal) => systemClock.sleep(ms, signal),
};

const passages = new Map(readPassages().map((passage) => [passage.input, passage] as const));

/** The sentence that makes the model hide every figure. */
export const CAREFUL = "Be extra careful with financial information.";

/** As a model that takes the sentence too literally: the human summary, or the one with its figures hidden. */
export function summaryReply({ body }: FakeRequest): FakeReply {
  const messages = body["messages"] as readonly { role: string; content: string }[];
  const ticket = messages.at(-1)!.content;
  const passage = passages.get(ticket);
  if (passage === undefined) return { status: 400, body: { error: { message: "unknown ticket" } } };
  const text = messages[0]!.content.includes(CAREFUL) ? passage.v2 : passage.v1;
  return {
    body: {
      choices: [{ finish_reason: "stop", message: { role: "assistant", content: text } }],
      usage: {
        prompt_tokens: Math.ceil(JSON.stringify(messages).length / 4),
        completion_tokens: Math.ceil(text.length / 4),
      },
    },
  };
}

export interface EvalScene {
  readonly directory: string;
  readonly provider: FakeProvider;
  /** @param environment in place of what is usual; undefined takes a variable away */
  readonly run: (
    args: readonly string[],
    environment?: Readonly<Record<string, string | undefined>>,
    signal?: AbortSignal,
  ) => Promise<Run>;
  /** Adds a line to the prompt's instructions, in the working tree. */
  addToPrompt(sentence: string): Promise<void>;
}

/** @param script of the provider; default: `summaryReply` for ever */
export async function startScene(
  script: Parameters<typeof startFakeProvider>[0] = [summaryReply],
): Promise<EvalScene> {
  const directory = await mkdtemp(join(tmpdir(), "plumbline-eval-"));
  await cp(EXAMPLE, directory, {
    recursive: true,
    filter: (path) => !/\.ts$|\/(?:fixtures|\.plumbline)$/.test(path),
  });
  // Answers over loopback take about a millisecond, and the ratio of two such times is noise.
  const config = join(directory, "plumbline.config.yaml");
  const text = await readFile(config, "utf8");
  await writeFile(config, text.replace("gate:\n", "gate:\n  max_latency_increase: null\n"));

  const provider = await startFakeProvider(script);
  const log = createMemoryEventLog({ clock: systemClock });
  const registry = createRegistry({
    log,
    clock,
    logger: createLogger("test", "silent"),
    port: 0,
    followMs: 10,
  });
  const abort = new AbortController();
  const running = registry.run(abort.signal);
  onTestFinished(async () => {
    abort.abort();
    await Promise.all([running, provider.close()]);
    await rm(directory, { recursive: true });
  });
  const usual = {
    PLUMBLINE_REGISTRY_URL: await registry.url,
    PLUMBLINE_PROVIDER_OPENAI_URL: provider.url,
    PLUMBLINE_ACTOR: "ann",
  };
  return {
    directory,
    provider,
    run: (args, environment = {}, signal = new AbortController().signal) =>
      runPlumbline(args, { directory, environment: { ...usual, ...environment }, signal, clock }),
    async addToPrompt(sentence) {
      const file = join(directory, "prompts/ticket-summary.prompt");
      const prompt = await readFile(file, "utf8");
      await writeFile(file, prompt.replace('\n{{role "user"}}', `\n${sentence}\n{{role "user"}}`));
    },
  };
}

/** The example's prompt, evaluated against nothing, approved by somebody else, and live. */
export async function makeFirstLive({ run: plumbline }: EvalScene): Promise<void> {
  const steps: readonly (readonly [readonly string[], Record<string, string>?])[] = [
    [["push", "--allow-dirty"]],
    [["eval", "ticket-summary"]],
    [["approve", "ticket-summary", "v1"], { PLUMBLINE_ACTOR: "ben" }],
    [["promote", "ticket-summary", "v1", "--yes"]],
  ];
  for (const [args, environment] of steps) {
    const { exitCode, stdout, stderr } = await plumbline(args, environment);
    if (exitCode !== 0)
      throw new Error(`plumbline ${args.join(" ")}: exit ${exitCode}\n${stdout}\n${stderr}`);
  }
}
