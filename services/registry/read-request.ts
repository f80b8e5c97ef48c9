/** What a request says, checked: body, version references, expectations, credentials. */
import { parseShortVersion } from "@plumbline/prompts";
import { createBodyReader, HttpProblem, readWholeText, type Request } from "@plumbline/runtime/http";
import {
  counted,
  EVAL_BODY_BYTES_MAX,
  plainWords,
  REGISTRY_BODY_BYTES_MAX,
  UseCase,
} from "@plumbline/schemas";
import type { z } from "zod";
import type { UseCaseState } from "@plumbline/registry-fold/state";

const bodies = createBodyReader({ bytesMax: EVAL_BODY_BYTES_MAX });

/**
 * @param owner whom the body counts against while it arrives
 * @throws HttpProblem 400, 408, 413, 415 or 503, naming the fields that do not fit
 */
export async function readJson<Schema extends z.ZodType>(
  request: Request,
  owner: string,
  schema: Schema,
  { bytesMax = REGISTRY_BODY_BYTES_MAX }: { readonly bytesMax?: number } = {},
): Promise<z.output<Schema>> {
  // Asking for a JSON type also keeps other sites' pages from posting here: a browser asks us first.
  const type = (request.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (type !== "application/json") {
    throw new HttpProblem({
      type: "urn:plumbline:unsupported-media-type",
      title: "Unsupported media type",
      status: 415,
      detail: "Send content-type application/json.",
    });
  }
  const bytes = await bodies.read(request, owner, bytesMax);
  const text = readWholeText(bytes, request.get("content-type"));
  if (isNestedDeeper(text, DEPTH_MAX))
    throw badRequest(`The body is nested deeper than ${DEPTH_MAX} levels.`, "");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badRequest("The body is not JSON.", "");
  }
  const parsed = schema.safeParse(value, { error: plainWords });
  if (parsed.success) return parsed.data;
  const count = parsed.error.issues.length;
  const errors = parsed.error.issues.slice(0, ERRORS_MAX).map(({ path, message }, index) => ({
    index,
    field: path.map(String).join(".").slice(0, FIELD_CHARS_MAX),
    message: message.slice(0, MESSAGE_CHARS_MAX),
  }));
  const [first] = errors;
  throw new HttpProblem({
    type: "urn:plumbline:bad-request",
    title: "Bad request",
    status: 400,
    detail: `${first!.field === "" ? "The body" : first!.field} ${first!.message}${count > 1 ? ` (and ${count - 1} more)` : ""}`,
    field: first!.field,
    errors,
    errors_count: count,
  });
}

/** Faults of one body that its answer lists; the count beside them says how many there were. */
export const ERRORS_MAX = 20;
const FIELD_CHARS_MAX = 200;
/** An unknown key is part of the message about it, whole. */
const MESSAGE_CHARS_MAX = 500;

/** Prompts with a JSON Schema need ten or so. What is folded must never exhaust a stack. */
const DEPTH_MAX = 64;

/** isNestedDeeper returns true when arrays and objects of `json` lie in one another more than `levels` deep. */
export function isNestedDeeper(json: string, levels: number): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (isInString) {
      if (character === "\\") at += 1;
      else if (character === '"') isInString = false;
    } else if (character === '"') isInString = true;
    else if (character === "[" || character === "{") depth += 1;
    else if (character === "]" || character === "}") depth -= 1;
    if (depth > levels) return true;
  }
  return false;
}

export function badRequest(detail: string, field: string): HttpProblem {
  return new HttpProblem({
    type: "urn:plumbline:bad-request",
    title: "Bad request",
    status: 400,
    detail,
    field,
  });
}

export function notFound(code: string, detail: string): HttpProblem {
  return new HttpProblem({ type: `urn:plumbline:${code}`, title: "Not found", status: 404, detail });
}

/** @throws HttpProblem 400 */
export function readUseCase(request: Request): string {
  const parsed = UseCase.safeParse(request.params["use_case"]);
  if (parsed.success) return parsed.data;
  throw badRequest(`The use case ${parsed.error.issues[0]?.message ?? "is malformed"}.`, "use_case");
}

/**
 * The full hash behind `sha256:<64 hex>`, `use-case@<12 hex>`, 12 or more hex digits, or `v15`. A full hash is taken
 * as it is, known or not.
 *
 * @throws HttpProblem 404 when nothing, or more than one version, fits
 */
export function resolveVersion(
  useCase: UseCaseState | undefined,
  useCaseName: string,
  reference: string,
): string {
  if (/^sha256:[0-9a-f]{64}$/.test(reference)) return reference;
  const versions = [...(useCase?.versions.values() ?? [])];
  const short = parseShortVersion(reference);
  const number = /^v([1-9]\d{0,8})$/.exec(reference)?.[1];
  const hex = short?.use_case === useCaseName ? short.hex : /^[0-9a-f]{12,64}$/.exec(reference)?.[0];
  const found = versions.filter((version) =>
    number === undefined
      ? hex !== undefined && version.prompt_version.startsWith(`sha256:${hex}`)
      : version.number === Number(number),
  );
  if (found.length === 1) return found[0]!.prompt_version;
  throw notFound(
    "version-unknown",
    found.length === 0
      ? `${useCaseName} has no version ${reference}. Name it by number (v3), short form or hash; GET /v1/use-cases/${useCaseName} lists them.`
      : `${reference} fits ${counted(found.length, "version")} of ${useCaseName}. Name it with more digits.`,
  );
}

export interface Expectation {
  readonly revision: number | null;
  /** It came as `If-Match`, so a failure is 412. */
  readonly isHeader: boolean;
}

/** @throws HttpProblem 400 when header and body disagree or the header is no revision */
export function readExpectation(request: Request, inBody: number | undefined): Expectation {
  const header = request.get("if-match");
  if (header === undefined) return { revision: inBody ?? null, isHeader: false };
  const digits = /^"?(\d{1,15})"?$/.exec(header.trim())?.[1];
  if (digits === undefined) throw badRequest('If-Match must be the revision, such as "7".', "if-match");
  const revision = Number(digits);
  if (inBody !== undefined && inBody !== revision) {
    throw badRequest(
      `If-Match says ${revision}, expected_revision says ${inBody}. Send one of them.`,
      "expected_revision",
    );
  }
  return { revision, isHeader: true };
}

/** @throws HttpProblem 400 */
export function readIdempotencyKey(request: Request): string | null {
  const key = request.get("idempotency-key");
  if (key === undefined) return null;
  if (/^[\x21-\x7e][\x20-\x7e]{0,254}$/.test(key)) return key;
  throw badRequest("Idempotency-Key must be 1 to 255 printable characters.", "idempotency-key");
}

/** Express parses the query at every look at it. */
const queries = new WeakMap<Request, Request["query"]>();

/** The last value of a query parameter; null when it is absent or empty. */
export function queryOf(request: Request, name: string): string | null {
  const query = queries.get(request) ?? request.query;
  queries.set(request, query);
  const value: unknown = query[name];
  const last: unknown = Array.isArray(value) ? value.at(-1) : value;
  return typeof last === "string" && last !== "" ? last : null;
}

export const ENV = /^[a-z][a-z0-9-]{0,31}$/;

/** @throws HttpProblem 400 */
export function envOf(request: Request): string {
  const env = queryOf(request, "env") ?? "production";
  if (ENV.test(env)) return env;
  throw badRequest("env must be lower-case letters, digits and dashes, such as production.", "env");
}

/** @throws HttpProblem 400 unless it is a number in [min, max] */
export function numberOf(
  request: Request,
  name: string,
  fallback: number,
  [min, max]: readonly [number, number],
): number {
  const text = queryOf(request, name);
  if (text === null) return fallback;
  const value = Number(text);
  if (Number.isFinite(value) && value >= min && value <= max) return value;
  throw badRequest(`${name} must be a number from ${min} to ${max}.`, name);
}
