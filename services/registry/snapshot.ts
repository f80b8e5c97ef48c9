/** The folded state in a file, so that a process starts at once, and also while the log is away. */
import { open, readFile, rename } from "node:fs/promises";
import type { Logger } from "@plumbline/runtime/logger";
import { RULES_VERSION } from "@plumbline/registry-fold/fold";
import { stateFromJson, stateToJson, type RegistryState } from "@plumbline/registry-fold/state";

export interface Snapshots {
  /** The newest snapshot; null when there is none that this program can use. */
  load(): Promise<RegistryState | null>;
  /** Replaces the snapshot, wholly or not at all. */
  save(state: RegistryState): Promise<void>;
}

/** @param path of the file; its folder must exist */
export function createSnapshotFile(path: string): Snapshots {
  return {
    async load() {
      try {
        const { rules, state } = JSON.parse(await readFile(path, "utf8")) as {
          rules: unknown;
          state: unknown;
        };
        return rules === RULES_VERSION ? stateFromJson(state) : null;
      } catch {
        // Missing or damaged: the log has everything.
        return null;
      }
    },
    async save(state) {
      // Taken before the first wait: the state goes on changing.
      const text = JSON.stringify({ rules: RULES_VERSION, state: stateToJson(state) });
      const file = await open(`${path}.new`, "w", 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
    },
  };
}

/** A snapshot at most every so many records. */
const SNAPSHOT_RECORDS = 1_000;

/** Restores the state at the start and saves it as it grows. Without a snapshot the next start takes longer, and that is all. */
export class SnapshotKeeper {
  private readonly snapshots: Snapshots | undefined;
  private readonly state: RegistryState;
  private readonly logger: Logger;
  private savedOffset = 0;
  private saving: Promise<void> | null = null;
  private hasRestored = false;

  /** @param snapshots absent: nothing is kept */
  constructor(
    snapshots: Snapshots | undefined,
    deps: { readonly state: RegistryState; readonly logger: Logger },
  ) {
    this.snapshots = snapshots;
    this.state = deps.state;
    this.logger = deps.logger;
  }

  /** Whether the state came from a snapshot. */
  get isRestored(): boolean {
    return this.hasRestored;
  }

  async restore(): Promise<void> {
    const restored = (await this.snapshots?.load()) ?? null;
    if (restored === null) return;
    Object.assign(this.state, restored);
    this.savedOffset = this.state.next_offset;
    this.hasRestored = true;
    this.logger.info({ log_offset: this.savedOffset }, "registry.restored");
  }

  /** To be called after each batch of records. */
  folded(): void {
    if (this.state.next_offset - this.savedOffset >= SNAPSHOT_RECORDS) void this.save();
  }

  /** Saves what is not saved yet. */
  async end(): Promise<void> {
    await this.saving;
    await this.save();
  }

  private save(): Promise<void> {
    const offset = this.state.next_offset;
    if (this.snapshots === undefined || offset === this.savedOffset) return Promise.resolve();
    this.saving ??= this.snapshots
      .save(this.state)
      .then(
        () => {
          this.savedOffset = offset;
        },
        (error: unknown) => this.logger.warn({ err: error }, "registry.snapshot_failed"),
      )
      .finally(() => {
        this.saving = null;
      });
    return this.saving;
  }
}
