// Recorded lines: kept in the browser, and as rows of a .jsonl file. A line is {text, device, strokes}, each stroke a
// list of points [x, y, t]: CSS pixels, y downwards, and milliseconds since the pen first touched.

import { toRow } from "./files.js";
import { offsetsOf } from "./ink.js";

const PREFIX = "graves_jax/line/";

/** Keeps a line, or forgets it where it has no strokes. @throws where the browser keeps nothing. */
export function keep(line) {
  if (line.strokes.length) localStorage.setItem(PREFIX + line.text, JSON.stringify(line));
  else localStorage.removeItem(PREFIX + line.text);
}

/** All lines that were kept, by their texts. */
export function kept() {
  const lines = new Map();
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith(PREFIX)) continue;
    try {
      const line = JSON.parse(localStorage.getItem(key));
      if (line.strokes.length) lines.set(line.text, line);
    } catch {
      localStorage.removeItem(key); // not what `keep` wrote
    }
  }
  return lines;
}

/** A line as people's ink is read: offsets, and the milliseconds of all points, the first one included. */
export function toInk({ text, device, strokes }) {
  const offsets = offsetsOf(strokes).map(([dx, dy, end]) => [round(dx), round(dy), end]);
  return { text, strokes: offsets, times: strokes.flat().map(([, , t]) => t), unit: "css px", device };
}

/** The .jsonl file of lines. */
export const toFile = (lines) =>
  lines.map((line) => toInk(line)).map(({ text, strokes, ...more }) => toRow(text, strokes, more)).join("");

const round = (value) => Math.round(value * 100) / 100;
