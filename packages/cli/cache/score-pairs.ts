/** From pairs of questions to pairs with a similarity, by the rules and vectors of the client's cache itself. */
import { pathToFileURL } from "node:url";
import { factsOf, isSameQuestion, unitVector } from "@plumbline/client/semantic";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import type { ScoredPair } from "./false-hit-curve.ts";
import type { QuestionPair } from "./read-pairs.ts";

type Embed = (text: string) => Promise<ArrayLike<number>>;

export interface LabelledPair extends QuestionPair {
  readonly isSame: boolean;
}

interface ScoredPairs {
  readonly scored: readonly ScoredPair[];
  /** Kept apart by numbers, names, dates, negations or words, and how many of them one answer would have served. */
  readonly ruled_out: number;
  readonly ruled_out_same: number;
  /** In a language or a writing without rules: never a hit. */
  readonly not_compared: number;
}

/** Texts that are embedded at the same time. */
const EMBED_AT_ONCE = 8;

/**
 * @param embed the application's; without one each line must bring a similarity or two embeddings
 * @throws CommandFailure for a line without either, or an `embed` that fails
 */
export async function scorePairs(pairs: readonly LabelledPair[], embed: Embed | null): Promise<ScoredPairs> {
  const scored: ScoredPair[] = [];
  const counts = { ruled_out: 0, ruled_out_same: 0, not_compared: 0 };
  const compared: LabelledPair[] = [];
  for (const pair of pairs) {
    const [a, b] = [factsOf(pair.a), factsOf(pair.b)];
    if (a === null || b === null) counts.not_compared++;
    else if (a.facts.join("\0") !== b.facts.join("\0") || !isSameQuestion(a.words, b.words)) {
      counts.ruled_out++;
      if (pair.isSame) counts.ruled_out_same++;
    } else compared.push(pair);
  }
  for (let i = 0; i < compared.length; i += EMBED_AT_ONCE) {
    const some = compared.slice(i, i + EMBED_AT_ONCE);
    const similarities = await Promise.all(some.map((pair) => similarityOf(pair, embed)));
    for (const [k, { isSame }] of some.entries()) scored.push({ similarity: similarities[k]!, isSame });
  }
  return { scored, ...counts };
}

async function similarityOf(pair: LabelledPair, embed: Embed | null): Promise<number> {
  const { line, a, b, similarity, embedding_a, embedding_b } = pair;
  try {
    if (embed !== null) return cosine(unitVector(await embed(a)), unitVector(await embed(b)));
    if (similarity !== undefined) return similarity;
    if (embedding_a !== undefined && embedding_b !== undefined)
      return cosine(unitVector(embedding_a), unitVector(embedding_b));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(EXIT.unavailable, "embed-failed", `line ${line} can't be embedded: ${why}`, {
      cause: error,
    });
  }
  throw new CommandFailure(EXIT.config, "no-similarity", `line ${line} has no similarity.`, {
    next: 'give --embed, or add "similarity", or "embedding_a" and "embedding_b", to every line',
  });
}

function cosine(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new RangeError(`vectors of ${a.length} and ${b.length} numbers`);
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

/** The function of a module that is its default export, or is called `embed`. */
export async function loadEmbed(path: string): Promise<Embed> {
  const fail = (why: string, cause?: unknown): CommandFailure =>
    new CommandFailure(EXIT.config, "embed-module", `--embed ${path}: ${why}.`, {
      cause,
      next: "export async function embed(text) that returns the vector of a text",
    });
  let module: { readonly default?: unknown; readonly embed?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as typeof module;
  } catch (error) {
    throw fail(error instanceof Error ? error.message : String(error), error);
  }
  const embed = module.embed ?? module.default;
  if (typeof embed !== "function") throw fail("it exports no function");
  return embed as Embed;
}
