export interface Production {
  close(): Promise<void>;
}
