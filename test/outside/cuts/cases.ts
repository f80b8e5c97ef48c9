import type { OutsideCase } from "../case.ts";

interface CutCase extends OutsideCase {
  readonly input: string;
  readonly output: string;
  /** Characters of each text that the judge reads, and the share that may be left out. */
  readonly textCharsMax: number;
  readonly cutShareMax: number;
  /** Absent: judged whole. */
  readonly truncated?: Readonly<Record<string, number>>;
  readonly isJudged: boolean;
  /** Words that reach the judge. */
  readonly reach: readonly string[];
}

const long = (chars: number): string => `BEGIN${"x".repeat(chars - 8)}END`;

export const CUT_CASES: readonly CutCase[] = [
  {
    given: "texts of the limit",
    becomes: "judged whole",
    input: long(1_000),
    output: long(1_000),
    textCharsMax: 1_000,
    cutShareMax: 0.5,
    isJudged: true,
    reach: ["BEGIN", "END"],
  },
  {
    given: "an input one character longer",
    becomes: "head and tail, and both lengths on the verdict",
    input: long(1_001),
    output: "o",
    textCharsMax: 1_000,
    cutShareMax: 0.5,
    truncated: { input_chars: 1_001, input_judged_chars: 1_000, output_chars: 1, output_judged_chars: 1 },
    isJudged: true,
    reach: ["BEGIN", "END", "1 character left out"],
  },
  {
    given: "an output whose end decides",
    becomes: "the end is judged",
    input: "i",
    output: long(1_500),
    textCharsMax: 1_000,
    cutShareMax: 0.5,
    truncated: { input_chars: 1, input_judged_chars: 1, output_chars: 1_500, output_judged_chars: 1_000 },
    isJudged: true,
    reach: ["END"],
  },
  {
    given: "both texts too long",
    becomes: "both are cut",
    input: long(1_200),
    output: long(1_100),
    textCharsMax: 1_000,
    cutShareMax: 0.5,
    truncated: {
      input_chars: 1_200,
      input_judged_chars: 1_000,
      output_chars: 1_100,
      output_judged_chars: 1_000,
    },
    isJudged: true,
    reach: ["200 characters left out", "100 characters left out"],
  },
  {
    given: "an input of which more than half would be left out",
    becomes: "`cannot_judge`: too long, and nothing is asked",
    input: long(2_001),
    output: "o",
    textCharsMax: 1_000,
    cutShareMax: 0.5,
    truncated: { input_chars: 2_001, input_judged_chars: 1_000 },
    isJudged: false,
    reach: [],
  },
  {
    given: "an output of which more than half would be left out",
    becomes: "`cannot_judge`: too long",
    input: "i",
    output: long(5_000),
    textCharsMax: 1_000,
    cutShareMax: 0.5,
    truncated: { output_chars: 5_000, output_judged_chars: 1_000 },
    isJudged: false,
    reach: [],
  },
  {
    given: "exactly half left out",
    becomes: "judged",
    input: long(2_000),
    output: "o",
    textCharsMax: 1_000,
    cutShareMax: 0.5,
    truncated: { input_judged_chars: 1_000 },
    isJudged: true,
    reach: ["1000 characters left out"],
  },
  {
    given: "a share of 0 allowed",
    becomes: "`cannot_judge` at the first cut",
    input: long(1_001),
    output: "o",
    textCharsMax: 1_000,
    cutShareMax: 0,
    truncated: { input_chars: 1_001 },
    isJudged: false,
    reach: [],
  },
  {
    given: "a share of 1 allowed",
    becomes: "judged, whatever is left out",
    input: long(50_000),
    output: "o",
    textCharsMax: 1_000,
    cutShareMax: 1,
    truncated: { input_chars: 50_000, input_judged_chars: 1_000 },
    isJudged: true,
    reach: ["BEGIN", "END"],
  },
  {
    given: "emoji at every place of the cut",
    becomes: "cut between characters",
    input: "😀".repeat(1_000),
    output: "o",
    textCharsMax: 1_001,
    cutShareMax: 0.9,
    truncated: { input_chars: 2_000, input_judged_chars: 1_000 },
    isJudged: true,
    reach: ["😀"],
  },
  {
    given: "emoji shifted by one character",
    becomes: "cut between characters",
    input: `a${"😀".repeat(1_000)}`,
    output: "o",
    textCharsMax: 1_000,
    cutShareMax: 0.9,
    truncated: { input_chars: 2_001, input_judged_chars: 999 },
    isJudged: true,
    reach: ["a😀"],
  },
  {
    given: "an empty output beside a long input",
    becomes: "judged by the input that is shown",
    input: long(1_500),
    output: "",
    textCharsMax: 1_000,
    cutShareMax: 0.5,
    truncated: { output_chars: 0, output_judged_chars: 0 },
    isJudged: true,
    reach: ["BEGIN"],
  },
];
