// Long short-term memory, with and without diagonal peepholes: Graves (2013), equations (7)-(11).
//
//     i_t = σ(a_i + p_i c_{t-1})    f_t = σ(a_f + p_f c_{t-1})    g_t = tanh(a_g)
//     c_t = f_t c_{t-1} + i_t g_t   o_t = σ(a_o + p_o c_t)        h_t = o_t tanh(c_t)
//
// with the four pre-activations a = x_pre + h_pre side by side in this order.

export const sigmoid = (a) => 1 / (1 + Math.exp(-a));

/** One step in place. `h` and `c` hold the state of H cells; `peephole` is [3, H], zeros where there is none. */
function forward({ peephole }, xPre, hPre, h, [c]) {
  const size = h.length;
  for (let n = 0; n < size; n++) {
    const [iAt, fAt, gAt, oAt] = [n, size + n, 2 * size + n, 3 * size + n];
    const i = sigmoid(xPre[iAt] + hPre[iAt] + peephole[n] * c[n]);
    const f = sigmoid(xPre[fAt] + hPre[fAt] + peephole[size + n] * c[n]);
    c[n] = f * c[n] + i * Math.tanh(xPre[gAt] + hPre[gAt]);
    const o = sigmoid(xPre[oAt] + hPre[oAt] + peephole[2 * size + n] * c[n]);
    h[n] = o * Math.tanh(c[n]);
  }
}

export const LSTM = { numBlocks: 4, numStates: 2, forward };
