/** How people name a version on the command line, and how it is named to them. */
import { count } from "../text/spoken.ts";
import { parseShortVersion } from "@plumbline/prompts";
import { CommandFailure, EXIT, UsageError } from "../shell/failure.ts";
import type { UseCaseAnswer, VersionSummary } from "./answers.ts";

/** A use case and one of its versions: `v3`, 12 or more hex digits, or `sha256:<64 hex>`. */
interface VersionTarget {
  readonly useCase: string;
  readonly version: string;
}

/**
 * `ticket-summary v3`, or the short form `ticket-summary@9be07d1f00aa` alone.
 *
 * @throws UsageError for anything else
 */
export function readTarget(first: string, second: string | undefined): VersionTarget {
  const short = parseShortVersion(second ?? first);
  if (second === undefined) {
    if (short !== null) return { useCase: short.use_case, version: short.hex };
    throw new UsageError(`Name a version too, such as: ${first.includes("@") ? "ticket-summary" : first} v3`);
  }
  if (short !== null && short.use_case !== first)
    throw new UsageError(`${second} is a version of ${short.use_case}, not of ${first}`);
  return { useCase: first, version: short?.hex ?? second };
}

/** @throws CommandFailure exit code 4 when no version, or more than one, is meant */
export function findVersion({ use_case, versions }: UseCaseAnswer, reference: string): VersionSummary {
  const number = /^v(\d+)$/.exec(reference)?.[1];
  const hex = /^(?:sha256:)?([0-9a-f]{12,64})$/.exec(parseShortVersion(reference)?.hex ?? reference)?.[1];
  const found = versions.filter(
    (version) =>
      (number !== undefined && version.number === Number(number)) ||
      (hex !== undefined && version.prompt_version.startsWith(`sha256:${hex}`)),
  );
  if (found.length === 1) return found[0]!;
  const newest = versions[0];
  throw new CommandFailure(
    EXIT.precondition,
    "version-unknown",
    found.length === 0
      ? `${use_case} has no version ${reference}; the newest is ${newest === undefined ? "none" : `v${newest.number} (${newest.short})`}.`
      : `${reference} fits ${count(found.length, "version")} of ${use_case}.`,
    { next: `plumbline history ${use_case}` },
  );
}

/** `v3`; the beginning of the hash when the registry does not list it. */
export function labelOf({ versions }: Pick<UseCaseAnswer, "versions">, hash: string): string {
  const known = versions.find(({ prompt_version }) => prompt_version === hash);
  return known === undefined ? hash.slice(0, "sha256:".length + 12) : `v${known.number}`;
}

/** `v3  ticket-summary@9be07d1f00aa` */
export function namesOf({ number, short }: VersionSummary): string {
  return `v${number}  ${short}`;
}
