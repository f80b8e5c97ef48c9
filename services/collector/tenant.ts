import { createHash } from "node:crypto";

/** The tenant of an `authorization` header, or null when it names none. */
export type TenantLookup = (authorization: string | undefined) => string | null;

export const DEFAULT_TENANT = "default";

/**
 * Keys are looked up by their hash: the time it takes says nothing about how much of a guess was right.
 *
 * @param apiKeys tenant of each key; absent means that nobody needs a key
 */
export function createTenantLookup(apiKeys: ReadonlyMap<string, string> | undefined): TenantLookup {
  if (apiKeys === undefined) return () => DEFAULT_TENANT;
  const tenants = new Map([...apiKeys].map(([key, tenant]) => [hash(key), tenant]));
  return (authorization) => {
    const key = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    return key === undefined ? null : (tenants.get(hash(key)) ?? null);
  };
}

function hash(key: string): string {
  return createHash("sha256").update(key).digest("base64");
}
