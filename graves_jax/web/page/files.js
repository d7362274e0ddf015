// What can be saved: ink as SVG, PNG, G-code and JSON Lines.

import { pathData } from "./curves.js";
import { extentOf } from "./ink.js";

const PAPER = "#ffffff";
const PNG_WIDTH = 2_400;
const GCODE_WIDTH = 180;

export function save(name, type, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

const number = (value) => String(Math.round(value * 100) / 100);

/** One path for each stroke, each line of text a group. `placed` is what Sheet.placed gives; size in its unit. */
export function toSvg(placed, [width, height], colour, pen) {
  const scale = 1_000 / width;
  const lines = placed.map(({ text, strokes }) => {
    const paths = strokes.map((stroke) => `<path d="${pathData(stroke.map(([x, y]) => [x * scale, y * scale]))}"/>`);
    return `<g><title>${escaped(text)}</title>\n${paths.join("\n")}\n</g>`;
  });
  const size = [width, height].map((side) => number(side * scale));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size[0]}" height="${size[1]}" viewBox="0 0 ${size.join(" ")}" role="img">`,
    `<title>${escaped(placed.map(({ text }) => text).join(" / "))}</title>`,
    `<g fill="none" stroke="${colour}" stroke-width="${number(pen * scale)}" stroke-linecap="round" stroke-linejoin="round">`,
    ...lines,
    "</g>\n</svg>\n",
  ].join("\n");
}

export function toPng(placed, [width, height], colour, pen) {
  const scale = PNG_WIDTH / width;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [PNG_WIDTH, Math.ceil(height * scale)];
  const context = canvas.getContext("2d");
  context.fillStyle = PAPER;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.scale(scale, scale);
  Object.assign(context, { strokeStyle: colour, lineWidth: pen, lineCap: "round", lineJoin: "round" });
  for (const stroke of placed.flatMap(({ strokes }) => strokes)) context.stroke(new Path2D(pathData(stroke)));
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** For a pen plotter: millimetres, the origin in the lower left corner of the ink, the pen moved along Z. */
export function toGcode(placed) {
  const strokes = placed.flatMap((line) => line.strokes);
  const [left, , right, bottom] = extentOf(strokes);
  const scale = GCODE_WIDTH / Math.max(right - left, Number.MIN_VALUE);
  const at = ([x, y]) => `X${((x - left) * scale).toFixed(3)} Y${((bottom - y) * scale).toFixed(3)}`;
  const moves = strokes.flatMap(([first, ...others]) => [
    `G0 ${at(first)}`,
    "G1 Z0 F1000",
    ...others.map((point) => `G1 ${at(point)} F2000`),
    "G0 Z5",
  ]);
  return ["; graves_jax", "G21 ; millimetres", "G90 ; absolute", "G0 Z5 ; pen up", ...moves, "G0 X0 Y0", "M2", ""].join("\n");
}

/** A row of a .jsonl file; `more` are further fields of it. */
export function toRow(text, offsets, more = {}) {
  return `${JSON.stringify({ text, strokes: offsets.map((row) => row.map(shortest)), ...more })}\n`;
}

/** The number with the fewest digits that is the same in float32. */
function shortest(value) {
  const float = Math.fround(value);
  for (let digits = 1; ; digits++) {
    const short = Number(float.toPrecision(digits));
    if (Math.fround(short) === float) return short;
  }
}
