import { type ParsedPrompt, prefixChange, type PromptDocument, stablePrefix } from "@plumbline/prompts";
import type { Finding } from "../project/finding.ts";
import type { Project } from "../project/load-project.ts";
import type { SqlEndpoint } from "../sql/sql-endpoint.ts";
import { describeLoss } from "./describe-prefix.ts";
import { pricePrefix, type PricedPrefix } from "./price-prefix.ts";

/**
 * One warning for each prompt of which less is cached than before its edit.
 *
 * @param committed documents before, by use case
 */
export async function prefixFindings(
  project: Project,
  committed: ReadonlyMap<string, PromptDocument>,
  asked: { readonly ref: string; readonly env: string; readonly now: number; readonly sql: SqlEndpoint },
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const prompt of project.prompts) {
    const { use_case } = prompt.document;
    const before = committed.get(use_case);
    const change = before === undefined ? null : prefixChange(before, prompt.document);
    if (change === null || change.lost_tokens === 0) continue;
    const priced = await pricePrefix(
      change,
      { useCase: use_case, model: before!.model, ...asked },
      asked.sql,
    );
    findings.push(findingOf(prompt, priced, asked.ref));
  }
  return findings;
}

function findingOf(prompt: ParsedPrompt, change: PricedPrefix, ref: string): Finding {
  const first = stablePrefix(prompt.messages).first_variable;
  const isShorter = change.after.ends_at?.tag === change.before.ends_at?.tag;
  const { file, line } = isShorter || first === null ? { file: prompt.file, line: 1 } : first;
  const { first_change: place } = change;
  const where = typeof place === "string" ? `${place} changed` : `first changed byte: ${place.byte}`;
  return {
    severity: "warning",
    rule: "prefix-break",
    file,
    line,
    message: `since ${ref} less of the prompt is cached (${where}). ${describeLoss(change)}`,
    fix:
      isShorter || first === null ? "Keep what is fixed in front" : `Move ${first.tag} behind the fixed text`,
  };
}
