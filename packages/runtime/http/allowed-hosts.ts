/**
 * Names under which servers of this process are reached beside loopback's own: behind a reverse proxy, or from a container.
 * One list a process, set once at its start, because it says where the process stands and not what one server does.
 */
import { z } from "zod";

/** A host name or address, and a port where only that one is meant. IPv6 addresses stand in brackets. */
const NAME = /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;

export const AllowedHosts = z
  .string()
  .default("")
  .transform((list) => list.split(",").map((name) => name.trim().toLowerCase()))
  .transform((names) => names.filter((name) => name !== ""))
  .refine((names) => names.every((name) => NAME.test(name)), {
    error:
      "must be names of hosts, comma-separated, such as plumbline.example.com,host.docker.internal; no scheme, no path and no *",
  });

let allowed: ReadonlySet<string> = new Set();

/** Lets the servers of this process answer under these names too. @param names as `AllowedHosts` gives them */
export function allowHosts(names: readonly string[]): void {
  allowed = new Set(names);
}

/** isAllowedHost returns true for a Host header, in lower case, that names this process; a name without a port means each. */
export function isAllowedHost(host: string): boolean {
  return allowed.has(host) || allowed.has(host.replace(/:\d{1,5}$/, ""));
}

/** isAllowedOrigin returns true for the host of an origin that is a page of this process; another port is another origin. */
export function isAllowedOrigin(host: string): boolean {
  return allowed.has(host);
}
