// Texts in, ink out: a line that went wrong (faults.js) is drawn again, and of several the sharpest is kept.

import { encode, unknownCharacters } from "./alphabet.js";
import { findFault } from "./faults.js";
import { denormalise, mean, normalise } from "./ink.js";
import { foldIn } from "./random.js";
import { sample } from "./sampler.js";
import { prime } from "./style.js";

/**
 * Writes a text as one line.
 *
 * @param model as `loadWeights` gives it.
 * @param options.key the same text, key, bias and style give the same ink, here and in Python.
 * @param options.bias 0 writes as messily as people do, more is neater.
 * @param options.style a line in the hand to write in, {text, offsets}, or a style vector; or nothing.
 * @param options.bestOf how many drawings without a fault the line is chosen from.
 * @yields {drawing} when a drawing begins, the number of it; {offsets} for points that belong to the new text, raw;
 *   {} where there is nothing to see yet.
 * @returns {offsets, position, sharpness, attempts, fault}
 * @throws Error with one sentence where the text or a number cannot be used.
 */
export function* writeLine(model, text, { key, bias, style, bestOf = 1, maxAttempts = model.write.max_attempts }) {
  checkText(model, text);
  if (!(bias >= 0 && bias <= model.write.max_bias)) {
    throw new Error(`Expected a bias of 0 to ${model.write.max_bias}, found ${bias}.`);
  }
  const drawings = [];
  const isGood = ({ fault }) => fault === null;
  while (drawings.filter(isGood).length < bestOf && drawings.length < bestOf + maxAttempts - 1) {
    yield { drawing: drawings.length };
    drawings.push(yield* draw(model, text, foldIn(key, drawings.length), bias, style));
  }
  const good = drawings.some(isGood) ? drawings.filter(isGood) : drawings;
  const best = good.reduce((best, drawing) => (drawing.sharpness > best.sharpness ? drawing : best));
  return { ...best, attempts: drawings.length };
}

/** Throws where a text is empty, too long, or has characters outside the alphabet. */
export function checkText(model, text) {
  const length = [...text].length;
  const most = model.write.max_characters;
  if (length > most) throw new Error(`Expected a line of at most ${most} characters, found ${length}.`);
  if (!text.trim()) throw new Error("There is nothing to write: the text is empty.");
  const unknown = unknownCharacters(model.alphabet, text);
  if (unknown.length) throw new Error(`These weights have no letter for ${unknown.join(" ")}`);
}

function* draw(model, text, key, bias, style) {
  const { network } = model;
  const primes = style?.offsets !== undefined;
  const lead = primes ? [...style.text].length + 1 : 0;
  const codes = encode(model.alphabet, primes ? `${style.text} ${text}` : text);
  network.start(primes ? undefined : style);
  const start = primes ? yield* prime(network, codes, normalise(model.normalisation, style.offsets)) : undefined;
  // The style's own points are read, not drawn.
  const multiple = model.write.text_multiple;
  const budget = Math.ceil([...text].length / multiple) * multiple;
  const maxPoints = Math.floor(model.write.max_slowness * network.config.points_per_character * budget);

  const offsets = [];
  const position = [];
  const sharpness = [];
  let [shown, begin] = lead ? [null, null] : [0, 0];
  const inkOf = (from, to) => {
    const ink = denormalise(model.normalisation, offsets.slice(from, to));
    // The text begins with a dot, to which the pen has come through the air.
    if (lead && from === begin && (begin === 0 || offsets[begin - 1][2])) ink[0] = [0, 0, 1];
    return ink;
  };
  const points = sample(model, key, codes, { maxPoints, bias, start });
  let next = points.next();
  for (; !next.done; next = points.next()) {
    offsets.push(next.value.offset);
    position.push(next.value.position);
    sharpness.push(next.value.sharpness);
    if (shown === null) {
      const first = firstRow(model, offsets, position, lead);
      if (first.isKnown) [shown, begin] = [first.row, first.row];
    }
    const isSeen = shown !== null && shown < offsets.length;
    yield isSeen ? { offsets: inkOf(shown) } : {};
    if (isSeen) shown = offsets.length;
  }
  const finished = next.value;
  begin = lead ? Math.min(firstRow(model, offsets, position, lead).row, offsets.length - 1) : 0;
  const rows = [begin, Math.max(endRow(model, offsets, position, text, lead), begin + 1)];
  const line = {
    offsets: inkOf(...rows),
    position: position.slice(...rows).map((character) => Math.max(character - lead, 0)),
    sharpness: mean(sharpness.slice(...rows)),
  };
  line.offsets.at(-1)[2] = 1;
  return { ...line, fault: findFault(line, text, finished, model) };
}

/**
 * Where the ink of the new text begins: behind what still belongs to the style, and the way through the air. The pen may
 * go back to dot an i of the style: a stroke that begins by going back, and ends before the window has come to the new
 * text. While the line is drawn, `isKnown` says whether this is certain yet.
 */
function firstRow({ sampler }, offsets, position, lead) {
  let first = 0;
  const rowAfter = (row) => (offsets[row][2] ? row : row + 1); // a dot has no other row
  for (let t = 0; t < offsets.length; t++) {
    const [, , lift] = offsets[t];
    const isKnown = offsets[first][0] >= sampler.back || (lift && position[t] >= lead);
    if (isKnown) return { row: rowAfter(first), isKnown };
    if (lift) first = t + 1;
  }
  return { row: rowAfter(Math.min(first, offsets.length - 1)), isKnown: false };
}

/**
 * Where the ink of the text ends: where the network says so, or before a letter that is begun behind a full stop, comma
 * or hyphen. These take so few
 * points that the next stroke has begun when the window leaves the text. It is none of theirs if it goes to the right
 * and stands taller than they do.
 */
function endRow({ write, sampler, network }, offsets, position, text, lead) {
  const leftAt = position.indexOf(lead + [...text].length);
  if (network.config.ends_text || !write.low_marks.includes(text.at(-1)) || leftAt < 0) return offsets.length;
  const starts = offsets.flatMap(([, , end], t) => (end && t < offsets.length - 1 ? [t + 1] : []));
  for (const [n, start] of starts.entries()) {
    const end = starts[n + 1] ?? offsets.length;
    let [y, top, bottom] = [0, Infinity, -Infinity];
    for (const [, dy] of offsets.slice(start, end)) {
      y += dy;
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    }
    const begins = leftAt - start >= 0 && leftAt - start <= 2 && offsets[start][0] >= sampler.back;
    if (begins && bottom - top > write.tallest_low_mark) return start;
  }
  return offsets.length;
}
