// A trained network with all that it takes to use it: model.json, and the parameters as safetensors.

import { Network } from "./network.js";

/**
 * The description with its network ready to write.
 *
 * @param description the content of model.json.
 * @param file the weights file, an ArrayBuffer.
 * @param kernel the bytes of kernel.wasm.
 * @throws Error with one sentence where the browser lacks something or a file is damaged.
 */
export async function loadWeights(description, file, kernel) {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(kernel)) {
    throw new Error("This browser has no WebAssembly with SIMD, which the page needs to write.");
  }
  await checkSum(file, description.weights.sha256);
  const tensors = readSafetensors(file);
  const arrays = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    if (name.endsWith("/scale")) continue;
    arrays[name] = { shape: tensor.shape, values: toFloat32(tensor, tensors[`${name}/scale`]) };
  }
  const styles = {};
  for (const { name, text } of description.styles) {
    const { values, shape } = arrays[`styles/${name}`];
    styles[name] = shape.length === 1 ? values : { text, offsets: rowsOf(values) };
    delete arrays[`styles/${name}`];
  }
  const letters = takeLetters(description.letters, arrays);
  const network = new Network(description.network, arrays, await WebAssembly.compile(kernel));
  return { ...description, network, styles, letters };
}

/** The reader of letters, where the weights have one; its arrays are none of the network's. */
function takeLetters(characters, arrays) {
  const take = (name) => {
    const { values } = arrays[`letters/${name}`];
    delete arrays[`letters/${name}`];
    return values;
  };
  if (!characters) return undefined;
  const reader = { characters: [...characters], mean: take("mean"), std: take("std"), layers: [] };
  for (let n = 0; `letters/kernel_${n}` in arrays; n++) {
    reader.layers.push({ kernel: take(`kernel_${n}`), bias: take(`bias_${n}`) });
  }
  return reader;
}

/** Browsers compute sums for secure origins only: https, localhost and files; elsewhere damage is not noticed here. */
async function checkSum(file, expected) {
  if (!globalThis.crypto?.subtle) return;
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", file));
  const found = Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== expected) throw new Error(`The weights are damaged: expected sha256 ${expected}, found ${found}.`);
}

/** Tensors of a safetensors file by name: {dtype, shape, data}, the data a copy of its bytes. */
function readSafetensors(file) {
  const headerLength = Number(new DataView(file).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, headerLength)));
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: range }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [start, end] = range.map((offset) => offset + 8 + headerLength);
    tensors[name] = { dtype, shape, data: file.slice(start, end) };
  }
  return tensors;
}

/** The numbers of a tensor; those of a quantised matrix are columns of whole numbers, each with a scale. */
function toFloat32({ dtype, data, shape }, scale) {
  if (dtype === "F32") return new Float32Array(data);
  if (dtype === "F16") return fromFloat16(new Uint16Array(data));
  const [whole, scales, values] = [new Int8Array(data), toFloat32(scale), new Float32Array(data.byteLength)];
  for (let n = 0; n < values.length; n++) values[n] = whole[n] * scales[n % shape.at(-1)];
  return values;
}

/** Exact, subnormal numbers included: the bits moved to their places in a float32 are short of 2^112 in the exponent. */
function fromFloat16(halves) {
  const words = new Uint32Array(halves.length);
  const floats = new Float32Array(words.buffer);
  for (let n = 0; n < halves.length; n++) {
    words[n] = ((halves[n] & 0x8000) << 16) | ((halves[n] & 0x7fff) << 13);
    floats[n] *= 2 ** 112;
  }
  return floats;
}

function rowsOf(values) {
  return Array.from({ length: values.length / 3 }, (_, n) => Array.from(values.subarray(3 * n, 3 * n + 3)));
}
