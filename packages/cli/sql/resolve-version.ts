import { parseShortVersion } from "@plumbline/prompts";
import type { CommandContext } from "../shell/command.ts";
import { UsageError } from "../shell/failure.ts";
import { openRegistry, type RegistryFlags } from "../project/project-options.ts";
import { VersionAnswer } from "../registry/answers.ts";

/**
 * What calls of a version are found by: a hash, or the beginning of one; empty for any version. Only `v3` needs the
 * registry. What is no version of ours is taken as it is: applications may tag calls with names of their own.
 *
 * @throws UsageError for `v3` without a use case, and for a version of another one
 */
export async function resolveVersion(
  context: CommandContext,
  flags: RegistryFlags,
  useCase: string | undefined,
  reference: string | undefined,
): Promise<string> {
  if (reference === undefined) return "";
  const short = parseShortVersion(reference);
  if (short !== null) {
    if (useCase !== undefined && useCase !== short.use_case)
      throw new UsageError(`${reference} is a version of ${short.use_case}, not of ${useCase}`);
    return `sha256:${short.hex}`;
  }
  if (/^[0-9a-f]{12,64}$/.test(reference)) return `sha256:${reference}`;
  if (!/^v[1-9]\d{0,8}$/.test(reference)) return reference;
  if (useCase === undefined) throw new UsageError(`${reference} of which use case? Give --use-case too`);
  const registry = await openRegistry(context, flags);
  const path = `/v1/use-cases/${encodeURIComponent(useCase)}/versions/${reference}`;
  return (await registry.get(path, VersionAnswer)).prompt_version;
}
