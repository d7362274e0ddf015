// What can be saved: ink as SVG, PNG, G-code and JSON Lines.

import { extentOf } from "./ink.js";

const PNG_WIDTH = 2_400;
const GCODE_WIDTH = 180;

export function save(name, type, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The sheet as it is seen: one path for each stroke, each line of text a group with its text as the title. */
export function toSvg(sheet, width = 1_000) {
  const svg = sheet.cloneNode(true);
  const { width: across, height: down } = sheet.viewBox.baseVal;
  const size = { width, height: Math.ceil((width * down) / across), fill: "none" };
  for (const [name, value] of Object.entries(size)) svg.setAttribute(name, value);
  for (const name of ["linecap", "linejoin"]) svg.setAttribute(`stroke-${name}`, "round");
  svg.removeAttribute("id");
  svg.querySelector("circle").remove();
  return new XMLSerializer().serializeToString(svg);
}

export async function toPng(sheet) {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([toSvg(sheet, PNG_WIDTH)], { type: "image/svg+xml" }));
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0);
  URL.revokeObjectURL(image.src);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** For a pen plotter: millimetres, the origin in the lower left corner of the ink, the pen moved along Z. */
export function toGcode(strokes) {
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
