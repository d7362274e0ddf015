// The random numbers of jax.random: threefry2x32 (Salmon et al. 2011), in its partitionable form.
//
// A key is a pair of 32-bit words, as in jax.random.key_data. Bits and uniform numbers are JAX's to the bit; normal and
// Gumbel ones lie within some units of the last place, since the two compute logarithms each in their own way.

const { fround } = Math;
const ROTATIONS = [[13, 15, 26, 6], [17, 29, 16, 24]];
const TINY = 2 ** -126; // the least normal float32

/** The 2 x 32 bit block cipher: five groups of four rounds over the counter (x0, x1). */
export function threefry([k0, k1], x0, x1) {
  const words = [k0 | 0, k1 | 0, (k0 ^ k1 ^ 0x1bd11bda) | 0];
  x0 = (x0 + words[0]) | 0;
  x1 = (x1 + words[1]) | 0;
  for (let group = 0; group < 5; group++) {
    for (const rotation of ROTATIONS[group & 1]) {
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << rotation) | (x1 >>> (32 - rotation))) ^ x0;
    }
    x0 = (x0 + words[(group + 1) % 3]) | 0;
    x1 = (x1 + words[(group + 2) % 3] + group + 1) | 0;
  }
  return [x0 >>> 0, x1 >>> 0];
}

/** jax.random.key for seeds below 2^32. */
export const key = (seed) => [0, seed >>> 0];

export const foldIn = (key, data) => threefry(key, 0, data >>> 0);

export const split = (key, number) => Array.from({ length: number }, (_, i) => threefry(key, 0, i));

/** Element i of random bits of any shape, counted row by row. */
function bits(key, i) {
  const [a, b] = threefry(key, 0, i);
  return (a ^ b) >>> 0;
}

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** Element i of jax.random.uniform: 23 random bits as the mantissa of a number from 1 to 2, less 1. */
export function uniform(key, i = 0, low = 0, high = 1) {
  word[0] = (bits(key, i) >>> 9) | 0x3f800000;
  return Math.max(low, fround(fround(fround(float[0] - 1) * fround(high - low)) + low));
}

/** Element i of jax.random.gumbel: -log(-log u). */
export const gumbel = (key, i) => fround(-Math.log(fround(-Math.log(uniform(key, i, TINY)))));

// Giles (2012), "Approximating the erfinv function": for w below 5, and for the tails.
const CENTRE = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164,
  0.246640727, 1.50140941,
];
const TAIL = [
  -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
  1.00167406, 2.83297682,
];

function erfInv(x) {
  const w = fround(-Math.log1p(fround(-fround(x * x))));
  const [coefficients, at] = w < 5 ? [CENTRE, fround(w - 2.5)] : [TAIL, fround(fround(Math.sqrt(w)) - 3)];
  return fround(x * coefficients.reduce((sum, coefficient) => fround(fround(coefficient) + fround(sum * at)), 0));
}

/** Element i of jax.random.normal: √2 erf⁻¹(u), u uniform from just above -1 to 1. */
export const normal = (key, i) => fround(fround(Math.SQRT2) * erfInv(uniform(key, i, fround(-1 + 2 ** -24))));
