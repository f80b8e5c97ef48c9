/**
 * The loop, closed: a prompt goes through the registry to an application, its edit loses the figures, people label some
 * answers, the monitor finds it, the policy service takes it back, the application switches, and quality recovers.
 *
 * Nothing is told to anybody beside the front doors: commands and labels over HTTP, calls through the client.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { isOpen, type IncidentState } from "@plumbline/alerts";
import { createClient, type Client } from "@plumbline/client";
import type { Clock } from "@plumbline/ports";
import { parsePrompt, promptVersion, type PromptDocument } from "@plumbline/prompts";
import { DAY_MS } from "@plumbline/schemas";
import { createRandom } from "@plumbline/stats";
import {
  CALLS_PER_DAY,
  CALLS_PER_LOOK,
  DAYS_OF_V1,
  DAYS_OF_V2,
  type DemoProgress,
  EXAMPLE,
  type Passage,
  QUEUE_EVENTS_MAX,
  readPassages,
  UNJUDGED_MAX,
  USE_CASE,
} from "./demo.ts";

interface LoopOptions {
  readonly collectorUrl: string;
  readonly registryUrl: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The incident about the bad version; null while there is none. */
  readonly incident: () => Promise<IncidentState | null>;
  /** Sampled calls without a verdict. */
  readonly unjudged: () => Promise<number>;
  /** Calls that the judge has scored, by version. */
  readonly judged: () => Promise<readonly { readonly call_id: string; readonly prompt_version: string }[]>;
  readonly onProgress: (progress: LoopProgress) => void;
}

interface LoopProgress extends Omit<DemoProgress, "phase"> {
  readonly phase: "v1" | "v2" | "back";
}

interface LoopPlay {
  readonly calls: number;
  readonly labels: number;
  /** The version that lost the figures. */
  readonly bad: string;
  /** Newest state of the incident; null when none stood in time. */
  readonly incident: IncidentState | null;
}

/** People label so many of the answers of each version that the judge has scored. */
const LABELS_PER_VERSION = 60;
/** From block to block while the monitor has to keep up, ms: it looks every few seconds. */
const BLOCK_PAUSE_MS = 1_000;
const SWITCH_WAIT_MS = 10_000;

export async function closeTheLoop(options: LoopOptions): Promise<LoopPlay> {
  const { clock, signal, onProgress, incident } = options;
  const documents = { v1: readDocument("v1"), v2: readDocument("v2") };
  const versions = { v1: promptVersion(documents.v1), v2: promptVersion(documents.v2) };
  for (const version of ["v1", "v2"] as const) {
    const body = { prompt_version: versions[version], document: documents[version], author: "ann" };
    await post(options.registryUrl, "versions", body);
  }
  await promote(options.registryUrl, versions.v1, 0, "it served before there was a registry");
  const desk = new SupportDesk(options, versions);
  let state: IncidentState | null = null;
  try {
    await desk.serves(versions.v1);
    await desk.play(DAYS_OF_V1 * CALLS_PER_DAY, "v1", onProgress);
    await desk.label(versions.v1);
    await promote(options.registryUrl, versions.v2, 1, "one more sentence, nobody expects a difference");
    await desk.serves(versions.v2);
    while (desk.callsLeft > 0 && !signal.aborted) {
      const isBack = desk.version === versions.v1;
      await desk.play(CALLS_PER_LOOK, isBack ? "back" : "v2", onProgress);
      if (!isBack) await desk.label(versions.v2);
      await clock.sleep(BLOCK_PAUSE_MS, signal);
      state = await incident();
      if (state !== null && !isOpen(state)) break;
    }
  } finally {
    await desk.close();
  }
  return { calls: desk.calls, labels: desk.labels, bad: versions.v2, incident: await incident() };
}

/** The application: asks its client for the prompt at each call, and does what the prompt says. */
class SupportDesk {
  calls = 0;
  labels = 0;
  /** Of the newest prompt that was served. */
  version = "";
  readonly #options: LoopOptions;
  readonly #versions: Readonly<Record<"v1" | "v2", string>>;
  readonly #client: Client;
  readonly #passages = readPassages();
  readonly #random = createRandom(20240115);
  readonly #start: number;
  /** What each call's answer was worth to whoever read it, for labels. */
  readonly #isGood = new Map<string, boolean>();
  readonly #labelled = new Map<string, Set<string>>();

  constructor(options: LoopOptions, versions: Readonly<Record<"v1" | "v2", string>>) {
    this.#options = options;
    this.#versions = versions;
    // The last call that could be sent is dated now: every time is in the past, and no clock looks wrong.
    this.#start = options.clock.now() - (DAYS_OF_V1 + DAYS_OF_V2) * DAY_MS;
    this.#client = createClient({
      url: options.collectorUrl,
      registryUrl: options.registryUrl,
      app: "support-desk",
      useCases: [USE_CASE],
      telemetry: { now: () => this.#simulated, queueMax: 4 * QUEUE_EVENTS_MAX },
    });
  }

  get callsLeft(): number {
    return (DAYS_OF_V1 + DAYS_OF_V2) * CALLS_PER_DAY - this.calls;
  }

  get #simulated(): number {
    return this.#start + (this.calls / CALLS_PER_DAY) * DAY_MS;
  }

  /** Waits until the client serves the version. */
  async serves(version: string): Promise<void> {
    const { clock, signal } = this.#options;
    const until = clock.monotonic() + SWITCH_WAIT_MS;
    while (!signal.aborted && (await this.#client.prompt(USE_CASE)).version !== version) {
      if (clock.monotonic() > until) throw new Error(`the client does not switch to ${version}`);
      await clock.sleep(20, signal);
    }
  }

  async play(
    count: number,
    phase: LoopProgress["phase"],
    onProgress: LoopOptions["onProgress"],
  ): Promise<void> {
    const { clock, signal, unjudged } = this.#options;
    for (let i = 0; i < count && this.callsLeft > 0 && !signal.aborted; i++) {
      await this.#call();
      if (this.calls % CALLS_PER_LOOK !== 0) continue;
      const share = this.calls / ((DAYS_OF_V1 + DAYS_OF_V2) * CALLS_PER_DAY);
      onProgress({ phase, share, calls: this.calls });
      while (this.#client.stats().emitter.queue_events > QUEUE_EVENTS_MAX && !signal.aborted)
        await clock.sleep(20, signal);
    }
    if (phase === "v1") await this.#client.emitter.flush(10_000);
    while ((await unjudged()) > UNJUDGED_MAX && !signal.aborted) await clock.sleep(50, signal);
  }

  /** People read answers of a version that the judge has scored, and say which are good. */
  async label(version: string): Promise<void> {
    const { clock, collectorUrl, judged } = this.#options;
    const known = this.#labelled.get(version) ?? new Set();
    this.#labelled.set(version, known);
    if (known.size >= LABELS_PER_VERSION) return;
    const fresh = (await judged())
      .filter(({ call_id, prompt_version }) => prompt_version === version && !known.has(call_id))
      .slice(0, LABELS_PER_VERSION - known.size);
    const given_at = new Date(clock.now()).toISOString();
    const labels = fresh.flatMap(({ call_id }) => {
      const isGood = this.#isGood.get(call_id);
      if (isGood === undefined) return [];
      known.add(call_id);
      const shared = { call_id, use_case: USE_CASE, kind: "label", criterion: "faithfulness", given_at };
      return [{ ...shared, feedback_id: `label-${call_id}`, value: isGood ? 1 : 0, author: "support" }];
    });
    if (labels.length === 0) return;
    this.labels += labels.length;
    const response = await fetch(`${collectorUrl}/v1/feedback`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(labels),
    });
    if (!response.ok) throw new Error(`labels were refused: ${response.status} ${await response.text()}`);
  }

  async close(): Promise<void> {
    await this.#client.emitter.flush(10_000);
    await this.#client.close(2_000);
  }

  async #call(): Promise<void> {
    const prompt = await this.#client.prompt(USE_CASE);
    this.version = prompt.version;
    const passage = this.#passages[this.#random.integer(this.#passages.length)]!;
    const output = prompt.version === this.#versions.v2 ? passage.v2 : passage.v1;
    const call_id = randomUUID();
    this.#isGood.set(call_id, isGood(passage, output));
    this.#client.emit({
      ...prompt.tags,
      call_id,
      provider: "openai",
      model: "gpt-5-mini",
      status: "ok",
      latency_ms: Math.round(900 + 1_400 * this.#random.uniform()),
      input_tokens: Math.round(passage.input.length / 4),
      output_tokens: Math.round(output.length / 4),
      input: passage.input,
      output,
    });
    this.calls += 1;
  }
}

/** A reader misses the figures where the edit took them out. */
function isGood({ v1 }: Passage, output: string): boolean {
  return output === v1;
}

function readDocument(version: "v1" | "v2"): PromptDocument {
  const file = `incident/${USE_CASE}.${version}.prompt`;
  const parsed = parsePrompt(readFileSync(new URL(file, EXAMPLE), "utf8"), file);
  if (parsed.kind === "invalid") throw new Error(`${file} can't be read`);
  return parsed.value.document;
}

async function promote(
  registryUrl: string,
  version: string,
  revision: number,
  reason: string,
): Promise<void> {
  const bypass = { reason };
  await post(registryUrl, "promote", { prompt_version: version, expected_revision: revision, bypass });
}

async function post(registryUrl: string, path: string, body: object): Promise<void> {
  const response = await fetch(`${registryUrl}/v1/use-cases/${USE_CASE}/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-plumbline-actor": "ann" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path} was refused: ${response.status} ${await response.text()}`);
}
