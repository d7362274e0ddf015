// The network at work, beside the page so that the page never waits: loads, writes line after line, stops.
//
// In:  {type: "load", description, weights, kernel}, then any number of
//      {type: "write", id, text, bias, seed, row, style, bestOf}    a line; `row` is its number in the text
//      {type: "stop"}                                               ends the line at work and those that wait
// Out: {type: "ready"}, or {type: "broken", message}
//      {type: "drawing", id, number}, {type: "points", id, offsets}, and in the end one of
//      {type: "written", id, line}, {type: "stopped", id}, {type: "refused", id, message}

import { foldIn, key } from "./random.js";
import { handOf } from "./styles.js";
import { loadWeights } from "./weights.js";
import { writeLine } from "./write.js";

// Points are handed over, and a stop is heard, this often.
const SLICE_MS = 8;

let model;
let stops = 0;
let work = Promise.resolve();

/** A turn of the event loop, which lets messages in. */
const breathe = () =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });

async function load({ description, weights, kernel }) {
  try {
    model = await loadWeights(description, weights, kernel);
    postMessage({ type: "ready" });
  } catch (error) {
    postMessage({ type: "broken", message: error.message });
  }
}

async function write({ id, text, bias, seed, row, style, bestOf }, stopsBefore) {
  const isStopped = () => stops !== stopsBefore;
  let offsets = [];
  let hasBegun = false;
  const handOver = () => {
    if (offsets.length) postMessage({ type: "points", id, offsets });
    offsets = [];
  };
  try {
    const options = { key: foldIn(key(seed), row), bias, style: handOf(model, style, seed), bestOf };
    const writing = writeLine(model, text, options);
    let sliceEnds = 0;
    let next = isStopped() ? { done: true } : writing.next();
    for (; !next.done; next = writing.next()) {
      if ("drawing" in next.value) {
        handOver();
        postMessage({ type: "drawing", id, number: next.value.drawing });
      }
      if (next.value.offsets) offsets.push(...next.value.offsets);
      if (performance.now() < sliceEnds) continue;
      // The first point is seen at once.
      hasBegun ||= offsets.length > 0;
      handOver();
      await breathe();
      if (isStopped()) break;
      sliceEnds = hasBegun ? performance.now() + SLICE_MS : 0;
    }
    handOver();
    postMessage(next.value && next.done ? { type: "written", id, line: next.value } : { type: "stopped", id });
  } catch (error) {
    postMessage({ type: "refused", id, message: error.message });
  }
}

onmessage = ({ data }) => {
  if (data.type === "stop") stops++;
  const stopsBefore = stops;
  if (data.type === "load") work = load(data);
  if (data.type === "write") work = work.then(() => write(data, stopsBefore));
};
