/**
 * The application of the demo: a support desk that asks its client for the prompt at each call, and does what the prompt
 * says. Its answers are those of the fixtures: the second version's lost their figures.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { createClient, type Client } from "@plumbline/client";
import type { Clock } from "@plumbline/ports";
import { parsePrompt, promptVersion, type PromptDocument } from "@plumbline/prompts";
import { DAY_MS } from "@plumbline/schemas";
import { createRandom } from "@plumbline/stats";

const EXAMPLE = new URL("../../examples/ticket-summary/", import.meta.url);
export const USE_CASE = "ticket-summary";
export const CALLS_PER_DAY = 2_000;
export const DAYS_OF_V1 = 14;
/** v2 is played no longer than this: an alert that needs more has failed. */
export const DAYS_OF_V2 = 10;
/** Calls sent before the player looks at the inbox again. */
export const CALLS_PER_LOOK = 250;
/** The emitter's queue is bounded and drops its oldest; a player that outruns it would lose its own incident. */
const QUEUE_EVENTS_MAX = 2_000;
/** A day of samples is 100; a few on their way are nothing to wait for. */
const UNJUDGED_MAX = 20;
const SWITCH_WAIT_MS = 10_000;
/**
 * People label so many of the answers of each version that the judge has scored. The edit ruins one in six, and a judge is
 * calibrated from ten bad ones on.
 */
const LABELS_PER_VERSION = 150;

type VersionName = "v1" | "v2";
/** Hashes by name. */
export type Versions = Readonly<Record<VersionName, string>>;

interface Passage {
  readonly id: string;
  readonly input: string;
  readonly v1: string;
  readonly v2: string;
}

export interface DemoProgress<Phase extends string = VersionName> {
  readonly phase: Phase;
  /** In [0,1], of the longest that the demo may take. */
  readonly share: number;
  readonly calls: number;
}

export interface DeskOptions {
  readonly collectorUrl: string;
  readonly registryUrl: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Sampled calls without a verdict; the player waits for them, or accelerated time would count against the judge. */
  readonly unjudged: () => Promise<number>;
  /** When a call was made, ms since the epoch, by how many came before it. */
  readonly timeOf: (calls: number) => number;
}

/** Calls that the judge has scored, by version. */
export type JudgedCalls = () => Promise<
  readonly { readonly call_id: string; readonly prompt_version: string }[]
>;

/** Days of calls that lie in the past: the last one that could be sent is dated now, and no clock looks wrong. */
export function paceOf(clock: Clock, days: number): (calls: number) => number {
  const start = clock.now() - days * DAY_MS;
  return (calls) => Math.min(clock.now(), start + (calls / CALLS_PER_DAY) * DAY_MS);
}

export class SupportDesk {
  calls = 0;
  labels = 0;
  /** Of the newest prompt that was served. */
  version = "";
  readonly #options: DeskOptions;
  readonly #versions: Versions;
  readonly #client: Client;
  readonly #passages = readPassages();
  readonly #random = createRandom(20240115);
  /** What each call's answer was worth to whoever read it, for labels. */
  readonly #isGood = new Map<string, boolean>();
  readonly #labelled = new Map<string, Set<string>>();

  constructor(options: DeskOptions, versions: Versions) {
    this.#options = options;
    this.#versions = versions;
    this.#client = createClient({
      url: options.collectorUrl,
      registryUrl: options.registryUrl,
      app: "support-desk",
      useCases: [USE_CASE],
      telemetry: { now: () => options.timeOf(this.calls), queueMax: 4 * QUEUE_EVENTS_MAX },
    });
  }

  get callsLeft(): number {
    return (DAYS_OF_V1 + DAYS_OF_V2) * CALLS_PER_DAY - this.calls;
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

  /** Makes calls, as many as are left, and waits until the judge keeps up. */
  async play<Phase extends string>(
    count: number,
    phase: Phase,
    onProgress: (progress: DemoProgress<Phase>) => void,
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

  /** A few calls, without a word about progress. */
  async idle(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.#call();
  }

  /** People read answers of a version that the judge has scored, and say which are good. */
  async label(version: string, judged: JudgedCalls): Promise<void> {
    const { clock, collectorUrl } = this.#options;
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

  async flush(): Promise<void> {
    await this.#client.emitter.flush(10_000);
  }

  async close(): Promise<void> {
    await this.flush();
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

/** Registers both prompts. @returns their versions */
export async function registerPrompts(registryUrl: string): Promise<Versions> {
  const documents = { v1: readDocument("v1"), v2: readDocument("v2") };
  const versions = { v1: promptVersion(documents.v1), v2: promptVersion(documents.v2) };
  for (const name of ["v1", "v2"] as const) {
    const body = { prompt_version: versions[name], document: documents[name], author: "ann" };
    await post(registryUrl, "versions", body);
  }
  return versions;
}

/** Puts a version live past the gate. @param revision of what is live before */
export async function promote(
  registryUrl: string,
  version: string,
  revision: number,
  reason: string,
): Promise<void> {
  const bypass = { reason };
  await post(registryUrl, "promote", { prompt_version: version, expected_revision: revision, bypass });
}

function readPassages(): readonly Passage[] {
  return gunzipSync(readFileSync(new URL("fixtures/passages.jsonl.gz", EXAMPLE)))
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Passage);
}

/** A reader misses the figures where the edit took them out. */
function isGood({ v1 }: Passage, output: string): boolean {
  return output === v1;
}

function readDocument(version: VersionName): PromptDocument {
  const file = `incident/${USE_CASE}.${version}.prompt`;
  const parsed = parsePrompt(readFileSync(new URL(file, EXAMPLE), "utf8"), file);
  if (parsed.kind === "invalid") throw new Error(`${file} can't be read`);
  return parsed.value.document;
}

async function post(registryUrl: string, path: string, body: object): Promise<void> {
  const response = await fetch(`${registryUrl}/v1/use-cases/${USE_CASE}/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-plumbline-actor": "ann" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path} was refused: ${response.status} ${await response.text()}`);
}
