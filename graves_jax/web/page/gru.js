// Gated recurrent unit (Cho et al. 2014), the reset gate after the recurrent product as in cuDNN.
//
//     r_t = σ(x_r + h_r)    z_t = σ(x_z + h_z)    n_t = tanh(x_n + r_t (h_n + b))
//     h_t = (1 - z_t) n_t + z_t h_{t-1}
//
// with the three blocks r, z, n of x_pre and h_pre side by side in this order.

import { sigmoid } from "./lstm.js";

/** One step in place. `h` holds the state of H cells. */
function forward({ candidate_bias: bias }, xPre, hPre, h) {
  const size = h.length;
  for (let n = 0; n < size; n++) {
    const r = sigmoid(xPre[n] + hPre[n]);
    const z = sigmoid(xPre[size + n] + hPre[size + n]);
    const candidate = Math.tanh(xPre[2 * size + n] + r * (hPre[2 * size + n] + bias[n]));
    h[n] = (1 - z) * candidate + z * h[n];
  }
}

export const GRU = { numBlocks: 3, numStates: 1, forward };
