/** The calls that an alert is about, as cases of an eval set: then the gate asks for them before every promotion. */
import type { PromptDocument } from "@plumbline/prompts";
import { z } from "zod";
import { toCase } from "../replay/stored-calls.ts";
import type { SqlEndpoint } from "../sql/sql-endpoint.ts";

const FailingCall = z.object({
  call_id: z.string(),
  slices: z.array(z.string()),
  input: z.string(),
  vars: z.record(z.string(), z.string()),
  expected: z.string(),
});

interface Asked {
  readonly useCase: string;
  readonly env: string;
  /** Hashes of the version that the alert blames, and of the one before it. */
  readonly bad: string;
  readonly good: string;
  readonly criterion: string;
  /** That explain the alert; a conjunction is written with ` & `. Null: it is in all inputs alike. */
  readonly slice: string | null;
  readonly limit: number;
}

export type FailingCall = z.output<typeof FailingCall>;

export async function readFailingCalls(
  sql: SqlEndpoint,
  { useCase, env, bad, good, criterion, slice, limit }: Asked,
): Promise<readonly FailingCall[]> {
  const slices = slice === null ? [] : slice.split(" & ");
  const parameters = { use_case: useCase, env, bad, good, criterion, slices, limit };
  return sql.query("failing_calls", parameters, FailingCall);
}

interface CaseOptions {
  readonly incident: string;
  readonly criterion: string;
  /** Whether the project has a rubric of the criterion's name. */
  readonly hasRubric: boolean;
  readonly document: PromptDocument;
  /** Day, such as 2026-11-30. */
  readonly today: string;
}

/** One line of JSON each; calls whose texts can't be told apart by variable are left out. */
export function caseLines(
  calls: readonly FailingCall[],
  { incident, criterion, hasRubric, document, today }: CaseOptions,
): readonly string[] {
  return calls.flatMap((call, i) => {
    const { call_id, slices, expected } = call;
    const stored = { event_at: "", prompt_version: "", output: "", stored_score: null, stored_judge: null };
    const found = toCase({ ...stored, ...call }, document);
    if (found === null) return [];
    return [
      JSON.stringify({
        description: `Failed ${criterion} in production: ${incident}`,
        vars: found.case.vars,
        assert: hasRubric ? [{ type: "llm-rubric", value: `rubric:${criterion}` }] : [],
        metadata: {
          id: `${incident}-${i + 1}`,
          slice: slices,
          added: today,
          source: `call:${call_id}`,
          ...(expected !== "" && { expected }),
        },
      }),
    ];
  });
}

/** The set with the lines that it does not have yet. */
export function withCases(
  set: string,
  lines: readonly string[],
): { readonly text: string; readonly added: number } {
  const known = new Set(set.split("\n").flatMap((line) => sourceOf(line) ?? []));
  const fresh = lines.filter((line) => !known.has(sourceOf(line) ?? ""));
  const head = set === "" || set.endsWith("\n") ? set : `${set}\n`;
  return { text: `${head}${fresh.map((line) => `${line}\n`).join("")}`, added: fresh.length };
}

function sourceOf(line: string): string | null {
  return /"source":"(call:[^"]+)"/.exec(line)?.[1] ?? null;
}
