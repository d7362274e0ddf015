// The mixture density output: M bivariate Gaussians for the pen's offset and a Bernoulli for its lift.
// Graves (2013), equations (17)-(26), (61) and (62). The lift is σ(ŷ_0), the other sign of the paper's ê.

import { gumbel, normal, split, uniform } from "./random.js";
import { sigmoid } from "./lstm.js";

/** All the chance of one pen point: it picks the component, the offset from its mean, and the lift. */
export function drawNoise(key, numComponents) {
  const [componentKey, offsetKey, endKey] = split(key, 3);
  return {
    gumbel: Float32Array.from({ length: numComponents }, (_, j) => gumbel(componentKey, j)),
    normal: [normal(offsetKey, 0), normal(offsetKey, 1)],
    uniform: uniform(endKey),
  };
}

/**
 * One pen point from the mixture.
 *
 *     π = softmax(π̂ (1 + b))    σ = exp(σ̂ - b) + floor    ρ = tanh ρ̂        (19)-(22), (61), (62)
 *
 * @param yHat (ê, π̂ [M], μ̂ [M, 2], σ̂ [M, 2], ρ̂ [M]) one after another.
 * @param bias b: 0 draws as the network learned, more is neater.
 * @returns [dx, dy, end_of_stroke], normalised units, float32.
 */
export function drawWithNoise(noise, yHat, bias, sigmaFloor) {
  const m = noise.gumbel.length;
  let j = 0;
  let best = -Infinity;
  for (let component = 0; component < m; component++) {
    const score = yHat[1 + component] * (1 + bias) + noise.gumbel[component];
    if (score > best) [best, j] = [score, component];
  }
  const [muX, muY] = [yHat[1 + m + 2 * j], yHat[2 + m + 2 * j]];
  const [sigmaX, sigmaY] = [1, 2].map((axis) => Math.exp(yHat[3 * m + 2 * j + axis] - bias) + sigmaFloor);
  const rhoHat = yHat[1 + 5 * m + j];
  const [first, second] = noise.normal;
  // The Cholesky factor of a correlation matrix: (1, 0), (ρ, √(1 - ρ²)), the root being 1 / cosh ρ̂.
  const correlated = Math.tanh(rhoHat) * first + second / Math.cosh(rhoHat);
  const lift = noise.uniform < sigmoid(yHat[0]) ? 1 : 0;
  return [Math.fround(muX + sigmaX * first), Math.fround(muY + sigmaY * correlated), lift];
}
