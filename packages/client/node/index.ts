/**
 * The client for Node: keeps the last known good prompts on disk, lets a process end while it waits for news, and carries
 * tags to the requests that are made inside a `run` or a policy.
 */
import type { ClientOptions } from "../client-options.ts";
import { createNodeContext } from "./node-context.ts";
import { createNodeGet } from "./node-get.ts";
import { type Client, createClient as createWebClient } from "../policy/policy-client.ts";
import { createStateFolder } from "./state-folder.ts";

export * from "../index.ts";

export interface NodeClientOptions extends ClientOptions {
  /** Folder for the last known good prompts; made when it is not there. Absent: nothing is stored. */
  readonly stateDir?: string | undefined;
}

export function createClient({ stateDir, ...options }: NodeClientOptions): Client {
  const { env = "production", fetch } = options;
  return createWebClient({
    // An application's own `fetch` has its reasons.
    ...(fetch === undefined ? { get: createNodeGet() } : {}),
    ...(stateDir === undefined ? {} : { state: createStateFolder(stateDir, env) }),
    context: createNodeContext(),
    ...options,
  });
}
