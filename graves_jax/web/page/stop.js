// When a line has ended.

/** The rule for a network and a text of so many characters; its `look` says of each point whether it ends the line. */
export const stopRule = (config, bounds, length) =>
  config.ends_text ? new EndPoint(bounds, length) : new WindowPastEnd(bounds, length);

/**
 * The window has left the text, φ(t, U+1) > φ(t, u) for all u in 1..U (Graves 2013, section 5.3), and the pen is up and
 * about to go on to the right: where the window leaves, the last letter often lacks its end. A stroke that begins
 * farther left is the bar of a t or the dot of an i, and is drawn.
 */
class WindowPastEnd {
  constructor(bounds, length) {
    Object.assign(this, { bounds, length, pastEndFor: 0 });
  }

  /** isOver: the point just drawn is none of the line's; isCut: it is the last. */
  look({ position, before, point, t }) {
    if (this.pastEndFor || position === this.length) this.pastEndFor++;
    const isOver = this.pastEndFor > 0 && before[2] === 1 && point[0] >= this.bounds.back && t > 0;
    return { isOver, isCut: this.pastEndFor >= this.bounds.max_points_after_end };
  }
}

/** The network says itself that all is written: the pen is up, stands still and lifts again, at the last character. */
class EndPoint {
  constructor(bounds, length) {
    Object.assign(this, { bounds, length });
  }

  look({ position, before, point, t }) {
    const stands = Math.max(Math.abs(point[0]), Math.abs(point[1])) < this.bounds.end_tolerance;
    const isOver = stands && before[2] === 1 && point[2] === 1 && position >= this.length - 1 && t > 0;
    return { isOver, isCut: false };
  }
}
