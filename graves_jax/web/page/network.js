// Graves's synthesis network, one point at a time: recurrent layers stacked with skip connections, a window over the
// text, a mixture on top (2013, section 5). x_t feeds every hidden layer and every hidden layer feeds the output; w_t
// feeds the layers above the first at time t and the first at time t+1.
//
// A style vector z, where the weights have one, is constant along a line and enters layer n as a bias of that line:
// b_n + z W_n.

import { GRU } from "./gru.js";
import { LSTM } from "./lstm.js";
import { Matmul } from "./matmul.js";
import { attend, moveWindow } from "./window.js";

const CELLS = { lstm: LSTM, peephole_lstm: LSTM, gru: GRU };
const POINT = 3; // dx, dy, end_of_stroke

/** The network and the state of the line that it is writing. */
export class Network {
  /**
   * @param config as in NetworkConfig of Python, its names unchanged.
   * @param params arrays by the names of the weights file: {values, shape}.
   * @param kernel the compiled kernel.wat.
   */
  constructor(config, params, kernel) {
    this.config = config;
    this.cell = CELLS[config.cell];
    const { num_layers: numLayers, hidden_size: size, num_characters: codes, num_window: numWindow } = config;
    const gates = this.cell.numBlocks * size;
    const matrices = Object.values(params).filter(({ shape }) => shape.length === 2);
    const vectors = Object.values(params).filter(({ shape }) => shape.length === 1);
    const numbers = vectors.reduce((sum, { shape }) => sum + shape[0], 0);
    const state = numLayers * (POINT + codes + 2 * size) + 3 * gates + numWindow * 3 + 8 * config.num_components;
    const matmul = new Matmul(kernel, matrices.map(({ shape }) => shape), numbers + state);
    const matrix = (name) => matmul.matrix(params[name].values, params[name].shape);
    const vector = (name) => {
      const placed = matmul.vector(params[name].shape[0]);
      placed.values.set(params[name].values);
      return placed;
    };

    this.matmul = matmul;
    this.layers = Array.from({ length: numLayers }, (_, n) => ({
      input: matrix(`layers_${n}/input`),
      recurrent: matrix(`layers_${n}/recurrent`),
      bias: vector(`layers_${n}/bias`),
      own: ownParams(params, n, size),
      learned: { bias: params[`layers_${n}/bias`].values, style: params[`layers_${n}/style`]?.values },
      x: matmul.vector(POINT + codes + (n ? size : 0)), // (x_t, w_t, h_t of the layer below)
      states: Array.from({ length: this.cell.numStates - 1 }, () => new Float32Array(size)),
    }));
    this.anyStyle = params.any_style?.values;
    this.windowKernel = matrix("window/kernel");
    this.windowBias = vector("window/bias");
    this.outputKernel = matrix("output_kernel");
    this.outputBias = vector("output_bias");
    // h of all layers side by side: what the output sees, and each layer at the next point.
    this.hidden = matmul.vector(numLayers * size);
    this.h = this.layers.map((_, n) => ({
      address: this.hidden.address + 4 * n * size,
      values: this.hidden.values.subarray(n * size, (n + 1) * size),
    }));
    this.xPre = matmul.vector(gates);
    this.hPre = matmul.vector(gates);
    this.zeros = matmul.vector(gates);
    this.windowHat = matmul.vector(3 * numWindow);
    this.yHat = matmul.vector(1 + 6 * config.num_components);
    const [alpha, beta, kappa] = [0, 0, 0].map(() => new Float32Array(numWindow));
    this.window = { alpha, beta, kappa };
    this.w = new Float32Array(codes);
  }

  /** Before a line: zero state, the window before the first character, and the hand z; none is "any hand". */
  start(z = this.anyStyle) {
    const size = this.config.style_size ?? 0;
    if (z && z.length !== size) throw new Error(`Expected a style vector of ${size} numbers, found ${z.length}.`);
    this.hidden.values.fill(0);
    this.w.fill(0);
    this.window.kappa.fill(0);
    for (const { bias, learned, states } of this.layers) {
      states.forEach((state) => state.fill(0));
      if (!z) continue;
      for (let n = 0; n < learned.bias.length; n++) {
        let sum = learned.bias[n];
        for (let e = 0; e < size; e++) sum += z[e] * learned.style[e * learned.bias.length + n];
        bias.values[n] = sum;
      }
    }
  }

  /**
   * One point.
   *
   * @param point the point before, normalised units.
   * @param codes of the text.
   * @returns ŷ, the mixture's parameters; overwritten by the next step, as is `window`.
   */
  step(point, codes) {
    this.layers.forEach((layer, n) => {
      layer.x.values.set(point);
      layer.x.values.set(this.w, POINT);
      if (n) layer.x.values.set(this.h[n - 1].values, POINT + this.w.length);
      this.matmul.multiply(layer.x, layer.input, layer.bias, this.xPre);
      this.matmul.multiply(this.h[n], layer.recurrent, this.zeros, this.hPre);
      this.cell.forward(layer.own, this.xPre.values, this.hPre.values, this.h[n].values, layer.states);
      if (n === 0) {
        this.matmul.multiply(this.h[0], this.windowKernel, this.windowBias, this.windowHat);
        moveWindow(this.window, this.windowHat.values);
        attend(this.window, codes, this.w);
      }
    });
    this.matmul.multiply(this.hidden, this.outputKernel, this.outputBias, this.yHat);
    return this.yHat.values;
  }
}

/** What the cell of layer n itself owns: small vectors by name. An LSTM without peepholes is one whose are 0. */
function ownParams(params, n, size) {
  return {
    peephole: params[`layers_${n}/peephole`]?.values ?? new Float32Array(3 * size),
    candidate_bias: params[`layers_${n}/candidate_bias`]?.values,
  };
}
