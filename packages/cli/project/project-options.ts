/** The flags that commands share, and what they open: the project's files, the registry, the environment. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command as Program } from "commander";
import { whyUnreadable } from "@plumbline/runtime/system-error";
import { ConfigFile } from "@plumbline/schemas";
import type { CommandContext, CommandIo } from "../shell/command.ts";
import { CommandFailure, EXIT, UsageError } from "../shell/failure.ts";
import { readGitUser } from "../git/git.ts";
import { findConfig, type FoundConfig } from "./find-config.ts";
import { loadProject, type Project } from "./load-project.ts";
import {
  actorOf,
  createRegistryClient,
  type RegistryClient,
  type RegistryClientOptions,
} from "../registry/registry-client.ts";

/** Longest wait for a registry that a command can do without, ms. */
const OPTIONAL_TIMEOUT_MS = 3_000;

export interface ProjectFlags {
  readonly project?: string;
}

export interface RegistryFlags extends ProjectFlags {
  readonly registry?: string;
}

export interface EnvFlags {
  readonly env: string;
}

/** For commands that read the project's files. */
export function addProjectOption(command: Program): Program {
  return command.option("--project <dir>", "the project's folder, or one inside it (default: here)");
}

/** For commands that talk to the registry. */
export function addRegistryOptions(command: Program): Program {
  return addProjectOption(command).option(
    "--registry <url>",
    "the registry (default: PLUMBLINE_REGISTRY_URL, then the config's registry.url)",
  );
}

export function addEnvOption(command: Program): Program {
  return command.option("--env <name>", "environment", "production");
}

/** @throws CommandFailure exit code 3 when there is no usable configuration */
async function openConfig({ io }: CommandContext, { project }: ProjectFlags): Promise<FoundConfig> {
  return findConfig(resolve(io.directory, project ?? "."));
}

/** The configuration, or null outside a project: whoever is on call has no checkout at hand. */
export async function openConfigIfAny(
  context: CommandContext,
  flags: ProjectFlags,
): Promise<FoundConfig | null> {
  try {
    return await openConfig(context, flags);
  } catch (error) {
    if (error instanceof CommandFailure && error.code === "config-missing" && flags.project === undefined)
      return null;
    throw error;
  }
}

/** @throws CommandFailure exit code 3 when there is no usable configuration */
export async function openProject(context: CommandContext, flags: ProjectFlags): Promise<Project> {
  return loadProject(await openConfig(context, flags));
}

/**
 * The registry: its flag wins over the environment, the environment over the configuration.
 *
 * @param found the configuration when the command has read it; else it is looked for, and its absence is no failure
 */
export async function openRegistry(
  context: CommandContext,
  flags: RegistryFlags,
  found?: FoundConfig,
  patience: Pick<RegistryClientOptions, "attempts"> & { readonly timeoutMsMax?: number } = {},
): Promise<RegistryClient> {
  const config = (found ?? (await openConfigIfAny(context, flags)))?.config ?? ConfigFile.parse({});
  const { environment, signal } = context.io;
  const named = flags.registry ?? nonEmpty(environment["PLUMBLINE_REGISTRY_URL"]);
  const url = named ?? config.registry.url;
  if (!URL.canParse(url)) throw new UsageError(`"${url}" is no URL. Write one such as http://127.0.0.1:4800`);
  return createRegistryClient({
    url,
    timeoutMs: Math.min(config.registry.timeout_ms, patience.timeoutMsMax ?? Infinity),
    attempts: patience.attempts,
    apiKey: await keyFor(context, url, named !== undefined),
    actor: await readActor(context.io, flags),
    signal,
  });
}

/** For commands that are of use without a registry: null unless one was named. What it does not say at once is done without. */
export async function openRegistryIfNamed(
  context: CommandContext,
  flags: RegistryFlags,
  found: FoundConfig,
): Promise<RegistryClient | null> {
  const named = flags.registry ?? nonEmpty(context.io.environment["PLUMBLINE_REGISTRY_URL"]);
  if (named === undefined && found.config.registry.url === ConfigFile.parse({}).registry.url) return null;
  return openRegistry(context, flags, found, { attempts: 1, timeoutMsMax: OPTIONAL_TIMEOUT_MS });
}

/**
 * The registry's key, for an address that a person or the environment named. A configuration comes with a checkout, a
 * pull request's included: the address that it names gets no key, except the one that is there without it.
 */
async function keyFor(context: CommandContext, url: string, isNamed: boolean): Promise<string | undefined> {
  const key = await secretOf(context.io, "PLUMBLINE_REGISTRY_KEY");
  if (key === undefined || isNamed || url === ConfigFile.parse({}).registry.url) return key;
  context.warn(
    `PLUMBLINE_REGISTRY_KEY is not sent to ${url}: only the configuration names this address. To send it there, set PLUMBLINE_REGISTRY_URL to it, or give --registry`,
  );
  return undefined;
}

/**
 * Whom the history names where no key says it: the same address that git puts on commits, so that the registry sees
 * when somebody wants to approve what they wrote.
 */
async function readActor(io: CommandIo, { project }: ProjectFlags): Promise<string> {
  const named = nonEmpty(io.environment["PLUMBLINE_ACTOR"]);
  // Of the project: the folder of the shell may be another repository, with another name for the same person.
  return named ?? (await readGitUser(resolve(io.directory, project ?? "."))) ?? actorOf(io);
}

/** @throws UsageError when the project does not have this environment */
export function checkEnv({ env }: EnvFlags, config: ConfigFile | undefined): string {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(env))
    throw new UsageError(`--env "${env}" must be lower-case letters, digits and dashes`);
  if (config === undefined || config.environments.includes(env)) return env;
  throw new UsageError(
    `There is no environment ${env}: the configuration has ${config.environments.join(", ")}. Add it to environments, or give --env`,
  );
}

/**
 * A secret of the environment, or the first line of the file that `<name>_FILE` names.
 *
 * @throws CommandFailure exit code 3 when the file cannot be read
 */
export async function secretOf(
  { environment, directory }: Pick<CommandIo, "environment" | "directory">,
  name: string,
): Promise<string | undefined> {
  const value = nonEmpty(environment[name]);
  const file = nonEmpty(environment[`${name}_FILE`]);
  if (value !== undefined || file === undefined) return value;
  try {
    return nonEmpty((await readFile(resolve(directory, file), "utf8")).split("\n")[0]!.trim());
  } catch (error) {
    throw new CommandFailure(
      EXIT.config,
      "config",
      `${name}_FILE: ${file} can't be read: ${whyUnreadable(error)}`,
      {
        cause: error,
        next: `correct ${name}_FILE, or set ${name} itself`,
      },
    );
  }
}

/** An empty variable is how a compose file says "not set". */
function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value === "" ? undefined : value;
}
