/** A sparse vector: values at ascending, distinct indices; 0 everywhere else. */
interface SparseVector {
  /** shape [k], in [0, dimensions) */
  readonly indices: readonly number[];
  /** shape [k] */
  readonly values: readonly number[];
}

interface NgramOptions {
  /** Default 256; a power of two. */
  readonly dimensions?: number;
  /** Shortest and longest n-gram in code points; default 3 and 5. */
  readonly shortest?: number;
  readonly longest?: number;
}

const utf8 = new TextEncoder();

/**
 * Signed hashed character n-grams of a text: an embedding without a model.
 *
 * Lower-case, white space collapsed, one space on both sides, code-point 3–5-grams; each n-gram
 * adds +1 or −1 (top bit of its FNV-1a 32 hash over UTF-8) at index hash mod dimensions. L2 norm
 * 1, or the zero vector when nothing remains. The inner product of two texts estimates the cosine
 * of their n-gram counts.
 *
 * @throws RangeError when dimensions or the lengths are not positive whole numbers
 *
 * @see Weinberger et al., Feature hashing for large scale multitask learning, ICML 2009
 */
export function hashedNgrams(text: string, options: NgramOptions = {}): SparseVector {
  const { dimensions = 256 } = options;
  if (!(Number.isInteger(dimensions) && dimensions >= 1)) {
    throw new RangeError(`hashedNgrams: ${dimensions} dimensions`);
  }
  const sums = new Map<number, number>();
  for (const ngram of ngramsOf(text, options)) {
    const hash = fnv1a32(ngram);
    const index = hash % dimensions;
    sums.set(index, (sums.get(index) ?? 0) + (hash >>> 31 === 0 ? 1 : -1));
  }
  const entries = [...sums].filter(([, sum]) => sum !== 0).sort(([a], [b]) => a - b);
  const norm = Math.sqrt(entries.reduce((sum, [, value]) => sum + value * value, 0));
  return { indices: entries.map(([index]) => index), values: entries.map(([, value]) => value / norm) };
}

/**
 * The n-grams of a text in order, shorter lengths first, repeated ones as often as they occur.
 *
 * @throws RangeError when the lengths are not whole numbers with 1 <= shortest <= longest
 */
export function* ngramsOf(text: string, { shortest = 3, longest = 5 }: NgramOptions = {}): Generator<string> {
  if (!(Number.isInteger(shortest) && Number.isInteger(longest) && shortest >= 1 && longest >= shortest)) {
    throw new RangeError(`ngramsOf: lengths ${shortest} to ${longest}`);
  }
  const points = Array.from(` ${text.toLowerCase().trim().replace(/\s+/gu, " ")} `);
  for (let length = shortest; length <= longest; length++) {
    for (let start = 0; start + length <= points.length; start++) {
      yield points.slice(start, start + length).join("");
    }
  }
}

/**
 * FNV-1a hash of a string's UTF-8 bytes, 32 bits, in [0, 2³²). Not for security.
 *
 * @see Fowler, Noll, Vo & Eastlake, The FNV non-cryptographic hash algorithm
 */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of utf8.encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
