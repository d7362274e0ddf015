// Ink: a pen's path as rows [dx, dy, end_of_stroke], y downwards, the pen starting at the origin, which has no row of
// its own. end_of_stroke is 1 on the last point before the pen lifts. A line whose first stroke is a single dot has a
// first row [0, 0, 1].

/** Raw offsets to what the network sees, float32. */
export function normalise({ mean, std }, offsets) {
  const scaled = (value, axis) => Math.fround((value - mean[axis]) / std[axis]);
  return offsets.map(([dx, dy, end]) => [scaled(dx, 0), scaled(dy, 1), end]);
}

/** The inverse of `normalise`. */
export function denormalise({ mean, std }, offsets) {
  const raw = (value, axis) => Math.fround(value * std[axis] + mean[axis]);
  return offsets.map(([dx, dy, end]) => [raw(dx, 0), raw(dy, 1), end]);
}

/** Absolute positions: for each stroke its points [x, y]. */
export function strokesOf(offsets) {
  const startsWithDot = offsets.length > 0 && offsets[0][0] === 0 && offsets[0][1] === 0 && offsets[0][2] === 1;
  let [x, y] = [0, 0];
  const strokes = [startsWithDot ? [] : [[0, 0]]];
  for (const [dx, dy, end] of offsets) {
    x += dx;
    y += dy;
    strokes.at(-1).push([x, y]);
    if (end) strokes.push([]);
  }
  return strokes.filter((stroke) => stroke.length);
}

/** Offsets of absolute positions, the inverse of `strokesOf` up to the origin. */
export function offsetsOf(strokes) {
  const rows = strokes.flatMap((stroke) => stroke.map(([x, y], n) => [x, y, n === stroke.length - 1 ? 1 : 0]));
  const offsets = rows.slice(1).map(([x, y, end], n) => [x - rows[n][0], y - rows[n][1], end]);
  return rows[0][2] ? [[0, 0, 1], ...offsets] : offsets;
}

/** [left, top, right, bottom] of strokes. */
export function extentOf(strokes) {
  const extent = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of strokes.flat()) {
    extent[0] = Math.min(extent[0], x);
    extent[1] = Math.min(extent[1], y);
    extent[2] = Math.max(extent[2], x);
    extent[3] = Math.max(extent[3], y);
  }
  return extent;
}

/** As NumPy's: the mean of the two middle ones of an even number. */
export function median(values) {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export const sum = (values) => values.reduce((total, value) => total + value, 0);

export const mean = (values) => sum(values) / values.length;
