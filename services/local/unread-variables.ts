/**
 * Variables that a service reads as a process of its own and local mode does not. Whoever sets one expects something of it:
 * a warning names those that change nothing, and one that protects ends the start, because nothing would be protected.
 */
import type { Environment } from "@plumbline/runtime/variables/read-settings";
import type { z } from "zod";

/** Variables that only protect. Local mode asks for no key and speaks plain HTTP, whatever they say. */
const PROTECTING: ReadonlySet<string> = new Set([
  "PLUMBLINE_REQUIRE_KEYS",
  "PLUMBLINE_API_KEYS",
  "PLUMBLINE_REGISTRY_KEYS",
  "PLUMBLINE_IDENTITY_HEADER",
  "PLUMBLINE_TLS_CERT",
  "PLUMBLINE_TLS_KEY",
]);
/** The command line and applications read these too, in the shell from which local mode is started. */
const OF_CLIENTS: ReadonlySet<string> = new Set(["PLUMBLINE_REGISTRY_URL"]);
const OFF: ReadonlySet<string | undefined> = new Set([undefined, "", "false"]);

interface UnreadVariables {
  /** A line each; local mode does not start. */
  readonly problems: readonly string[];
  /** Set, and without effect here; sorted. */
  readonly ignored: readonly string[];
}

/** findUnread returns what is set for one of `processes` and means nothing to local mode, which is one of them. */
export function findUnread(
  environment: Environment,
  processes: { readonly local: z.ZodObject } & Readonly<Record<string, z.ZodObject>>,
): UnreadVariables {
  const { local } = processes;
  const given = new Set(
    Object.values(processes)
      .flatMap(({ shape }) => Object.keys(shape))
      .filter((variable) => !(variable in local.shape) && !OF_CLIENTS.has(variable))
      .filter((variable) => !OFF.has(environment[variable]) || !OFF.has(environment[`${variable}_FILE`])),
  );
  const sorted = [...given].toSorted();
  return {
    problems: sorted
      .filter((variable) => PROTECTING.has(variable))
      .map(
        (variable) =>
          `${variable}: local mode asks for no key and speaks plain HTTP, for one person on one machine; unset it, or run the services one by one (docs/operate/deploy.md)`,
      ),
    ignored: sorted.filter((variable) => !PROTECTING.has(variable)),
  };
}
