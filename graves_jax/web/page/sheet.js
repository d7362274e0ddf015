// The sheet of paper: lines of ink below each other, which a pen draws point by point at a speed of its own.

import { pathData } from "./curves.js";
import { extentOf, median, strokesOf } from "./ink.js";

const SVG = "http://www.w3.org/2000/svg";
// In widths of an average character: from one line to the next, and around the lines.
const PITCH = 2.2;
const MARGIN = 1.2;
// Where the middle of a line lies below its first point, as long as little of it is seen, in widths of a character: a
// tall letter is begun at its top. It counts as much as so many points.
const TALL = 0.5;
const LOW = 0.05;
const GUESS_POINTS = 30;

export const element = (name, attributes = {}) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

export class Sheet {
  /** @param character the width of an average character, in the unit of the ink. */
  constructor(svg, character) {
    Object.assign(this, { svg, character, lines: [], speed: Infinity, colour: "#000", pen: 0.06 });
    this.tip = element("circle");
  }

  /** An empty sheet for texts, each of which is a line; "" leaves one free. */
  begin(texts) {
    const longest = Math.max(14, ...texts.map((text) => text.length));
    this.size = [(1.08 * longest + 2 * MARGIN) * this.character, (PITCH * (texts.length - 1) + 4) * this.character];
    this.top = 0;
    this.lines = [];
    this.svg.replaceChildren(this.tip);
    this.tip.setAttribute("r", 0);
    this.svg.setAttribute("aria-label", `Handwriting: ${texts.join(" ")}`);
    this.#fit();
  }

  /** A new line, `row` rows below the first one; `add`, `restart` and `finish` take what is returned. */
  line(text, row) {
    const group = this.svg.insertBefore(element("g"), this.tip);
    group.appendChild(element("title")).textContent = text;
    const line = { text, row, group, offsets: [], shown: 0, isWhole: false };
    this.lines.push(line);
    return line;
  }

  add(line, offsets) {
    line.offsets.push(...offsets);
    this.#wake();
  }

  restart(line) {
    Object.assign(line, { offsets: [], shown: 0 });
    this.#draw(line);
  }

  /** The line as it is in the end, which may be shorter than what was added. */
  finish(line, offsets) {
    const isSame = line.offsets.slice(0, offsets.length - 1).every((row, n) => row.join() === offsets[n].join());
    Object.assign(line, { offsets, isWhole: true, shown: isSame ? Math.min(line.shown, offsets.length) : 0 });
    this.#draw(line);
    this.#wake();
  }

  /** Keeps what is drawn, and no more comes. */
  stop() {
    this.lines = this.lines.filter(({ shown }) => shown > 0);
    for (const line of this.lines) {
      line.offsets = line.offsets.slice(0, line.shown).map((row) => [...row]);
      line.offsets.at(-1)[2] = 1;
      line.isWhole = true;
    }
    this.#wake();
  }

  /** When the pen has come to the end of all lines. */
  drawn() {
    return new Promise((resolve) => {
      this.onDrawn = resolve;
      this.#wake();
    });
  }

  restyle(colour, pen) {
    Object.assign(this, { colour, pen });
    this.svg.setAttribute("stroke", colour);
    this.svg.setAttribute("stroke-width", pen * this.character);
    this.tip.setAttribute("fill", colour);
  }

  /** All strokes in their places, absolute positions. */
  placed() {
    return this.lines.flatMap(({ offsets, x, y }) =>
      strokesOf(offsets).map((stroke) => stroke.map(([px, py]) => [px + x, py + y])),
    );
  }

  #wake() {
    if (this.frame) return;
    let last = performance.now();
    let due = 0;
    const tick = (now) => {
      due = this.speed === Infinity ? Infinity : due + (Math.max(now - last, 0) / 1000) * this.speed;
      last = now;
      for (const line of this.lines) {
        const count = Math.min(line.offsets.length - line.shown, Math.floor(due));
        line.shown += count;
        due -= count;
        if (count) this.#draw(line);
        // The pen stays with a line until it is whole.
        if (line.shown < line.offsets.length || !line.isWhole) break;
      }
      // A pen that waits for the network saves up no points.
      this.frame = this.#isBehind() ? requestAnimationFrame(tick) : 0;
      if (this.frame || !this.lines.every(({ isWhole }) => isWhole)) return;
      this.tip.setAttribute("r", 0);
      this.onDrawn?.();
      this.onDrawn = undefined;
    };
    this.frame = requestAnimationFrame(tick);
  }

  #isBehind() {
    return this.lines.some(({ shown, offsets }) => shown < offsets.length);
  }

  /** What is seen of a line, moved so that it is flush left and its middle lies on its row. */
  #draw(line) {
    const strokes = strokesOf(line.offsets.slice(0, line.shown));
    const points = strokes.flat();
    const guess = (/^[\p{Lu}\p{N}bdfhklt"'(]/u.test(line.text) ? TALL : LOW) * this.character;
    const isDone = line.isWhole && line.shown === line.offsets.length;
    const weight = points.length / (points.length + (isDone ? 0 : GUESS_POINTS));
    const middle = points.length ? weight * median(points.map(([, y]) => y)) + (1 - weight) * guess : 0;
    const [left, top, right, bottom] = points.length ? extentOf(strokes) : [0, 0, 0, 0];
    line.x = MARGIN * this.character - left;
    line.y = (2 + PITCH * line.row) * this.character - middle;
    line.group.setAttribute("transform", `translate(${line.x} ${line.y})`);
    // The first child is the title.
    while (line.group.childElementCount > strokes.length + 1) line.group.lastElementChild.remove();
    strokes.forEach((stroke, n) => {
      const path = line.group.children[n + 1] ?? line.group.appendChild(element("path"));
      if (path.pointCount !== stroke.length || n >= strokes.length - 1) path.setAttribute("d", pathData(stroke));
      path.pointCount = stroke.length;
    });
    const [x, y] = points.at(-1) ?? [0, 0];
    this.tip.setAttribute("r", 0.7 * this.pen * this.character);
    this.tip.setAttribute("cx", line.x + x);
    this.tip.setAttribute("cy", line.y + y);
    // Lines may run on, up or down farther than was thought.
    const margin = 0.5 * MARGIN * this.character;
    this.top = Math.min(this.top, top + line.y - margin);
    this.size = [right + line.x, bottom + line.y].map((end, axis) => Math.max(this.size[axis], end + margin));
    this.#fit();
  }

  #fit() {
    const [width, height] = this.size;
    this.svg.setAttribute("viewBox", [0, this.top, width, height - this.top].map(Math.round).join(" "));
    this.svg.setAttribute("preserveAspectRatio", "xMinYMin");
  }
}
