// How well the letters of a written line can be told: a small network that is given, for each character of the text, the
// ink over which the window looked at it, and says how probable each character is. letters.py says what it learned from.

import { median, strokesOf, sum } from "./ink.js";
import { baselineSlope } from "./line_geometry.js";

const SMALL = "acemnorsuvwxz"; // as high as an x
const STANDING = `${SMALL}bdhiklt0123456789ABCDEFGHIKLMNOPRSTUVWXYZ`; // on the baseline
const [FEWEST_POINTS, ENOUGH_LETTERS] = [3, 6];
// A letter is seen at so many points, from so many before the window came to it until so many after it left, and at most
// so many in all; its distances in x-heights count up to so many.
const [POINTS, AROUND, LONGEST, FAR] = [16, 2, 60, 4];
const WHOLE_HEIGHT = 2.5;
const UNSEEN_NATS = 6;

/** How doubtful each word is: the nats of its letters by the root of how many they are. */
export function doubts({ offsets, position }, text, { letters: reader, network }) {
  const characters = [...text];
  const seen = features(characters, offsets, position, network.config.points_per_character);
  const nats = characters.map((character, place) => {
    const code = reader.characters.indexOf(character);
    if (character === " " || code < 0) return 0;
    return seen[place] ? -logProbabilities(reader, seen[place])[code] : UNSEEN_NATS;
  });
  let start = 0;
  return text.split(" ").map((word) => {
    const length = [...word].length;
    const total = sum(nats.slice(start, start + length));
    start += length + 1;
    return total / Math.sqrt(Math.max(length, 1));
  });
}

/** What the reader is shown of each character; undefined where the window passed over it. */
function features(characters, offsets, position, pointsPerCharacter) {
  const raw = strokesOf(offsets);
  const slope = baselineSlope(raw);
  const points = raw.flat().map(([x, y]) => [x, y - slope * x]);
  // A row's character is that of the point where it ends; the first point has no row.
  const places = points.length === position.length ? position : [position[0], ...position];
  const own = characters.map((_, place) => [...places.keys()].filter((n) => places[n] === place));
  const heights = (kind, edge) =>
    own.flatMap((indices, place) =>
      indices.length >= FEWEST_POINTS && kind.includes(characters[place])
        ? [edge(...indices.map((n) => points[n][1]))]
        : [],
    );
  const all = points.map(([, y]) => y);
  const [bottoms, tops] = [heights(STANDING, Math.max), heights(SMALL, Math.min)];
  const baseline = bottoms.length ? median(bottoms) : Math.max(...all);
  const xHeight = tops.length >= ENOUGH_LETTERS ? baseline - median(tops) : 0;
  const unit = (xHeight > 0 && xHeight) || (Math.max(...all) - Math.min(...all)) / WHOLE_HEIGHT || 1;
  const x = points.map(([px]) => px / unit);
  const y = all.map((py) => (py - baseline) / unit);
  // How often the pen was lifted before each point.
  const lifts = raw.flatMap((stroke, n) => stroke.map(() => n)).concat(raw.length);
  return own.map((indices) => {
    if (!indices.length) return undefined;
    const first = Math.max(indices[0] - AROUND, 0);
    const last = Math.min(indices.at(-1) + AROUND, points.length - 1, indices[0] - AROUND + LONGEST);
    const at = Array.from({ length: POINTS }, (_, n) => first + (n * (last - first)) / (POINTS - 1));
    const middle = sum(indices.map((n) => x[n])) / indices.length;
    const near = (value) => Math.min(Math.max(value, -FAR), FAR);
    const passed = [first, ...at.map((t) => Math.round(t) + 1)].map((n) => lifts[n]);
    return [
      ...at.map((t) => near(between(x, t) - middle)),
      ...at.map((t) => near(between(y, t))),
      ...passed.slice(1).map((count, n) => Math.min(count - passed[n], 2)),
      Math.log(indices.length / pointsPerCharacter),
      (last - first + 1) / pointsPerCharacter,
    ];
  });
}

/** Linear interpolation between values at whole numbers. */
function between(values, t) {
  const n = Math.floor(t);
  return n === t ? values[n] : values[n] + (t - n) * (values[n + 1] - values[n]);
}

/** log p(character | ink). */
function logProbabilities({ mean, std, layers }, seen) {
  let h = seen.map((value, n) => (value - mean[n]) / std[n]);
  layers.forEach(({ kernel, bias }, number) => {
    const isLast = number === layers.length - 1;
    h = Array.from(bias, (start, column) => {
      const total = h.reduce((sum, value, row) => sum + value * kernel[row * bias.length + column], start);
      return isLast ? total : Math.max(total, 0);
    });
  });
  const largest = Math.max(...h);
  const log = largest + Math.log(sum(h.map((logit) => Math.exp(logit - largest))));
  return h.map((logit) => logit - log);
}
