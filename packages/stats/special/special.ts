/**
 * Special functions and distribution tails, accurate where decisions are made: in the tails.
 *
 * Every upper tail is computed as an upper tail, never as 1 − cdf, so p-values of 1e−30 keep their
 * digits. Relative accuracy is about 1e−13 for the normal tail and 1e−11 elsewhere; the conformance
 * vectors hold the checked tolerances. Arguments outside a function's domain are a RangeError.
 *
 * @see Abramowitz & Stegun, Handbook of Mathematical Functions (1964), chapters 6, 7 and 26
 */

const LOG_SQRT_2PI = 0.9189385332046727;
const EPSILON = 1e-16;
const TINY = 1e-300;
const ITERATIONS_MAX = 200_000;

function requireThat(holds: boolean, message: string): void {
  if (!holds) throw new RangeError(message);
}

/** Remainder of Stirling's series, log Γ(x) − [(x − ½) log x − x + ½ log 2π], for x ≥ 10. */
function stirlingRemainder(x: number): number {
  const r = 1 / (x * x);
  return (
    (1 / 12 -
      r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - r * (691 / 360360 - r / 156)))))) /
    x
  );
}

/** log Γ(x) for x > 0. Absolute error about 1e−15 near the zeros at 1 and 2, relative elsewhere. */
export function logGamma(x: number): number {
  requireThat(x > 0, `logGamma: x = ${x}, needs x > 0`);
  if (x === Infinity) return Infinity;
  if (x === 1 || x === 2) return 0;
  let product = 1;
  let shifted = x;
  while (shifted < 10) {
    product *= shifted;
    shifted += 1;
  }
  return (
    (shifted - 0.5) * Math.log(shifted) -
    shifted +
    LOG_SQRT_2PI +
    stirlingRemainder(shifted) -
    Math.log(product)
  );
}

/** log B(a, b) for a, b > 0, without cancellation when both are large. */
export function logBeta(a: number, b: number): number {
  requireThat(a > 0 && b > 0, `logBeta: a = ${a}, b = ${b}, needs both > 0`);
  const small = Math.min(a, b);
  const large = Math.max(a, b);
  if (large < 10) return logGamma(small) + logGamma(large) - logGamma(small + large);
  const remainder = stirlingRemainder(large) - stirlingRemainder(small + large);
  if (small >= 10) {
    return (
      -0.5 * Math.log(large) +
      LOG_SQRT_2PI +
      stirlingRemainder(small) +
      remainder +
      (small - 0.5) * Math.log(small / (small + large)) -
      large * Math.log1p(small / large)
    );
  }
  return (
    logGamma(small) +
    small -
    small * Math.log(small + large) -
    (large - 0.5) * Math.log1p(small / large) +
    remainder
  );
}

/** log of the binomial coefficient C(n, k); −Infinity when k is outside 0..n. */
export function logChoose(n: number, k: number): number {
  requireThat(n >= 0, `logChoose: n = ${n}, needs n >= 0`);
  if (k < 0 || k > n) return -Infinity;
  if (k === 0 || k === n) return 0;
  return -Math.log(n + 1) - logBeta(k + 1, n - k + 1);
}

/** log(eᵃ + eᵇ) without overflow; −Infinity is the neutral element. */
export function logAddExp(a: number, b: number): number {
  const high = Math.max(a, b);
  if (high === -Infinity || high === Infinity) return high;
  return high + Math.log1p(Math.exp(Math.min(a, b) - high));
}

/** log Σ exp(vᵢ) over values of shape [k]; −Infinity for an empty list. */
export function logSumExp(values: ArrayLike<number>): number {
  let high = -Infinity;
  for (let i = 0; i < values.length; i++) high = Math.max(high, values[i]!);
  if (high === -Infinity || high === Infinity) return high;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i]! - high);
  return high + Math.log(sum);
}

/** Error function, (2/√π) ∫₀ˣ exp(−t²) dt. Odd, in (−1, 1). */
function erf(x: number): number {
  if (x < 0) return -erf(-x);
  if (x >= 2) return 1 - erfc(x);
  // The series with positive terms only: 2x/√π e^{−x²} Σ (2x²)ⁿ / (1·3·5···(2n+1)).
  let term = 1;
  let sum = 1;
  for (let n = 1; term > EPSILON * sum; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return ((2 * x) / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** Complementary error function 1 − erf(x), with full relative accuracy for large x. */
function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x < 2) return 1 - erf(x);
  if (x > 27.3) return 0;
  // Laplace's continued fraction, evaluated from a fixed depth that suffices for every x ≥ 2.
  let tail = x;
  for (let n = 70; n >= 1; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
}

/** Standard normal upper tail 1 − Φ(z). */
export function normalSf(z: number): number {
  return 0.5 * erfc(z * Math.SQRT1_2);
}

function ratio(r: number, numerator: readonly number[], denominator: readonly number[]): number {
  let top = 0;
  let bottom = 0;
  for (let i = numerator.length - 1; i >= 0; i--) {
    top = top * r + numerator[i]!;
    bottom = bottom * r + denominator[i]!;
  }
  return top / bottom;
}

const CENTRE = [
  [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987,
    67265.7709270087, 33430.57558358813, 2509.0809287301227,
  ],
  [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852854,
  ],
] as const;
const SHOULDER = [
  [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  ],
  [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-9,
  ],
] as const;
const FAR_TAIL = [
  [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
  ],
  [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133,
    1.8463183175100548e-5, 1.421511758316446e-7, 2.0442631033899397e-15,
  ],
] as const;

/**
 * Standard normal quantile Φ⁻¹(p), relative error about 1e−16 for p in (0, 1); ±Infinity at the ends.
 *
 * @see Wichura, Algorithm AS 241: the percentage points of the normal distribution,
 *   Applied Statistics 37 (1988)
 */
export function normalQuantile(p: number): number {
  requireThat(p >= 0 && p <= 1, `normalQuantile: p = ${p}, needs 0 <= p <= 1`);
  if (p === 0) return -Infinity;
  if (p === 1) return Infinity;
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * ratio(0.180625 - q * q, ...CENTRE);
  const r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p));
  const z = r <= 5 ? ratio(r - 1.6, ...SHOULDER) : ratio(r - 5, ...FAR_TAIL);
  return q < 0 ? -z : z;
}

/** log of xᵃ e⁻ˣ / Γ(a), arranged so that a ≈ x ≫ 1 does not cancel. */
function logGammaDensity(a: number, x: number): number {
  if (a < 10) return a * Math.log(x) - x - logGamma(a);
  const d = (x - a) / a;
  const deviance = Math.abs(d) < 0.5 ? Math.log1p(d) - d : Math.log(x / a) - d;
  return a * deviance + 0.5 * Math.log(a) - LOG_SQRT_2PI - stirlingRemainder(a);
}

function lowerGammaSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < ITERATIONS_MAX && term > EPSILON * sum; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return Math.exp(logGammaDensity(a, x)) * sum;
}

function upperGammaFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < ITERATIONS_MAX; i++) {
    const an = -i * (i - a);
    b += 2;
    d = an * d + b;
    if (Math.abs(d) < TINY) d = TINY;
    c = b + an / c;
    if (Math.abs(c) < TINY) c = TINY;
    d = 1 / d;
    const step = d * c;
    h *= step;
    if (Math.abs(step - 1) < 4 * EPSILON) break;
  }
  return Math.exp(logGammaDensity(a, x)) * h;
}

/** Regularised upper incomplete gamma Q(a, x) = Γ(a, x)/Γ(a); keeps its digits in the upper tail. */
function gammaUpperRegularised(a: number, x: number): number {
  requireThat(a > 0 && x >= 0, `gammaUpperRegularised: a = ${a}, x = ${x}, needs a > 0, x >= 0`);
  if (x === 0) return 1;
  if (x === Infinity) return 0;
  return x < a + 1 ? Math.max(0, 1 - lowerGammaSeries(a, x)) : upperGammaFraction(a, x);
}

/** Upper tail of the chi-square distribution with df > 0 degrees of freedom. */
export function chiSquareSf(x: number, df: number): number {
  requireThat(df > 0, `chiSquareSf: df = ${df}, needs df > 0`);
  return x <= 0 ? 1 : gammaUpperRegularised(df / 2, x / 2);
}

/**
 * Upper tail of the noncentral chi-square distribution: Σₖ Poisson(k; λ/2) · Q(df/2 + k, x/2).
 *
 * Summation covers the Poisson weights outward from their mode. Q rises with k by the positive terms
 * of its own recurrence, so nothing cancels, also far in the tail.
 *
 * @param noncentrality λ ≥ 0; 0 is the central distribution
 * @see Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 2 (1995), chapter 29
 */
export function noncentralChiSquareSf(x: number, df: number, noncentrality: number): number {
  requireThat(
    df > 0 && noncentrality >= 0,
    `noncentralChiSquareSf: df = ${df}, noncentrality = ${noncentrality}`,
  );
  if (x <= 0) return 1;
  if (noncentrality === 0) return chiSquareSf(x, df);
  const lambda = noncentrality / 2;
  const y = x / 2;
  const mode = Math.floor(lambda);

  // Q(k) grows with k, so weights far below the mode are negligible relative to the whole sum.
  let first = mode;
  let relative = 0;
  while (first > 0 && relative > -42) {
    relative += Math.log(first / lambda);
    first -= 1;
  }

  let logWeight = first * Math.log(lambda) - lambda - logGamma(first + 1);
  let a = df / 2 + first;
  let tail = gammaUpperRegularised(a, y);
  let logStep = logGammaDensity(a, y) - Math.log(a);
  let sum = 0;
  for (let k = first; k < first + ITERATIONS_MAX; k++) {
    const term = Math.exp(logWeight) * tail;
    sum += term;
    if (k > mode && logWeight < -745) break;
    if (k > mode && tail > 0 && term <= EPSILON * sum && logWeight < -36) break;
    tail = Math.min(1, tail + Math.exp(logStep));
    a += 1;
    logStep += Math.log(y / a);
    logWeight += Math.log(lambda / (k + 1));
  }
  return Math.min(1, sum);
}

/** log of xᵃ (1 − x)ᵇ / B(a, b), given y = 1 − x. */
function logBetaDensity(x: number, y: number, a: number, b: number): number {
  if (Math.min(a, b) < 10) return a * Math.log(x) + b * Math.log(y) - logBeta(a, b);
  const n = a + b;
  const dx = (x * n - a) / a;
  const dy = (y * n - b) / b;
  return (
    a * (Math.abs(dx) < 0.5 ? Math.log1p(dx) : Math.log((x * n) / a)) +
    b * (Math.abs(dy) < 0.5 ? Math.log1p(dy) : Math.log((y * n) / b)) +
    0.5 * Math.log((a / n) * b) -
    LOG_SQRT_2PI +
    stirlingRemainder(n) -
    stirlingRemainder(a) -
    stirlingRemainder(b)
  );
}

function betaFraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 - ((a + b) * x) / (a + 1);
  d = 1 / (Math.abs(d) < TINY ? TINY : d);
  let h = d;
  for (let m = 1; m < ITERATIONS_MAX; m++) {
    let coefficient = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 + coefficient * d;
    d = 1 / (Math.abs(d) < TINY ? TINY : d);
    c = 1 + coefficient / c;
    if (Math.abs(c) < TINY) c = TINY;
    h *= d * c;
    coefficient = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 + coefficient * d;
    d = 1 / (Math.abs(d) < TINY ? TINY : d);
    c = 1 + coefficient / c;
    if (Math.abs(c) < TINY) c = TINY;
    const step = d * c;
    h *= step;
    if (Math.abs(step - 1) < 4 * EPSILON) break;
  }
  return h;
}

function betaSplit(x: number, y: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  const density = Math.exp(logBetaDensity(x, y, a, b));
  if (x < (a + 1) / (a + b + 2)) return Math.min(1, (density * betaFraction(x, a, b)) / a);
  return Math.max(0, 1 - (density * betaFraction(y, b, a)) / b);
}

/** Quantile of Beta(a, b): the x with Iₓ(a, b) = p. Newton steps kept inside a shrinking bracket. */
export function betaQuantile(p: number, a: number, b: number): number {
  requireThat(a > 0 && b > 0 && p >= 0 && p <= 1, `betaQuantile: p = ${p}, a = ${a}, b = ${b}`);
  if (p === 0) return 0;
  if (p === 1) return 1;
  let low = 0;
  let high = 1;
  let x = a / (a + b);
  for (let i = 0; i < 500; i++) {
    const excess = betaSplit(x, 1 - x, a, b) - p;
    if (excess === 0) return x;
    if (excess > 0) high = x;
    else low = x;
    const slope = Math.exp(logBetaDensity(x, 1 - x, a, b)) / (x * (1 - x));
    let next = x - excess / slope;
    // Halving the exponent, not the value, reaches quantiles such as 1e−40 quickly.
    if (!(next > low && next < high)) next = low > 0 ? Math.sqrt(low * high) : high / 64;
    if (!(next > low && next < high)) return x;
    if (Math.abs(next - x) <= 4 * Number.EPSILON * x) return next;
    x = next;
  }
  return x;
}

/** P(X ≤ k) for X ~ Binomial(n, p). */
export function binomialCdf(k: number, n: number, p: number): number {
  requireThat(p >= 0 && p <= 1, `binomialCdf: p = ${p}, needs 0 <= p <= 1`);
  const whole = Math.floor(k);
  if (whole < 0) return 0;
  if (whole >= n) return 1;
  return betaSplit(1 - p, p, n - whole, whole + 1);
}
