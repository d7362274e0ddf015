// The surface on which people write: one sentence after the other, with pen, finger or mouse.

import { pathData } from "./curves.js";
import { keep, kept } from "./recording.js";
import { element } from "./sheet.js";

const $ = (id) => document.getElementById(id);
// Where the guides lie on the surface, from its top; and from where on, in parts of its width, it moves on by how much.
const GUIDES = [0.38, 0.62];
const [NEAR_EDGE, MOVE] = [0.82, 0.5];
const MOVE_MS = 180;

export class Recorder {
  /**
   * @param prompts the sentences.
   * @param onChange called with all recorded lines, by their texts, when there are others.
   * @param onError called with a sentence.
   */
  constructor(prompts, { onChange, onError }) {
    Object.assign(this, { prompts, onChange, onError, pad: $("pad"), index: 0, undone: [], shift: 0 });
    this.lines = kept();
    this.index = Math.max(prompts.findIndex((text) => !this.lines.has(text)), 0);
    for (const [type, take] of [
      ["pointerdown", this.#down],
      ["pointermove", this.#move],
      ["pointerup", this.#up],
      ["pointercancel", this.#up],
    ]) {
      this.pad.addEventListener(type, take.bind(this));
    }
    const actions = { undo: this.undo, redo: this.redo, again: this.again };
    for (const [id, action] of Object.entries(actions)) $(id).onclick = action.bind(this);
    $("previous").onclick = () => this.show(this.index - 1);
    $("next").onclick = () => this.show(this.index + 1);
    $("back").onclick = () => this.#moveTo(this.shift - MOVE * this.pad.clientWidth);
    $("on").onclick = () => this.#moveTo(this.shift + MOVE * this.pad.clientWidth);
    new ResizeObserver(() => this.#view()).observe(this.pad);
    $("lines").replaceChildren(
      ...prompts.map((text, n) => {
        const [item, button] = ["li", "button"].map((name) => document.createElement(name));
        button.textContent = n + 1;
        button.onclick = () => this.show(n);
        item.append(button);
        return item;
      }),
    );
    this.show(this.index);
  }

  /** The line of the sentence that is shown. */
  get line() {
    return this.lines.get(this.prompts[this.index]) ?? { text: this.prompts[this.index], device: "", strokes: [] };
  }

  show(index) {
    this.index = Math.min(Math.max(index, 0), this.prompts.length - 1);
    Object.assign(this, { undone: [], shift: 0, start: undefined });
    $("prompt").textContent = this.prompts[this.index];
    this.#draw();
  }

  undo() {
    const { strokes } = this.line;
    if (!strokes.length) return;
    this.undone.push(strokes.at(-1));
    this.#change(strokes.slice(0, -1));
  }

  redo() {
    if (this.undone.length) this.#change([...this.line.strokes, this.undone.pop()]);
  }

  again() {
    this.undone = [];
    this.#change([]);
    this.#moveTo(0);
  }

  forget() {
    for (const text of this.lines.keys()) keep({ text, strokes: [] });
    this.lines.clear();
    this.show(0);
    this.onChange(this.lines);
  }

  #down(event) {
    // A hand that rests on the screen beside the pen, and a second finger, write nothing.
    const isPalm = event.pointerType === "touch" && this.line.device === "pen" && this.line.strokes.length;
    if (this.pointer !== undefined || event.button || isPalm) return;
    event.preventDefault();
    this.pad.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    const { strokes } = this.line;
    // A line that is taken up again later goes on a second after its last point.
    if (!strokes.length) this.start = event.timeStamp;
    else this.start ??= event.timeStamp - strokes.at(-1).at(-1)[2] - 1_000;
    this.stroke = [this.#point(event)];
    this.path = this.pad.appendChild(element("path"));
    this.path.setAttribute("d", pathData(this.stroke));
  }

  #move(event) {
    if (event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    this.stroke.push(...(events.length ? events : [event]).map((part) => this.#point(part)));
    this.path.setAttribute("d", pathData(this.stroke));
  }

  #up(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = undefined;
    this.undone = [];
    const stroke = this.stroke;
    this.#change([...this.line.strokes, stroke], event.pointerType);
    const width = this.pad.clientWidth;
    if (stroke.at(-1)[0] - this.shift > NEAR_EDGE * width) this.#moveTo(this.shift + MOVE * width);
  }

  /** Where and when, in hundredths of a pixel and tenths of a millisecond. */
  #point({ clientX, clientY, timeStamp }) {
    const { left, top } = this.pad.getBoundingClientRect();
    const [x, y] = [clientX - left + this.shift, clientY - top].map((value) => Math.round(value * 100) / 100);
    return [x, y, Math.round((timeStamp - this.start) * 10) / 10];
  }

  #change(strokes, device = this.line.device) {
    const line = { text: this.line.text, device, strokes };
    if (strokes.length) this.lines.set(line.text, line);
    else this.lines.delete(line.text);
    try {
      keep(line);
    } catch {
      this.onError("This browser keeps nothing for this page: save the file before you close it.");
    }
    this.#draw();
    this.onChange(this.lines);
  }

  #moveTo(shift) {
    const [from, to, began] = [this.shift, Math.max(shift, 0), performance.now()];
    const tick = (now) => {
      const part = Math.min(Math.max(now - began, 0) / MOVE_MS, 1);
      this.shift = from + (to - from) * part;
      this.#view();
      if (part < 1) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  #view() {
    const { clientWidth: width, clientHeight: height } = this.pad;
    if (!width) return;
    this.pad.setAttribute("viewBox", `${this.shift} 0 ${width} ${height}`);
    this.pad.querySelectorAll(".guide").forEach((guide, n) => {
      for (const [name, value] of Object.entries({ x1: this.shift, x2: this.shift + width })) guide.setAttribute(name, value);
      for (const name of ["y1", "y2"]) guide.setAttribute(name, GUIDES[n] * height);
    });
  }

  #draw() {
    const { strokes } = this.line;
    const guides = GUIDES.map(() => element("line", { class: "guide" }));
    this.pad.replaceChildren(...guides, ...strokes.map((stroke) => element("path", { d: pathData(stroke) })));
    this.#view();
    const done = this.prompts.filter((text) => this.lines.has(text)).length;
    Object.assign($("progress"), { max: this.prompts.length, value: done });
    $("count").textContent = `Sentence ${this.index + 1} of ${this.prompts.length}, ${done} written`;
    $("undo").disabled = $("again").disabled = !strokes.length;
    $("redo").disabled = !this.undone.length;
    $("previous").disabled = this.index === 0;
    $("next").disabled = this.index === this.prompts.length - 1;
    $("use").disabled = !strokes.length;
    $("save-hand").disabled = $("forget").disabled = !this.lines.size;
    this.prompts.forEach((text, n) => {
      const button = $("lines").children[n].firstChild;
      button.className = this.lines.has(text) ? "done" : "";
      button.setAttribute("aria-label", `${text} (${this.lines.has(text) ? "written" : "not yet written"})`);
      button.toggleAttribute("aria-current", n === this.index);
    });
  }
}
