/**
 * The prompts that this process serves: what the registry delivered, else what an earlier process kept on disk, else
 * the bundle. Only verified content gets in, and what is in is replaced by nothing but verified content.
 */
import type { Warn } from "@plumbline/emitter";
import type { AnswerCache } from "./cache/answer-cache.ts";
import type { Bundle } from "./client-options.ts";
import { type Arm, type Arms, readArms } from "./live-arms.ts";
import type { LiveAnswer } from "./live-poll.ts";
import { isObject } from "./render/prompt-document.ts";
import type { StateStore } from "./state-store.ts";

export interface Entry {
  readonly revision: number;
  readonly arms: Arms;
  /** The parsed policy file, as it was delivered; null when the use case has none. */
  readonly policy: unknown;
  /** Verified versions, these and the newest before them: what is taken back to is not hashed again. */
  readonly seen: readonly Arm[];
  readonly from: "registry" | "last_known_good" | "bundled";
  /** True when this is the registry's newest answer about the use case; false when that could not be used. */
  isCurrent: boolean;
  /** Time of the registry's answer, ms since the epoch; null when it is unknown. */
  confirmedAt: number | null;
  /** Value of `confirmedAt` when it was stored. */
  storedAt: number;
  /** Since when the registry names a lower revision. */
  lowerSince: number | null;
}

export interface PromptCounts {
  /** Contents that were not what their version says. */
  hash_mismatches: number;
  /** Contents that are no prompts. */
  invalid_prompts: number;
  /** Answers of a replica that lags. */
  outdated_answers: number;
  /** Prompts read from disk or bundle. */
  fallbacks: number;
  state_writes: number;
  state_failures: number;
}

/** The registry's newest answer about a use case. */
type Outcome = "live" | "missing" | "hash_mismatch" | "invalid" | "outdated";

/**
 * A lower revision is taken for a replica that lags for this long, ms. After that the log is another one, and the registry
 * is right.
 */
const LAG_MS_MAX = 10_000;
/** Verified versions of a use case that are kept. */
const VERSIONS_SEEN_MAX = 8;
/** How often an unchanged prompt is stored again, so that the next process knows how old it is, ms. */
const STORE_AGAIN_MS = 600_000;

interface MemoryOptions {
  readonly state: StateStore | undefined;
  readonly bundle: Bundle | undefined;
  readonly now: () => number;
  readonly warn: Warn;
  /** Loses the answers of a version that gives way to an older one. */
  readonly cache: AnswerCache | undefined;
}

export class PromptMemory {
  readonly #entries = new Map<string, Entry>();
  readonly #given: MemoryOptions;
  readonly #unsaved = new Map<string, string>();
  #saving: Promise<void> | null = null;
  readonly counts: PromptCounts = {
    hash_mismatches: 0,
    invalid_prompts: 0,
    outdated_answers: 0,
    fallbacks: 0,
    state_writes: 0,
    state_failures: 0,
  };

  constructor(given: MemoryOptions) {
    this.#given = given;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(useCase: string): Entry | undefined {
    return this.#entries.get(useCase);
  }

  /** Takes over what the registry says about one use case, if it can be used. */
  async apply(useCase: string, answer: LiveAnswer, ageMs: number): Promise<Outcome> {
    const entry = this.#entries.get(useCase);
    const value = Object.hasOwn(answer.use_cases, useCase) ? answer.use_cases[useCase] : undefined;
    const read = await readArms(useCase, value, entry?.seen);
    const now = this.#given.now();
    if (read.kind !== "live") {
      if (entry !== undefined) entry.isCurrent = false;
      if (read.kind === "missing") return "missing";
      this.#rejected(useCase, "registry", read.reason);
      return read.reason;
    }
    if (entry?.from === "registry" && read.revision < entry.revision) {
      entry.lowerSince ??= now;
      if (now - entry.lowerSince < LAG_MS_MAX) {
        entry.isCurrent = false;
        this.counts.outdated_answers++;
        return "outdated";
      }
    }
    const confirmedAt = now - ageMs;
    const { revision, arms } = read;
    const before = entry?.seen.filter(
      (each) => !arms.some((arm) => arm.prompt_version === each.prompt_version),
    );
    this.#entries.set(useCase, {
      revision,
      arms,
      policy: policyIn(value),
      seen: [...arms, ...(before ?? [])].slice(0, VERSIONS_SEEN_MAX),
      from: "registry",
      isCurrent: true,
      confirmedAt,
      storedAt: confirmedAt,
      lowerSince: null,
    });
    this.#store(useCase);
    // One that a newer version replaced keeps its answers: it may come back, and they are as good as before.
    for (const { number, prompt_version } of entry?.arms ?? [])
      if (arms.every((arm) => arm.number < number)) void this.#given.cache?.purge(prompt_version);
    return "live";
  }

  /** The registry says that nothing changed. */
  confirm(useCase: string, ageMs: number): void {
    const entry = this.#entries.get(useCase);
    if (entry?.from !== "registry" || !entry.isCurrent) return;
    entry.confirmedAt = this.#given.now() - ageMs;
    if (entry.confirmedAt - entry.storedAt >= STORE_AGAIN_MS) this.#store(useCase);
  }

  /** True when there is a prompt to serve without the registry; it is in memory then. */
  async loadFallback(useCase: string): Promise<boolean> {
    if (this.#entries.has(useCase)) return true;
    const entry = (await this.#fromState(useCase)) ?? (await this.#fromBundle(useCase));
    // The registry's answer may have come first.
    if (this.#entries.has(useCase)) return true;
    if (entry === null) return false;
    this.counts.fallbacks++;
    this.#entries.set(useCase, entry);
    return true;
  }

  /** Stores what is not stored; never rejects. */
  async flush(): Promise<void> {
    for (const [useCase, { from, confirmedAt, storedAt }] of this.#entries) {
      if (from === "registry" && confirmedAt !== storedAt) this.#store(useCase);
    }
    await this.#saving;
  }

  async #fromState(useCase: string): Promise<Entry | null> {
    try {
      const text = (await this.#given.state?.load(useCase)) ?? null;
      if (text === null) return null;
      const value: unknown = JSON.parse(text);
      const confirmedAt = isObject(value) ? Date.parse(String(value["confirmed_at"])) : Number.NaN;
      return await this.#read(useCase, value, "last_known_good", confirmedAt);
    } catch (error) {
      this.#failed(useCase, error);
      return null;
    }
  }

  async #fromBundle(useCase: string): Promise<Entry | null> {
    const { bundle } = this.#given;
    const useCases: unknown = bundle?.use_cases;
    if (!isObject(useCases) || !Object.hasOwn(useCases, useCase)) return null;
    const createdAt = Date.parse(bundle?.created_at ?? "");
    // A copy: what is verified gets frozen, and the bundle is the application's.
    return this.#read(useCase, structuredClone(useCases[useCase]), "bundled", createdAt);
  }

  async #read(
    useCase: string,
    value: unknown,
    from: "last_known_good" | "bundled",
    at: number,
  ): Promise<Entry | null> {
    const read = await readArms(useCase, value);
    if (read.kind === "rejected") this.#rejected(useCase, from, read.reason);
    if (read.kind !== "live") return null;
    const confirmedAt = Number.isNaN(at) ? null : at;
    const { revision, arms } = read;
    const policy = policyIn(value);
    return {
      revision,
      arms,
      seen: arms,
      policy,
      from,
      isCurrent: false,
      confirmedAt,
      storedAt: at,
      lowerSince: null,
    };
  }

  #rejected(useCase: string, from: Entry["from"], reason: "hash_mismatch" | "invalid"): void {
    if (reason === "invalid") this.counts.invalid_prompts++;
    else this.counts.hash_mismatches++;
    this.#given.warn(`${from} ${useCase}`, `${useCase} from ${from} is not used: ${reason}`);
  }

  #store(useCase: string): void {
    const entry = this.#entries.get(useCase);
    const { state } = this.#given;
    if (state === undefined || entry === undefined) return;
    const { revision, arms, policy, confirmedAt } = entry;
    entry.storedAt = confirmedAt ?? 0;
    const confirmed_at = new Date(confirmedAt ?? 0).toISOString();
    // JSON keeps everything of an arm but its function.
    const stored = { use_case: useCase, confirmed_at, revision, live: arms, policy: { document: policy } };
    this.#unsaved.set(useCase, JSON.stringify(stored));
    this.#saving ??= this.#save(state).finally(() => {
      this.#saving = null;
    });
  }

  /** One write at a time, the newest of each use case. */
  async #save(state: StateStore): Promise<void> {
    // In the next turn, so that `#saving` is set before the loop can end.
    await Promise.resolve();
    for (let next; (next = this.#unsaved.entries().next().value) !== undefined;) {
      const [useCase, text] = next;
      this.#unsaved.delete(useCase);
      try {
        await state.save(useCase, text);
        this.counts.state_writes++;
      } catch (error) {
        this.#failed(useCase, error);
      }
    }
  }

  #failed(useCase: string, error: unknown): void {
    this.counts.state_failures++;
    this.#given.warn(useCase, `the state of ${useCase} can't be read or stored: ${String(error)}`);
  }
}

/** The policy of a use case in a live answer, a state file or a bundle. */
function policyIn(value: unknown): unknown {
  const policy = isObject(value) ? value["policy"] : null;
  return (isObject(policy) ? policy["document"] : null) ?? null;
}
