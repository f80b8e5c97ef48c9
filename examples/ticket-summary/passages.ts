/** The example's texts: what somebody asks about a conversation, and two summaries of it. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

export interface Passage {
  readonly id: string;
  /** A question, an empty line, and what was said. */
  readonly input: string;
  /** The human summary. */
  readonly v1: string;
  /** The same with its figures hidden, where it has any. */
  readonly v2: string;
}

export function readPassages(): readonly Passage[] {
  return gunzipSync(readFileSync(new URL("fixtures/passages.jsonl.gz", import.meta.url)))
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Passage);
}
