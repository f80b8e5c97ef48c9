/** For people, about a request to which nobody answered. */

/** addressOf returns a URL as people may read it: without user, password and query, any of which may be a secret. */
export function addressOf(url: string): string {
  if (!URL.canParse(url)) return "an address that is no URL";
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname.replace(/\/+$/, "")}`;
}

/**
 * whyUnreachable returns why `fetch` got no answer, such as `ECONNREFUSED`. Its own message says only "fetch failed", or
 * repeats an address with its password.
 */
export function whyUnreachable(url: string, error: unknown): string {
  if (URL.canParse(url)) {
    const { username, password } = new URL(url);
    if (username !== "" || password !== "") return "an address with user or password is not taken here";
  }
  const { cause } = error as { readonly cause?: { readonly code?: unknown; readonly message?: unknown } };
  for (const reason of [cause?.code, cause?.message]) {
    if (typeof reason === "string" && reason !== "") return reason;
  }
  return "the connection failed";
}
