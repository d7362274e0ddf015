// Hands to write in: named ones, new ones, those between two, and a person's own, brought to the scale of the weights.

import { mean, offsetsOf, strokesOf } from "./ink.js";
import { dropStandingPoints, scaled, straighten, thin } from "./line_geometry.js";
import { key, normal } from "./random.js";
import { checkText } from "./write.js";

/**
 * What `writeLine` takes for a hand.
 *
 * @param style nothing: the hand that the seed draws, where the weights have style vectors; "any": no hand in particular;
 *   the name of one that the weights have; {number}, a new one; {between: [style, style], share}; ink as a row of a .jsonl
 *   file {text, strokes}; a line that these weights wrote {text, offsets}; or a style vector.
 */
export function handOf(model, style, seed) {
  const { style_size: size = 0 } = model.network.config;
  if (style === "any" || (!style && !size)) return undefined;
  if (!style) return drawStyle(seed, size);
  if (typeof style === "string") {
    if (Object.hasOwn(model.styles, style)) return model.styles[style];
    const names = Object.keys(model.styles).join(", ");
    throw new Error(`Expected a hand of one of the names ${names || "(there are none)"}, found ${style}.`);
  }
  if (style.strokes) return toScale(model, style);
  if (style.between) {
    const [from, to] = style.between.map((end) => handOf(model, end, seed));
    return Array.from(from, (value, e) => value + style.share * (to[e] - value));
  }
  return style.number === undefined ? style : drawStyle(style.number, size);
}

/** The style vector of hand `number`: a hand that nobody has, drawn from N(0, 1). */
const drawStyle = (number, size) => Array.from({ length: size }, (_, e) => normal(key(number), e));

/**
 * A line of own ink at the size, and about the points per character, of the lines that the weights were trained on: what
 * `to_scale` of styles.py makes of it. (Of a file in which times are noted, Python makes more.)
 *
 * @param ink {text, strokes}: a row of a .jsonl file, strokes being its offsets.
 * @returns {text, offsets}
 * @throws Error with one sentence where it cannot be a style of these weights.
 */
export function toScale(model, { text, strokes: rows }) {
  checkText(model, text);
  const raw = rows.map(([dx, dy, end]) => [Math.fround(dx), Math.fround(dy), end]);
  const perCharacter = raw.length / ([...text].length * model.network.config.points_per_character);
  const every = Math.max(1, roundHalfToEven(perCharacter));
  let strokes = strokesOf(raw);
  if (model.protocol === "writer") {
    strokes = straighten(strokes).map((stroke) => thin(dropStandingPoints(stroke), every));
  } else {
    strokes = strokes.map((stroke) => thin(stroke, every));
    const offsets = offsetsOf(strokes);
    const spread = deviation(offsets, 0) * deviation(offsets, 1);
    if (!spread) throw new Error("Expected a style whose ink moves along both axes, found one that does not.");
    strokes = scaled(strokes, Math.sqrt((model.normalisation.std[0] * model.normalisation.std[1]) / spread));
  }
  const offsets = offsetsOf(strokes).map(([dx, dy, end]) => [Math.fround(dx), Math.fround(dy), end]);
  const most = model.write.max_style_points;
  if (offsets.length > most) throw new Error(`Expected a style of at most ${most} points, found ${offsets.length}.`);
  // The pen is up when the new text begins.
  offsets.at(-1)[2] = 1;
  return { text, offsets };
}

function roundHalfToEven(value) {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}

function deviation(offsets, axis) {
  const values = offsets.map((row) => row[axis]);
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}
