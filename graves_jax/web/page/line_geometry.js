// How a line of ink lies on the page, and bringing lines to one slope, size and sampling. On strokes: absolute
// positions [x, y], y downwards.

import { mean, median, sum } from "./ink.js";

const HEIGHT = 100; // mean distance of the points from the middle of their line, after `straighten`
const PRIOR_STRENGTH = 9; // how sure the writing keeps level before any of it is seen, in line heights
const TUKEY_BOUNDS = [3, 2, 1.5, 1.2, 1, 1, 1]; // of the biweight, closing in, in line heights

/** Where the pen turns up and down: the lowest points of its swings, and the highest ones. */
function turningPoints(strokes) {
  const [low, high] = [[], []];
  for (const stroke of strokes) {
    const points = stroke.filter(([, y], n) => n === 0 || y !== stroke[n - 1][1]);
    if (points.length < 2) continue;
    const goesDown = points.slice(1).map(([, y], n) => y > points[n][1]);
    points.forEach((point, n) => {
      const arrivesDown = n ? goesDown[n - 1] : !goesDown[0];
      const leavesDown = n < goesDown.length ? goesDown[n] : !goesDown[n - 1];
      if (arrivesDown && !leavesDown) low.push(point);
      if (!arrivesDown && leavesDown) high.push(point);
    });
  }
  return [low, high];
}

/** The slope dy/dx of the line: one robust regression through low and high turning points, parallel to each other. */
export function baselineSlope(strokes) {
  const points = strokes.flat();
  const line = leastSquares(points);
  const height = heightOf(points.map(([x, y]) => y - line(x)));
  const groups = turningPoints(strokes).filter((group) => group.length);
  if (height === 0 || !groups.length) return 0;
  let weights = groups.map((group) => group.map(() => 1));
  let slope = 0;
  for (const bound of TUKEY_BOUNDS) {
    const apart = groups.map((group, g) => {
      const total = sum(weights[g]);
      const centre = [0, 1].map((axis) => sum(group.map((point, n) => weights[g][n] * point[axis])) / total);
      return group.map(([x, y]) => [x - centre[0], y - centre[1]]);
    });
    const weighted = (product) => sum(apart.flatMap((group, g) => group.map((point, n) => weights[g][n] * product(point))));
    slope = weighted(([x, y]) => x * y) / (weighted(([x]) => x * x) + PRIOR_STRENGTH * height ** 2);
    weights = apart.map((group) =>
      group.map(([x, y]) => {
        const residual = (y - slope * x) / (bound * 1.3 * height);
        // Never quite 0, so that a group that lies outside as a whole still has a centre.
        return Math.max(1 - residual ** 2, 0) ** 2 + 1e-6;
      }),
    );
  }
  return slope;
}

/** Turns a line by its slope and scales it so that its height is `HEIGHT`. Ink without height is only turned. */
export function straighten(strokes) {
  const slope = baselineSlope(strokes);
  const [cosine, sine] = [1 / Math.hypot(1, slope), slope / Math.hypot(1, slope)];
  const turned = strokes.map((stroke) => stroke.map(([x, y]) => [x * cosine + y * sine, y * cosine - x * sine]));
  const height = heightOf(turned.flat().map(([, y]) => y));
  return scaled(turned, height ? HEIGHT / height : 1);
}

export const scaled = (strokes, factor) => strokes.map((stroke) => stroke.map(([x, y]) => [x * factor, y * factor]));

/** Removes points at the very place of the point before. */
export const dropStandingPoints = (stroke) =>
  stroke.filter(([x, y], n) => n === 0 || x !== stroke[n - 1][0] || y !== stroke[n - 1][1]);

/** Keeps the first of a stroke's points, one in `every` after it, and the last. */
export const thin = (stroke, every) => stroke.filter((_, n) => n % every === 0 || n === stroke.length - 1);

function heightOf(y) {
  const middle = median(y);
  return mean(y.map((value) => Math.abs(value - middle)));
}

/** The line through points; level where there is no width. */
function leastSquares(points) {
  const [x0, y0] = [0, 1].map((axis) => mean(points.map((point) => point[axis])));
  const variance = mean(points.map(([x]) => (x - x0) ** 2));
  const slope = variance ? mean(points.map(([x, y]) => (x - x0) * (y - y0))) / variance : 0;
  return (x) => y0 + slope * (x - x0);
}
