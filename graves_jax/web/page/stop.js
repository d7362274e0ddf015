// When a line has ended.

/**
 * The window has left the text, φ(t, U+1) > φ(t, u) for all u in 1..U (Graves 2013, section 5.3), and the pen is up and
 * about to go on to the right: where the window leaves, the last letter often lacks its end. A stroke that begins
 * farther left is the bar of a t or the dot of an i, and is drawn.
 */
export class StopRule {
  /** @param bounds BACK and MAX_POINTS_AFTER_END of sampler.py. */
  constructor(bounds, textLength) {
    this.bounds = bounds;
    this.textLength = textLength;
    this.pastEndFor = 0;
  }

  /** isOver: the point just drawn is none of the line's; isCut: it is the last. */
  look({ position, before, point, t }) {
    if (this.pastEndFor || position === this.textLength) this.pastEndFor++;
    const isOver = this.pastEndFor > 0 && before[2] === 1 && point[0] >= this.bounds.back && t > 0;
    return { isOver, isCut: this.pastEndFor >= this.bounds.max_points_after_end };
  }
}
