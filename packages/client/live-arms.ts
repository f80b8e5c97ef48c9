import { contentHash } from "./render/canonical-json.ts";
import { isObject, isPromptDocument, type PromptDocument } from "./render/prompt-document.ts";
import { createRender, type RenderMessages } from "./render/render-messages.ts";

/** One of the versions that are live at the same time, verified. */
export interface Arm {
  /** `sha256:` and 64 hex digits: the hash of `document`. */
  readonly prompt_version: string;
  readonly number: number;
  /** Share of conversations. */
  readonly weight: number;
  /** Frozen to any depth. */
  readonly document: PromptDocument;
  readonly render: RenderMessages;
}

/** The canary first. */
export type Arms = readonly [Arm, ...Arm[]];

type ReadArms =
  | { readonly kind: "live"; readonly revision: number; readonly arms: Arms }
  /** There is nothing live. */
  | { readonly kind: "missing" }
  | { readonly kind: "rejected"; readonly reason: "hash_mismatch" | "invalid" };

/** Most versions of one use case at a time; a canary and its incumbent are two. */
const ARMS_MAX = 16;

/**
 * Reads one use case of a live answer, of a bundle or of a state file. One bad arm rejects all of them: half of a
 * rollout would send its share of conversations to the wrong version.
 *
 * @param known arms that were verified before; they are not hashed again
 */
export async function readArms(
  useCase: string,
  value: unknown,
  known: readonly Arm[] = [],
): Promise<ReadArms> {
  if (value === undefined) return { kind: "missing" };
  const invalid: ReadArms = { kind: "rejected", reason: "invalid" };
  if (!isObject(value) || !Array.isArray(value["live"]) || value["live"].length > ARMS_MAX) return invalid;
  const { revision = 0 } = value;
  if (typeof revision !== "number") return invalid;
  const arms: Arm[] = [];
  for (const each of value["live"] as readonly unknown[]) {
    if (!isObject(each)) return invalid;
    const { prompt_version, number, weight, document } = each;
    if (typeof prompt_version !== "string" || !Number.isInteger(number)) return invalid;
    if (typeof weight !== "number" || !(weight >= 0 && weight <= 1)) return invalid;
    const same = known.find((arm) => arm.prompt_version === prompt_version);
    if (same !== undefined) {
      arms.push({ ...same, number: number as number, weight });
      continue;
    }
    if (!isPromptDocument(document) || document.use_case !== useCase) return invalid;
    try {
      if ((await contentHash(document)) !== prompt_version)
        return { kind: "rejected", reason: "hash_mismatch" };
      const render = createRender(document);
      arms.push({ prompt_version, number: number as number, weight, document: frozen(document), render });
    } catch {
      // A template or a value that no push lets through.
      return invalid;
    }
  }
  const [first, ...others] = arms;
  return first === undefined ? { kind: "missing" } : { kind: "live", revision, arms: [first, ...others] };
}

/** Handed out objects are shared: nobody may change them for the next call. */
function frozen<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null) {
    for (const member of Object.values(value)) frozen(member);
    Object.freeze(value);
  }
  return value;
}
