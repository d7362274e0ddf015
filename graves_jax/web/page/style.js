// Priming: the network reads a hand before it writes on in it (Graves 2013, section 5.5).

/**
 * Reads all points of a style but the last, which is the input of the first point drawn, so that none is fed twice.
 *
 * @param codes of the style's text and the new one.
 * @param offsets of the style, normalised units.
 * @yields {} after each point.
 * @returns the last point.
 */
export function* prime(network, codes, offsets) {
  let point = [0, 0, 0];
  for (const next of offsets) {
    network.step(point, codes);
    point = next;
    yield {};
  }
  return point;
}
