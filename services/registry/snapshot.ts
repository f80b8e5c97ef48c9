/** The folded state in a file, so that a process starts at once, and also while the log is away. */
import { open, readFile, rename } from "node:fs/promises";
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
