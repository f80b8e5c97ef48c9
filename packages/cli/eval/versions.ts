/** The two versions that a run compares. */
import {
  type ParsedPrompt,
  parseShortVersion,
  type PromptDocument,
  promptVersion,
  shortVersion,
} from "@plumbline/prompts";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import { VersionAnswer, type UseCaseAnswer } from "../registry/answers.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import { findVersion } from "../registry/version-reference.ts";

export interface EvalVersion {
  readonly prompt_version: string;
  readonly document: PromptDocument;
  /** `v3`, or the short hash of a version that is not registered. */
  readonly label: string;
}

/** The working tree's prompt, unless another, registered version is named. */
export async function candidateOf(
  target: string,
  { document }: ParsedPrompt,
  registered: UseCaseAnswer | null,
  registry: RegistryClient | null,
): Promise<EvalVersion> {
  const prompt_version = promptVersion(document);
  const named = parseShortVersion(target);
  if (named === null || prompt_version.startsWith(`sha256:${named.hex}`)) {
    const known = registered?.versions.find((each) => each.prompt_version === prompt_version);
    const label = known === undefined ? shortVersion(document.use_case, prompt_version) : `v${known.number}`;
    return { prompt_version, document, label };
  }
  if (registered === null || registry === null) throw notPushed(document.use_case, target);
  return fetchVersion(registered, target, registry);
}

/** @param against `live`, `none`, or a registered version; @param live hash of what is live, null when nothing is */
export async function incumbentFor(
  against: string,
  live: string | null,
  registered: UseCaseAnswer | null,
  registry: RegistryClient | null,
): Promise<EvalVersion | null> {
  if (against === "none" || registered === null || registry === null) {
    if (against === "none" || against === "live") return null;
    throw new CommandFailure(
      EXIT.precondition,
      "version-unknown",
      `The registry has no versions of this use case, so there is no ${against}.`,
      { next: "plumbline push" },
    );
  }
  if (against !== "live") return fetchVersion(registered, against, registry);
  return live === null ? null : fetchVersion(registered, live, registry);
}

async function fetchVersion(
  registered: UseCaseAnswer,
  reference: string,
  registry: RegistryClient,
): Promise<EvalVersion> {
  const { use_case } = registered;
  const { prompt_version, number } = findVersion(registered, reference);
  const { document } = await registry.get(
    `/v1/use-cases/${encodeURIComponent(use_case)}/versions/${encodeURIComponent(prompt_version)}`,
    VersionAnswer,
  );
  return { prompt_version, document, label: `v${number}` };
}

export function notPushed(useCase: string, version: string): CommandFailure {
  return new CommandFailure(
    EXIT.precondition,
    "version-not-pushed",
    `${version} is not in the registry, so its result would have no place to be recorded. Nothing was run.`,
    {
      next: `plumbline push ${useCase}, or plumbline eval ${useCase} --no-record for a look without the gate`,
    },
  );
}
