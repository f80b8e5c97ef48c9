import type { CacheQuestion } from "./answer-cache.ts";
import type { Meaning } from "./answer-store.ts";

/** A question that may be compared with others of its bucket. */
export interface Compared {
  /** Hash of everything that must be equal. */
  readonly bucket: string;
  readonly meaning: Meaning;
}

/** Which questions may share an answer, and how near two of them are. May reject: that is a miss, counted. */
export interface Comparison {
  /** Null: this question is not compared. Called at most once a miss. */
  read(question: CacheQuestion): Promise<Compared | null>;
  /** In [−1, 1], of two questions of one bucket; null: they are not the same, whatever their vectors say. */
  similarity(a: Meaning, b: Meaning): number | null;
}
