import type { NewCall } from "@plumbline/emitter";

/**
 * What an application knows of a call beyond what its request and answer say. `prompt.tags` is one; of `model` in it
 * the request decides.
 */
export interface CallMeta {
  readonly use_case?: string | undefined;
  readonly prompt_version?: string | null | undefined;
  readonly prompt_source?: NewCall["prompt_source"];
  readonly provider?: string | null | undefined;
  readonly app_version?: string | null | undefined;
  readonly conversation_id?: string | null | undefined;
  /** A salted hash, never an identity. */
  readonly user_hash?: string | null | undefined;
  readonly trace_id?: string | null | undefined;
  readonly span_id?: string | null | undefined;
  /** What the user gave; default: the text of the request's last message of the user. */
  readonly input?: string | null | undefined;
  readonly vars?: Record<string, string> | null | undefined;
  readonly attributes?: Record<string, string> | undefined;
}

/** What travels in headers from the caller to the instrumented `fetch`, and no further. */
const IN_HEADERS = [
  "use_case",
  "prompt_version",
  "prompt_source",
  "conversation_id",
  "user_hash",
  "trace_id",
  "span_id",
] as const satisfies readonly (keyof CallMeta)[];
const PREFIX = "x-plumbline-";
/** Names the attempt of a policy that the request belongs to, where nothing else carries it. */
export const ATTEMPT_HEADER = `${PREFIX}attempt`;

type TagHeaders = Readonly<Record<string, string>>;

/** toHeaders returns what to send along with a request so that its call is tagged. Values are URI-encoded. */
export function toHeaders(meta: CallMeta): TagHeaders {
  const headers: Record<string, string> = {};
  for (const name of IN_HEADERS) {
    const value = meta[name];
    if (value != null) headers[PREFIX + name.replace("_", "-")] = encodeURIComponent(value);
  }
  return headers;
}

export interface TaggedRequest {
  readonly input: Parameters<typeof fetch>[0];
  readonly init: RequestInit | undefined;
  /** From its headers. */
  readonly meta: CallMeta;
  /** Null outside a policy, and where something else carries it. */
  readonly attempt: string | null;
  readonly headers: Headers;
}

/** takeTags takes our headers from a request. Without any, the request is passed on as it was given. */
export function takeTags(input: Parameters<typeof fetch>[0], init: RequestInit | undefined): TaggedRequest {
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
  const ours = [...headers.keys()].filter((name) => name.startsWith(PREFIX));
  if (ours.length === 0) return { input, init, meta: {}, attempt: null, headers };
  const meta: Record<string, string> = {};
  const attempt = headers.get(ATTEMPT_HEADER);
  for (const name of IN_HEADERS) {
    const value = headers.get(PREFIX + name.replace("_", "-"));
    if (value !== null) meta[name] = decoded(value);
  }
  for (const name of ours) headers.delete(name);
  return { input, init: { ...init, headers }, meta, attempt, headers };
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    // Written by hand: it means what it says.
    return value;
  }
}
