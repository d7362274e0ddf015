// SHA-256 (FIPS 180-4). Browsers have their own, several times as fast, for pages from a secure origin only: one that a
// phone opens from a computer on the local network has none.

/** In hexadecimal, of a Uint8Array. */
export async function sha256(bytes) {
  const subtle = globalThis.crypto?.subtle;
  return hexadecimal(subtle ? new Uint8Array(await subtle.digest("SHA-256", bytes)) : digest(bytes));
}

const hexadecimal = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The first 32 bits of the fractional parts of the roots of the first primes. */
function rootsOfPrimes(count, root) {
  const words = [];
  for (let candidate = 2; words.length < count; candidate++) {
    let isPrime = true;
    for (let divisor = 2; divisor * divisor <= candidate; divisor++) isPrime &&= candidate % divisor !== 0;
    if (isPrime) words.push(((candidate ** (1 / root)) % 1) * 2 ** 32);
  }
  return Int32Array.from(words, (word) => Math.floor(word) | 0);
}

function digest(bytes) {
  const constants = rootsOfPrimes(64, 3);
  const state = rootsOfPrimes(8, 2);
  const blocks = Math.ceil((bytes.length + 9) / 64);
  const tail = new Uint8Array(64 * blocks - 64 * Math.floor(bytes.length / 64));
  tail.set(bytes.subarray(bytes.length - (bytes.length % 64)));
  tail[bytes.length % 64] = 0x80;
  const tailView = new DataView(tail.buffer);
  tailView.setUint32(tail.length - 8, Math.floor(bytes.length / 2 ** 29));
  tailView.setUint32(tail.length - 4, bytes.length << 3);
  const bodyView = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const w = new Int32Array(64);
  for (let block = 0; block < blocks; block++) {
    const inTail = 64 * block - 64 * Math.floor(bytes.length / 64);
    for (let t = 0; t < 16; t++) {
      w[t] = inTail < 0 ? bodyView.getInt32(64 * block + 4 * t) : tailView.getInt32(inTail + 4 * t);
    }
    compress(state, w, constants);
  }
  const result = new DataView(new ArrayBuffer(32));
  state.forEach((word, n) => result.setInt32(4 * n, word));
  return new Uint8Array(result.buffer);
}

function compress(state, w, constants) {
  for (let t = 16; t < 64; t++) {
    const [x, y] = [w[t - 15], w[t - 2]];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let t = 0; t < 64; t++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + constants[t] + w[t]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, n) => (state[n] += word));
}
