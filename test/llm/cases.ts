/** Fifty summaries with a person's label, from the shared data; short ones, so that a small model reads them whole. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const FILE = fileURLToPath(
  new URL("../../../shared/data/open/judgecal_summedits_a.events.jsonl.gz", import.meta.url),
);
/** The texts of this slice are the shortest. */
const SLICE = "scitldr";
/** Cases of both labels together. PLUMBLINE_TEST_LLM_CASES asks for fewer: a slow machine needs half a minute for each. */
const CASES = Number(process.env["PLUMBLINE_TEST_LLM_CASES"] ?? 50);

export interface LabelledCase {
  readonly id: string;
  readonly input: string;
  readonly output: string;
  /** A person's word. */
  readonly isFaithful: boolean;
}

interface Line {
  readonly input: string;
  readonly output: string;
  readonly label: { readonly faithful: boolean };
  readonly meta: { readonly item_id: string; readonly slice: string };
}

/** Null when the shared data are absent. */
export function labelledCases(): readonly LabelledCase[] | null {
  if (!existsSync(FILE)) return null;
  const lines = gunzipSync(readFileSync(FILE)).toString("utf8").trim().split("\n");
  const cases = lines
    .map((line) => JSON.parse(line) as Line)
    .filter(({ meta }) => meta.slice === SLICE)
    .map(({ input, output, label, meta }) => ({
      id: meta.item_id.replaceAll(/[^A-Za-z0-9._:-]/g, "-"),
      input,
      output,
      isFaithful: label.faithful,
    }));
  const of = (isFaithful: boolean): readonly LabelledCase[] =>
    cases.filter((each) => each.isFaithful === isFaithful).slice(0, Math.ceil(CASES / 2));
  return [...of(true), ...of(false)];
}
