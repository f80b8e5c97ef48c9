/**
 * The bundle: what is live in one environment, for the image of an application. It is the registry's answer to
 * `GET /v1/live` as the client verifies and serves it when it reaches neither the registry nor its own disk.
 */
import { randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolder } from "@plumbline/runtime/make-folder";
import { contentHash } from "@plumbline/prompts";
import { LIVE_USE_CASES_MAX, LiveAnswer } from "@plumbline/schemas";
import { z } from "zod";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import { UseCasesAnswer } from "../registry/answers.ts";
import type { RegistryClient } from "../registry/registry-client.ts";

/** A file of ours, or of an older version of ours: what is read is only compared. */
const BundleFile = z
  .object({
    created_at: z.iso.datetime(),
    env: z.string(),
    use_cases: LiveAnswer.shape.use_cases,
  })
  .loose();
type BundleFile = z.output<typeof BundleFile>;

export interface FetchedBundle {
  readonly use_cases: BundleFile["use_cases"];
  /** Known to the registry, or asked for, and with nothing live in this environment. */
  readonly missing: readonly string[];
}

/**
 * @param names empty: every use case that the registry knows
 * @throws CommandFailure when a document is not what its version says
 */
export async function fetchBundle(
  registry: RegistryClient,
  env: string,
  names: readonly string[],
): Promise<FetchedBundle> {
  const wanted = names.length > 0 ? names : await allUseCases(registry);
  const found: [string, BundleFile["use_cases"][string]][] = [];
  const missing: string[] = [];
  for (let i = 0; i < wanted.length; i += LIVE_USE_CASES_MAX) {
    const search = new URLSearchParams({ env, use_cases: wanted.slice(i, i + LIVE_USE_CASES_MAX).join(",") });
    const answer = await registry.get(`/v1/live?${search.toString()}`, LiveAnswer);
    found.push(...Object.entries(answer.use_cases));
    missing.push(...answer.missing);
  }
  // In one order, so that two bundles of the same state differ in nothing but their time.
  const sorted = found.toSorted(([a], [b]) => (a < b ? -1 : 1));
  for (const [useCase, { live }] of sorted) {
    for (const { prompt_version, number, document } of live) {
      if (contentHash(document) === prompt_version) continue;
      throw new CommandFailure(
        EXIT.unavailable,
        "hash-mismatch",
        `The registry's text of ${useCase} v${number} is not what its version says: something on the way changed it.`,
        { next: "check what stands between here and the registry (a proxy?), then its log" },
      );
    }
  }
  return { use_cases: Object.fromEntries(sorted), missing: missing.toSorted() };
}

async function allUseCases(registry: RegistryClient): Promise<readonly string[]> {
  const { use_cases } = await registry.get("/v1/use-cases", UseCasesAnswer);
  return use_cases.map(({ use_case }) => use_case);
}

/** Why an existing bundle would not serve what is live, a line each; empty when it would. */
export function compareBundle(file: BundleFile, env: string, now: FetchedBundle): readonly string[] {
  if (file.env !== env) return [`it is the bundle of ${file.env}, not of ${env}`];
  const names = new Set([...Object.keys(file.use_cases), ...Object.keys(now.use_cases)]);
  return [...names].toSorted().flatMap((name) => {
    const then = file.use_cases[name];
    const live = now.use_cases[name];
    if (then === undefined) return [`${name}: is live, and not in the bundle`];
    if (live === undefined) return [`${name}: is in the bundle, and nothing of it is live`];
    const before = armsOf(then.live);
    const after = armsOf(live.live);
    if (before !== after) return [`${name}: has ${before}, live is ${after}`];
    if (contentHash(then.live) !== contentHash(live.live)) return [`${name}: the text was changed`];
    return contentHash(then.policy) === contentHash(live.policy) ? [] : [`${name}: the policy has changed`];
  });
}

function armsOf(arms: BundleFile["use_cases"][string]["live"]): string {
  return arms
    .map(({ number, weight }) => (weight === 1 ? `v${number}` : `v${number} at ${Math.round(weight * 100)}%`))
    .join(" and ");
}

/** @throws CommandFailure exit code 4 when there is no such file, or it is no bundle */
export async function readBundle(path: string): Promise<BundleFile> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw new CommandFailure(
      EXIT.precondition,
      isMissing ? "bundle-missing" : "bundle-unreadable",
      isMissing ? `There is no ${path}.` : `${path} is not JSON.`,
      { cause: error, next: "the same command without --check" },
    );
  }
  const parsed = BundleFile.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new CommandFailure(
    EXIT.precondition,
    "bundle-unreadable",
    `${path} is no bundle: ${z.prettifyError(parsed.error)}`,
    { next: "the same command without --check" },
  );
}

/** Whole or not at all: a build that is interrupted must not leave half a bundle. */
export async function writeBundle(path: string, bundle: BundleFile): Promise<void> {
  await makeFolder(dirname(path));
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    await writeFile(temporary, `${JSON.stringify(bundle, null, 2)}\n`);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
