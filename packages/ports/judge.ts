/** Who judges one call on one criterion. Stateless; the service decides what is judged, when and how often. */
import type { Truncated, Verdict } from "@plumbline/schemas";

export interface Rubric {
  /** Criterion's name, such as faithfulness. */
  readonly name: string;
  readonly version: number;
  /** sha256:<64 hex> of the canonical rubric. */
  readonly hash: string;
  /** A guardrail may trigger a rollback; a signal may not. */
  readonly is_guardrail: boolean;
  /** What the guardrail is for, beyond the answer; left out for the answer itself. */
  readonly protects?: Verdict["protects"];
  /** What counts, in words for the judge. */
  readonly criterion: string;
  /** Score at or above which the label is pass, in [0,1]. */
  readonly pass_if: number;
}

export interface JudgeRequest {
  readonly rubric: Rubric;
  readonly input: string;
  readonly output: string;
}

export type JudgeAnswer =
  | {
      readonly state: "scored";
      readonly label: "pass" | "fail";
      /** In [0,1], higher is better. */
      readonly score: number;
      readonly reason: string;
      readonly failure_type: "omission" | "contradiction" | "invention" | "format" | "other" | null;
      /** US dollars; null when unknown, 0 when free. */
      readonly cost_usd: number | null;
      /** Absent when the judge read both texts whole. */
      readonly truncated?: Truncated;
    }
  | {
      readonly state: "cannot_judge";
      /** The kind of reason, for counting: the reason itself may quote a text. */
      readonly cause: NonNullable<Verdict["cause"]>;
      readonly reason: string;
      readonly cost_usd: number | null;
      readonly truncated?: Truncated;
    };

export interface Judge {
  /** Written on every verdict and shown beside every score, such as "lexical, no LLM" or "openai/gpt-5-mini". */
  readonly name: string;
  /** Its answers cost nothing, so that no budget holds them back. Absent: they may cost. */
  readonly isFree?: boolean;
  /**
   * Judges once. An answer that does not parse, or a refusal, is `cannot_judge`, never a score.
   * @throws ExternalError when the judge could not be reached or told us to wait
   */
  judge(request: JudgeRequest, options: { signal: AbortSignal }): Promise<JudgeAnswer>;
}
