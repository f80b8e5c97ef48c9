/**
 * Names under which servers of this process are reached beside loopback's own: behind a reverse proxy, or from a container.
 * One list a process, set once at its start, because it says where the process stands and not what one server does.
 */

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
