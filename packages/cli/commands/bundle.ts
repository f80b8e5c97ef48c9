import { resolve } from "node:path";
import type { AddCommand, CommandContext } from "../shell/command.ts";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import {
  compareBundle,
  fetchBundle,
  type FetchedBundle,
  readBundle,
  writeBundle,
} from "../interchange/bundle-file.ts";
import {
  addEnvOption,
  addRegistryOptions,
  checkEnv,
  openConfigIfAny,
  openRegistry,
  type EnvFlags,
  type RegistryFlags,
} from "../project/project-options.ts";

interface BundleFlags extends RegistryFlags, EnvFlags {
  readonly out: string;
  readonly check: boolean;
}

export const addBundle: AddCommand = (program, context) => {
  addEnvOption(
    addRegistryOptions(
      program
        .command("bundle")
        .summary("what is live, as a file for images")
        .description(
          "Writes what is live in one environment, prompts and policies, to a file that goes into the application's image. " +
            "The client serves it when it reaches neither the registry nor its own disk. Run it once per environment.\n" +
            "With --check nothing is written: exit code 0 when the file is what is live now, 4 when not.",
        )
        .argument("[use-case...]", "default: every use case with something live")
        .usage("--out FILE [use-case...] [options]")
        .addHelpText(
          "before",
          `Examples:
  plumbline bundle --out plumbline.bundle.json
  plumbline bundle --out bundle.staging.json --env staging ticket-summary
  plumbline bundle --out plumbline.bundle.json --check
`,
        )
        .requiredOption("--out <file>", "where it is, or will be")
        .option("--check", "only tell whether the file is current", false),
    ),
  ).action(async (useCases: readonly string[], flags: BundleFlags) => {
    const found = await openConfigIfAny(context, flags);
    const env = checkEnv(flags, found?.config);
    const registry = await openRegistry(context, flags, found ?? undefined);
    const path = resolve(context.io.directory, flags.out);
    const bundle = await fetchBundle(registry, env, useCases);
    refuseMissing(useCases, bundle, env);
    if (flags.check) await check(path, env, bundle, flags, context);
    else await write(path, env, bundle, flags, context);
  });
};

function refuseMissing(asked: readonly string[], { use_cases, missing }: FetchedBundle, env: string): void {
  const absent = asked.filter((name) => missing.includes(name));
  if (absent.length === 0 && Object.keys(use_cases).length > 0) return;
  throw new CommandFailure(
    EXIT.precondition,
    "nothing-live",
    absent.length > 0 ? `Nothing of ${absent.join(", ")} is live in ${env}.` : `Nothing is live in ${env}.`,
    { next: "plumbline promote, or another --env" },
  );
}

async function check(
  path: string,
  env: string,
  bundle: FetchedBundle,
  { out }: BundleFlags,
  context: CommandContext,
): Promise<void> {
  const differences = compareBundle(await readBundle(path), env, bundle);
  if (differences.length > 0) {
    throw new CommandFailure(
      EXIT.precondition,
      "bundle-outdated",
      [`${out} is not what is live in ${env}:`, ...differences.map((each) => `  ${each}`)].join("\n"),
      { next: "the same command without --check", details: differences },
    );
  }
  context.answer({ file: path, env, is_current: true }, `${out} is current: ${namesOf(bundle)}.`);
}

async function write(
  path: string,
  env: string,
  { use_cases, missing }: FetchedBundle,
  { out }: BundleFlags,
  context: CommandContext,
): Promise<void> {
  const created_at = new Date(context.clock.now()).toISOString();
  await writeBundle(path, { created_at, env, use_cases });
  const live = Object.entries(use_cases).map(([use_case, { live: arms, policy }]) => ({
    use_case,
    live: arms.map(({ prompt_version, number, weight }) => ({ prompt_version, number, weight })),
    policy_hash: policy?.policy_hash ?? null,
  }));
  context.answer(
    { file: path, env, created_at, use_cases: live, not_live: missing },
    [
      `${out}: ${env}, ${live.length} ${live.length === 1 ? "use case" : "use cases"}`,
      ...live.map(
        ({ use_case, live: arms, policy_hash }) =>
          `  ${use_case}  ${arms.map(({ number }) => `v${number}`).join(" and ")}${policy_hash === null ? ", no policy" : ", with its policy"}`,
      ),
      ...(missing.length === 0 ? [] : [`  Nothing live, left out: ${missing.join(", ")}`]),
      `Pass it to the client: createClient({ bundle: JSON.parse(readFileSync("${out}", "utf8")), … })`,
    ].join("\n"),
  );
}

function namesOf({ use_cases }: FetchedBundle): string {
  return Object.entries(use_cases)
    .map(([name, { live }]) => `${name} ${live.map(({ number }) => `v${number}`).join(" and ")}`)
    .join(", ");
}
