/**
 * A seeded pseudo-random source for permutations and simulations: the same seed gives the same
 * sequence on every machine. Not for secrets.
 *
 * The generator is sfc32 (128 bits of state, period at least 2³², passes PractRand to several
 * terabytes), seeded through splitmix32 so that neighbouring seeds give unrelated streams.
 *
 * @see Doty-Humphrey, PractRand (2014), generator "sfc32"
 */
export interface Random {
  /** Uniform on [0, 1) with 53 bits. */
  readonly uniform: () => number;
  /** Uniform on 0..bound − 1; bound in 1..2³². */
  readonly integer: (bound: number) => number;
  /** Standard normal. */
  readonly normal: () => number;
}

/** @param seed any finite number; its lowest 32 bits and its 32 next higher bits are used */
export function createRandom(seed: number): Random {
  if (!Number.isFinite(seed)) throw new RangeError(`createRandom: seed = ${seed}`);
  const whole = Math.trunc(seed);
  let mix = (whole >>> 0) ^ Math.imul(Math.floor(whole / 2 ** 32) | 0, 0x9e3779b1);
  const splitmix = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let t = mix ^ (mix >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t = t ^ (t >>> 15);
    t = Math.imul(t, 0x735a2d97);
    return t ^ (t >>> 15);
  };
  let a = splitmix();
  let b = splitmix();
  let c = splitmix();
  let d = 1;
  const bits = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) bits();

  const uniform = (): number => ((bits() >>> 5) * 67108864 + (bits() >>> 6)) / 9007199254740992;
  let spare: number | undefined;
  return {
    uniform,
    integer: (bound) => {
      if (!(Number.isInteger(bound) && bound >= 1 && bound <= 2 ** 32)) {
        throw new RangeError(`integer: bound = ${bound}, needs a whole number in 1..2^32`);
      }
      // Rejecting the incomplete last block keeps every value equally likely.
      const limit = 2 ** 32 - (2 ** 32 % bound);
      let value = bits();
      while (value >= limit) value = bits();
      return value % bound;
    },
    normal: () => {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return value;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      const angle = 2 * Math.PI * uniform();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
  };
}

/** A list or typed array that can be reordered in place. */
interface Reorderable<T> {
  readonly length: number;
  [index: number]: T;
}

/** Reorders `values` in place, every order equally likely (Fisher–Yates). Also for typed arrays. */
export function shuffle<T>(values: Reorderable<T>, random: Random): void {
  for (let i = values.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    const held = values[i]!;
    values[i] = values[j]!;
    values[j] = held;
  }
}
