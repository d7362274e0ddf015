// Noticing that a line went wrong, from where the window looked and from the ink, so that it can be drawn again.
// The bounds are those of faults.py, where it is said how they were found.

import { extentOf, strokesOf } from "./ink.js";
import { doubts } from "./letters.js";

/**
 * Why a line is not worth keeping, or null.
 *
 * @param line {offsets, position}: raw ink, and the character that the window looked at most at each point.
 * @param finished whether the line ended by itself.
 */
export function findFault(line, text, finished, model) {
  const { offsets, position } = line;
  const { network, normalisation, faults } = model;
  const pointsPerCharacter = network.config.points_per_character;
  const length = [...text].length;
  if (!finished) return "it did not end by itself";
  if (longestDwelling(position, length, faults.neighbours) > faults.max_dwelling * pointsPerCharacter) {
    return "the window stood still";
  }
  if (longestJump(position) > faults.max_jump) return "the window jumped over characters";
  const [left, top, right, bottom] = extentOf(strokesOf(offsets));
  const usual = (characters) => characters * pointsPerCharacter * Math.abs(normalisation.mean[0]);
  const [low, high] = faults.width_range;
  const margin = faults.characters_more_or_less;
  if (right - left < low * usual(length - margin) || right - left > high * usual(length + margin)) {
    return "the ink is far too long or too short";
  }
  if (bottom - top < faults.min_height * normalisation.std[1] && /[\p{L}\p{N}]/u.test(text)) return "the ink is flat";
  const words = model.letters ? doubts(line, text, model) : [];
  const worst = words.indexOf(Math.max(...words));
  return words[worst] > faults.max_doubt ? `its word ${quoted(text.split(" ")[worst])} cannot be told` : null;
}

/** As Python quotes. */
const quoted = (word) => (word.includes("'") && !word.includes('"') ? `"${word}"` : `'${word}'`);

/** The most points that the window spent on so many neighbouring characters; those past the end do not count. */
function longestDwelling(position, length, neighbours) {
  const points = new Array(length).fill(0);
  for (const character of position) if (character < length) points[character]++;
  const from = (start) => points.slice(start, start + neighbours).reduce((sum, count) => sum + count, 0);
  return Math.max(...points.map((_, start) => from(start)));
}

/** The most characters that the window went forward from one point to the next, the start being before the text. */
const longestJump = (position) => Math.max(...position.map((character, t) => character - (t ? position[t - 1] : -1)));
