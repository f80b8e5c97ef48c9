/** The store of last known good prompts between processes. A rejection is counted and warned about, no more. */
export interface StateStore {
  /** Null when there is none. */
  load(useCase: string): Promise<string | null>;
  /** Replaces what is stored, whole or not at all. Calls for one use case never overlap. */
  save(useCase: string, text: string): Promise<void>;
}
