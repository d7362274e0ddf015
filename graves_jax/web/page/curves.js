// Smooth curves through pen points, as the drawings of Python have them: centripetal Catmull-Rom curves as cubic Bezier
// segments. The knots are √distance apart, with which a curve forms no cusp or loop within a segment (Yuksel, Schaefer &
// Keyser 2011).

const written = (values) => values.map((value) => Math.round(value * 100) / 100).join(" ");

/** The `d` attribute of one stroke, points [x, y, ...]; a dot is a path too short to be seen as a line. */
export function pathData(stroke) {
  const points = stroke
    .filter(([x, y], n) => n === 0 || x !== stroke[n - 1][0] || y !== stroke[n - 1][1])
    .map(([x, y]) => [x, y]);
  if (points.length === 1) return `M${written(points[0])}h.01`;
  const { tangents, knots } = tangentsOf(points);
  const handle = (n, side, knot) => [0, 1].map((axis) => points[n][axis] + (side * knots[knot] * tangents[n][axis]) / 3);
  const segments = knots.map((_, n) => written([...handle(n, 1, n), ...handle(n + 1, -1, n), ...points[n + 1]]));
  return `M${written(points[0])}C${segments.join(" ")}`;
}

/** Derivative at each of N distinct points, and the knot intervals [N - 1] that it refers to. */
function tangentsOf(points) {
  const knots = points.slice(1).map(([x, y], n) => Math.sqrt(Math.hypot(x - points[n][0], y - points[n][1])));
  const velocity = knots.map((knot, n) => [0, 1].map((axis) => (points[n + 1][axis] - points[n][axis]) / knot));
  if (knots.length === 1) return { tangents: [velocity[0], velocity[0]], knots };
  // Barry & Goldman's derivative at an inner point; at either end the one that makes the outer segment a parabola.
  const inner = knots.slice(1).map((after, n) => {
    const before = knots[n];
    return [0, 1].map((axis) => (velocity[n][axis] * after + velocity[n + 1][axis] * before) / (before + after));
  });
  const outer = (speed, next) => [0, 1].map((axis) => 2 * speed[axis] - next[axis]);
  return { tangents: [outer(velocity[0], inner[0]), ...inner, outer(velocity.at(-1), inner.at(-1))], knots };
}
