/** What nobody would send: requests and texts, made by fast-check from a seed. */
import fc from "fast-check";
import type { Sample } from "./access-samples.ts";

export const hostile = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom(
    "//",
    "/%",
    "%0a",
    "%00",
    "%E0%A4%A",
    "..",
    "../..",
    "\\",
    "*",
    "?",
    "#",
    "[",
    "{",
    "'",
    '"',
  ),
  fc.constantFrom("__proto__", "constructor", "\ud800", "\u202e", "1e999", "-0", "null", "NaN"),
  fc
    .tuple(
      fc.constantFrom("(", "'\\'", "{a:", "[", '"\\"', "/*", "{{", "+", "a,", "\u00e4"),
      fc.integer({ min: 1, max: 4_000 }),
    )
    .map(([piece, times]) => piece.repeat(times)),
);
export const jsonText = fc.oneof(
  fc.json({ maxDepth: 6 }),
  hostile,
  fc
    .dictionary(
      fc.constantFrom(
        "app",
        "use_case",
        "model",
        "status",
        "latency_ms",
        "call_id",
        "attributes",
        "env",
        "record",
        "reason",
        "x",
      ),
      fc.jsonValue({ maxDepth: 3 }),
      { maxKeys: 10 },
    )
    .map((value) => JSON.stringify(value)),
);
export const sql = fc.oneof(
  hostile,
  fc
    .array(
      fc.constantFrom(
        "SELECT",
        "1",
        "(",
        ")",
        ",",
        "'a'",
        "FROM",
        "numbers(3)",
        "{a:String}",
        "FORMAT",
        "JSON",
        ";",
        "/*",
        "*/",
        "--",
        "`",
        "WITH",
        "AS",
        "\n",
      ),
      { maxLength: 20 },
    )
    .map((words) => words.join(" ")),
);

/** Percent-encoded; half a surrogate pair as the bytes that it would have. */
function encode(text: string): string {
  return encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, "\ufffd")).replaceAll(
    "%EF%BF%BD",
    "%ED%A0%80",
  );
}

export interface Server {
  readonly name: string;
  readonly url: string;
  readonly paths: readonly string[];
}

/** `arbitrary` once in `times`, else null. */
function rarely<Value>(arbitrary: fc.Arbitrary<Value>, times: number): fc.Arbitrary<Value | null> {
  return fc.oneof({ weight: times - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });
}

/** Requests that a route takes, each with fields put out of joint. */
function sampleRequests(samples: Readonly<Record<string, Sample>>, paths: readonly string[]) {
  const own = Object.entries(samples).flatMap(([route, { path, body }]) => {
    const [method = "", pattern = ""] = route.split(" ");
    return paths.includes(pattern) ? [{ method, path: path ?? pattern, body }] : [];
  });
  if (own.length === 0) return null;
  return fc.constantFrom(...own).chain(({ method, path, body }) => {
    const fields = Object.entries((body ?? {}) as Record<string, unknown>);
    const hurt = (value: unknown): fc.Arbitrary<unknown> =>
      fc.oneof(
        { weight: 4, arbitrary: fc.constant(value) },
        { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
        { weight: 1, arbitrary: hostile },
        { weight: 1, arbitrary: fc.constant(undefined) },
      );
    const hurtBody = fc
      .tuple(fc.record(Object.fromEntries(fields.map(([name, value]) => [name, hurt(value)]))), fc.nat(40))
      // Cut at the end, now and then.
      .map(([value, cut]) => (cut < 36 ? JSON.stringify(value) : JSON.stringify(value).slice(0, -cut)));
    return fc.record({ method: fc.constant(method), path: fc.constant(path), body: hurtBody });
  });
}

/** A request to one of the servers: most of them nearly right, so that they get far. */
export function requestTo(
  servers: readonly Server[],
  samples: Readonly<Record<string, Sample>>,
): fc.Arbitrary<{ readonly server: Server; readonly bytes: Buffer }> {
  return fc.constantFrom(...servers).chain((server) => {
    const anything = fc.record({
      method: fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom("GET", "POST") },
        {
          weight: 1,
          arbitrary: fc.constantFrom("PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "X"),
        },
      ),
      path: fc.constantFrom(...server.paths),
      body: fc.oneof(jsonText, sql),
    });
    const known = sampleRequests(samples, server.paths);
    return fc
      .record({
        what: known === null ? anything : fc.oneof(anything, known),
        piece: hostile.map(encode),
        raw: rarely(hostile, 12),
        query: rarely(fc.tuple(fc.constantFrom(...QUERY_NAMES), sql), 2),
        type: fc.oneof(
          { weight: 6, arbitrary: fc.constant("application/json") },
          { weight: 1, arbitrary: fc.constantFrom("application/x-ndjson", "text/plain", "") },
        ),
        extra: rarely(fc.tuple(fc.constantFrom(...HEADER_NAMES), hostile), 4),
        cut: rarely(fc.constant(true), 10),
      })
      .map(({ what: { method, path, body }, piece, raw, query, type, extra, cut }) => {
        const own = path.replaceAll(/:\w+/g, () => piece.slice(0, 2_000));
        const search =
          query === null ? "" : `${own.includes("?") ? "&" : "?"}${query[0]}=${encode(query[1])}`;
        const target = raw === null ? `${own}${search}`.slice(0, 12_000) : `/${raw}`;
        const bytes = Buffer.from(body);
        const head = [
          `${method} ${target} HTTP/1.1`,
          "Host: 127.0.0.1",
          "Connection: close",
          ...(type === "" ? [] : [`Content-Type: ${type}`]),
          ...(extra === null ? [] : [`${extra[0]}: ${extra[1].slice(0, 4_000)}`]),
          `Content-Length: ${bytes.length + (cut === null ? 0 : 1)}`,
        ];
        return { server, bytes: Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "utf8"), bytes]) };
      });
  });
}

const QUERY_NAMES = [
  "query",
  "param_a",
  "query_id",
  "env",
  "database",
  "default_format",
  "after",
  "verbose",
  "token",
  "use_cases",
  "known",
  "topic",
  "limit",
] as const;
const HEADER_NAMES = [
  "if-match",
  "idempotency-key",
  "content-encoding",
  "expect",
  "origin",
  "host",
  "transfer-encoding",
  "authorization",
  "cookie",
  "x-plumbline-actor",
  "x-plumbline-csrf",
  "x-forwarded-for",
  "upgrade",
  "range",
] as const;
