/** What `tail` reads and prints: calls, or scores of calls. Times are UTC, as the store writes them. */
import { shortVersion } from "@plumbline/prompts";
import { z } from "zod";

/** `2026-11-24 09:00:00.123` becomes ISO 8601. */
export const StoreTime = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?$/)
  .transform((text) => `${text.replace(" ", "T")}Z`);

const shared = {
  call_id: z.string(),
  at: StoreTime,
  event_at: StoreTime,
  env: z.string(),
  use_case: z.string(),
  prompt_version: z.string(),
  model: z.string(),
  conversation_id: z.string(),
};

export const TailedCall = z
  .object({
    ...shared,
    app: z.string(),
    path: z.string(),
    status: z.string(),
    error_type: z.string(),
    latency_ms: z.number(),
    input_tokens: z.number().nullable(),
    output_tokens: z.number().nullable(),
    cost_usd: z.number().nullable(),
  })
  .transform((row) => ({ ...row, kind: "call" as const, id: row.call_id }));
export type TailedCall = z.output<typeof TailedCall>;

export const TailedScore = z
  .object({
    ...shared,
    id: z.string(),
    criterion: z.string(),
    score: z.number(),
    judge: z.string(),
    explanation: z.string(),
  })
  .transform((row) => ({ ...row, kind: "score" as const }));
export type TailedScore = z.output<typeof TailedScore>;

export type TailedRow = TailedCall | TailedScore;

/** Characters of a judge's explanation that fit a line. */
const EXPLANATION_CHARS = 160;

/** One line for people, without its line break. */
export function describeRow(row: TailedRow): string {
  const version =
    row.prompt_version === "" ? `${row.use_case} untagged` : versionName(row.use_case, row.prompt_version);
  const start = `${row.event_at.slice(0, 19).replace("T", " ")}  ${version}`;
  return row.kind === "call" ? `${start}  ${describeCall(row)}` : `${start}  ${describeScore(row)}`;
}

function versionName(useCase: string, version: string): string {
  return version.startsWith("sha256:") ? shortVersion(useCase, version) : `${useCase} ${version}`;
}

function describeCall(call: TailedCall): string {
  const { status, error_type, path, latency_ms, input_tokens, output_tokens, cost_usd, model, call_id } =
    call;
  return [
    error_type === "" ? status : `${status} (${error_type})`,
    ...(path === "primary" ? [] : [`by ${path}`]),
    `${Math.round(latency_ms).toLocaleString("en")} ms`,
    ...(input_tokens === null && output_tokens === null
      ? []
      : [`${input_tokens ?? "?"} tokens in, ${output_tokens ?? "?"} out`]),
    ...(cost_usd === null ? [] : [`$${cost_usd.toFixed(6)}`]),
    model,
    call_id,
  ].join("  ");
}

function describeScore({ criterion, score, judge, explanation, model, call_id }: TailedScore): string {
  const said = explanation.replaceAll(/\s+/g, " ").trim();
  const shown = said.length > EXPLANATION_CHARS ? `${said.slice(0, EXPLANATION_CHARS - 1)}…` : said;
  return [
    `${criterion} ${score.toFixed(2)}`,
    ...(shown === "" ? [] : [shown]),
    `judged by ${judge}`,
    model,
    call_id,
  ].join("  ");
}
