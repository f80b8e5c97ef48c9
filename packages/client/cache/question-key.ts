import { canonicalJson, sha256 } from "../render/canonical-json.ts";
import type { CacheQuestion } from "./answer-cache.ts";

/**
 * Everything that the answer depends on, in one spelling.
 *
 * @throws RangeError or TypeError for a question without a JSON form
 */
export function questionJson({ useCase, promptHash, model, config, vars, vary }: CacheQuestion): string {
  return plainJson([useCase, promptHash, model, config, vars, vary]);
}

/** 64 hex digits of a question's, or a bucket's, JSON. */
export async function jsonKey(json: string): Promise<string> {
  const digest = new Uint8Array(await sha256(json));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @throws RangeError or TypeError for what JSON cannot hold */
export function plainJson(value: unknown): string {
  assertPlain(value);
  return canonicalJson(value);
}

/** A date, a map or any other object of a class is `{}` in JSON: two of them would be one question. */
function assertPlain(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== null && Object.getPrototypeOf(prototype) !== null)
    throw new RangeError("an object of a class has no JSON form");
  for (const each of Object.values(value)) assertPlain(each);
}
