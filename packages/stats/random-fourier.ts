import type { Points } from "./mmd.ts";
import { createRandom } from "./random.ts";

/**
 * Frequencies of random Fourier features for a Gaussian kernel: omega ~ N(0, sigma⁻² I).
 *
 * @param options sigma > 0, the kernel width; dimensions d of the points; frequencies D
 *   (default 256); seed, which fixes the result
 * @returns shape [D, d]
 * @throws RangeError when a size or sigma is not positive
 */
export function drawFrequencies({
  sigma,
  dimensions,
  frequencies = 256,
  seed,
}: {
  readonly sigma: number;
  readonly dimensions: number;
  readonly frequencies?: number;
  readonly seed: number;
}): number[][] {
  if (!(sigma > 0)) throw new RangeError(`drawFrequencies: sigma ${sigma}`);
  if (!(dimensions >= 1 && frequencies >= 1))
    throw new RangeError(`drawFrequencies: ${frequencies} × ${dimensions}`);
  const random = createRandom(seed);
  return Array.from({ length: frequencies }, () =>
    Array.from({ length: dimensions }, () => random.normal() / sigma),
  );
}

/**
 * Biased squared maximum mean discrepancy by random Fourier features, in O((n + m) D d).
 *
 * phi(x) = [cos(wⱼ·x), sin(wⱼ·x)]_{j=1..D} / sqrt(D);  MMD² ≈ |mean phi(x) − mean phi(y)|².
 * The error against the exact biased form is of order 1/sqrt(D). At least 0.
 *
 * @param x shape [n, d], n >= 1
 * @param y shape [m, d], m >= 1
 * @param frequencies shape [D, d], from `drawFrequencies`
 * @throws RangeError when a sample is empty or dimensions differ
 *
 * @see Rahimi & Recht, Random features for large-scale kernel machines, NIPS 2007
 */
export function mmdRandomFourier(x: Points, y: Points, frequencies: Points): number {
  const left = meanFeatures(x, frequencies);
  const right = meanFeatures(y, frequencies);
  let sum = 0;
  for (let k = 0; k < left.length; k++) sum += (left[k]! - right[k]!) ** 2;
  return sum;
}

function meanFeatures(points: Points, frequencies: Points): Float64Array {
  if (points.length === 0 || frequencies.length === 0)
    throw new RangeError("mmdRandomFourier: a sample is empty");
  const means = new Float64Array(2 * frequencies.length);
  const scale = 1 / (points.length * Math.sqrt(frequencies.length));
  for (const point of points) {
    for (let j = 0; j < frequencies.length; j++) {
      const frequency = frequencies[j]!;
      if (frequency.length !== point.length) {
        throw new RangeError(
          `mmdRandomFourier: a point of ${point.length} dimensions, not ${frequency.length}`,
        );
      }
      let phase = 0;
      for (let k = 0; k < point.length; k++) phase += frequency[k]! * point[k]!;
      means[2 * j]! += scale * Math.cos(phase);
      means[2 * j + 1]! += scale * Math.sin(phase);
    }
  }
  return means;
}
