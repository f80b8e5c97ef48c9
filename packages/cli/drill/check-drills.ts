import { drillNote } from "./drill-note.ts";
import { envOf, readUseCaseIfAny } from "../registry/read-use-case.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import type { Finding } from "../project/finding.ts";
import type { Project } from "../project/load-project.ts";

/**
 * One warning for each policy that is live and was not rehearsed of late, or never.
 *
 * @throws CommandFailure when the registry does not answer
 */
export async function checkDrills(
  { prompts, policies }: Project,
  registry: RegistryClient,
  { env, now }: { readonly env: string; readonly now: number },
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { document, file } of prompts) {
    const { use_case } = document;
    const said = drillNote(envOf(await readUseCaseIfAny(registry, use_case), env), now);
    if (said === null) continue;
    findings.push({
      severity: "warning",
      rule: "policy-drill",
      file: policies.get(use_case)?.file ?? file,
      line: 0,
      message: `${use_case} in ${env}: ${said}`,
      fix: `Run plumbline drill ${use_case} -- <command>`,
    });
  }
  return findings;
}
