// The page: fields to lines of ink, ink to files. `window.graves` is for other programs.

import { unknownCharacters } from "./alphabet.js";
import { Engine } from "./engine.js";
import { save, toGcode, toPng, toRow, toSvg } from "./files.js";
import { Recorder } from "./recorder.js";
import { toFile, toInk } from "./recording.js";
import { fromLink, toLink } from "./settings.js";
import { Sheet } from "./sheet.js";
import { wrap } from "./wrap.js";

const $ = (id) => document.getElementById(id);
const form = $("settings");
const NEW_HANDS = 24;
const SPEEDS = [60, 120, 240, 480, 960, Infinity]; // points per second
const OUTPUTS = {
  bias: (value) => Number(value).toFixed(2),
  share: (value) => `${Math.round(value * 100)} %`,
  length: (value) => value,
  speed: (value) => (SPEEDS[value] === Infinity ? "at once" : `${SPEEDS[value]} points/s`),
  width: (value) => value,
};

const engine = new Engine();
let model;
let sheet;
let recorder;
let writing = 0;

window.graves = {
  ready: false,
  /** One line of ink, raw units: the one that graves_jax.write gives. */
  async write({ text, bias = model?.write.default_bias, style, seed = 0, best_of: bestOf = 1 }) {
    if (!model) throw new Error("The page is not ready to write.");
    const line = await engine.write({ text, bias, style, seed, bestOf });
    if (!line) throw new Error("The line was stopped.");
    return { offsets: line.offsets, fault: line.fault };
  },
};

async function start() {
  try {
    $("broken").hidden = true;
    model = await engine.load();
  } catch (error) {
    Object.assign($("broken"), { textContent: error.message, className: "", hidden: false });
    $("status").textContent = "";
    return;
  }
  sheet = new Sheet($("sheet"), model.network.points_per_character * Math.abs(model.normalisation.mean[0]));
  sheet.begin([""]);
  $("sheet").setAttribute("aria-label", "An empty sheet");
  addHands();
  $("bias").setAttribute("value", model.write.default_bias);
  if (innerWidth < 600) $("length").setAttribute("value", 24);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) $("speed").setAttribute("value", SPEEDS.length - 1);
  recorder = new Recorder(model.prompts, { onChange: showHands, onError: (message) => ($("count").textContent = message) });
  showHands(recorder.lines);
  showAbout();
  fill();
  $("write").disabled = $("another").disabled = false;
  $("status").textContent = "Ready.";
  window.graves.ready = true;
  if (new URLSearchParams(location.hash.slice(1)).has("text")) write();
}

/** The fields from the link. */
function fill() {
  fromLink(form, location.hash.slice(1));
  change();
}

/** What follows from the fields at once. */
function change() {
  for (const [name, show] of Object.entries(OUTPUTS)) form.querySelector(`output[for=${name}]`).value = show($(name).value);
  sheet.speed = SPEEDS[$("speed").value];
  sheet.restyle($("colour").value, $("width").value / 100);
  $("other").parentElement.hidden = !canMix();
  $("share").parentElement.hidden = !canMix() || !$("other").value;
  const unknown = unknownTyped();
  const rare = [...new Set(typed())].filter((character) => model.rare_characters.includes(character));
  const sentences = [
    unknown.length && `No letter for ${unknown.join(" ")}`,
    rare.length && `Hardly seen in training, and may come out badly: ${rare.join(" ")}`,
  ];
  $("unknown").textContent = sentences.filter(Boolean).join(". ");
}

/** The text as it can be written: curly quotes, dashes and the like as what the weights have for them. */
const typed = () => Array.from($("text").value, (sign) => model.replacements[sign] ?? sign).join("");

const unknownTyped = () => unknownCharacters(model.alphabet, typed().replace(/\s+/g, " "));

async function write() {
  if (!form.reportValidity()) return;
  const job = ++writing;
  engine.stop();
  const texts = wrap(typed(), Number($("length").value));
  const request = { bias: Number($("bias").value), seed: Number($("seed").value), bestOf: Number($("best").value) };
  let style = chosenHand();
  history.replaceState(null, "", `#${toLink(form)}`);
  sheet.begin(texts);
  busy(true);
  const faults = [];
  try {
    const unknown = unknownTyped();
    if (unknown.length) throw new Error(`There is no letter for ${unknown.join(" ")}`);
    if (!texts.some(Boolean)) throw new Error("There is nothing to write: the text is empty.");
    let row = 0;
    for (const [place, text] of texts.entries()) {
      if (!text) continue;
      const line = sheet.line(text, place);
      say(`Writing line ${row + 1} of ${texts.filter(Boolean).length} …`);
      const written = await engine.write({ ...request, text, row, style }, {
        onDrawing: (number) => {
          if (job !== writing) return;
          if (number && request.bestOf === 1) say(`Line ${row + 1} went wrong, writing it again …`);
          sheet.restart(line);
        },
        onPoints: (offsets) => job === writing && request.bestOf === 1 && sheet.add(line, offsets),
      });
      if (job !== writing || !written) break;
      sheet.finish(line, written.offsets);
      if (written.fault) faults.push(`Line ${row + 1} is kept although ${written.fault}.`);
      // Without style vectors, the lines that follow are in the hand of the first one.
      if (!model.network.style_size) style ||= { text, offsets: written.offsets };
      row++;
    }
    if (job !== writing) return;
    await sheet.drawn();
    if (job !== writing) return; // Stopped while the last of it was drawn.
    const points = sheet.lines.reduce((sum, { offsets }) => sum + offsets.length, 0);
    say([`${sheet.lines.length} ${sheet.lines.length === 1 ? "line" : "lines"}, ${points} points.`, ...faults].join(" "));
  } catch (error) {
    sheet.stop();
    say(error.message);
  }
  if (job === writing) busy(false);
}

function stop() {
  writing++;
  engine.stop();
  sheet.stop();
  busy(false);
  say("Stopped.");
}

const say = (sentence) => ($("status").textContent = sentence);

function busy(isBusy) {
  $("stop").disabled = !isBusy;
  for (const button of document.querySelectorAll("[data-save]")) button.disabled = isBusy || !sheet.lines.length;
}

/** The hand of a choice: what `handOf` of styles.js takes. */
function handOf(choice) {
  if (choice.startsWith("own:")) return toInk(recorder.lines.get(choice.slice(4)));
  return choice.startsWith("new:") ? { number: Number(choice.slice(4)) } : choice;
}

/** The hand of the form, which may lie between two. */
function chosenHand() {
  const [from, to] = [$("hand"), $("other")].map(({ value }) => handOf(value));
  return canMix() && to ? { between: [from, to], share: Number($("share").value) } : from;
}

/** Only hands that are vectors have others between them. */
const canMix = () => $("other").length > 1 && [...$("other").options].some(({ value }) => value === $("hand").value);

/** Hands that the weights have; where they have style vectors, also new ones. */
function addHands() {
  const add = (name, text, value) => $(name).add(new Option(text, value));
  for (const { name, text } of model.styles) for (const id of text ? ["hand"] : ["hand", "other"]) add(id, name, name);
  if (!model.network.style_size) return;
  $("hand").options[0].text = "a new hand with each seed";
  for (let n = 1; n <= NEW_HANDS; n++) for (const id of ["hand", "other"]) add(id, `hand ${n}`, `new:${n}`);
  add("hand", "no hand in particular", "any");
}

/** Recorded lines as hands to choose from. */
function showHands(lines) {
  const chosen = $("hand").value;
  $("hand").querySelector("optgroup")?.remove();
  const group = Object.assign(document.createElement("optgroup"), { label: "Your hand" });
  for (const { text } of lines.values()) {
    if (unknownCharacters(model.alphabet, text).length) continue;
    const option = new Option(`as in “${text}”`, `own:${text}`);
    option.dataset.own = true;
    group.append(option);
  }
  if (group.children.length) $("hand").append(group);
  $("hand").value = chosen;
  if ($("hand").selectedIndex < 0) $("hand").selectedIndex = 0;
}

function showAbout() {
  const { name, licence, weights, package_version: version } = model;
  $("about").replaceChildren(
    ...[
      `Weights ${name}, ${weights.dtype}: ${licence}`,
      `sha256 ${weights.sha256}`,
      `graves_jax ${version}, Apache-2.0. All is computed in this browser; what you type or draw does not leave it.`,
    ].map((sentence) => Object.assign(document.createElement("p"), { textContent: sentence })),
  );
}

const SAVE = {
  svg: () => save("handwriting.svg", "image/svg+xml", toSvg($("sheet"))),
  png: async () => save("handwriting.png", "image/png", await toPng($("sheet"))),
  gcode: () => save("handwriting.gcode", "text/plain", toGcode(sheet.placed())),
  jsonl: () => {
    const rows = sheet.lines.map(({ text, offsets }) => toRow(text, offsets));
    save("handwriting.jsonl", "application/jsonl", rows.join(""));
  },
};

async function copyLink() {
  history.replaceState(null, "", `#${toLink(form)}`);
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link is copied.");
  } catch {
    say("The link is in the address bar.");
  }
}

function showTab(name) {
  for (const tab of ["write", "record"]) {
    const isShown = tab === name;
    $(`${tab}-view`).hidden = !isShown;
    $(`${tab}-tab`).setAttribute("aria-selected", isShown);
    $(`${tab}-tab`).tabIndex = isShown ? 0 : -1;
  }
}

for (const name of ["write", "record"]) {
  const other = name === "write" ? "record" : "write";
  $(`${name}-tab`).onclick = () => showTab(name);
  $(`${name}-tab`).onkeydown = ({ key }) => {
    if (key !== "ArrowLeft" && key !== "ArrowRight") return;
    showTab(other);
    $(`${other}-tab`).focus();
  };
}
form.onsubmit = (event) => {
  event.preventDefault();
  write();
};
form.oninput = () => model && change();
$("stop").onclick = stop;
$("another").onclick = () => {
  $("seed").value = Math.floor(Math.random() * 2 ** 31);
  write();
};
$("link").onclick = copyLink;
for (const button of document.querySelectorAll("[data-save]")) {
  button.onclick = SAVE[button.dataset.save];
}
$("use").onclick = () => {
  $("hand").value = `own:${recorder.line.text}`;
  if ($("hand").selectedIndex < 0) $("hand").selectedIndex = 0;
  showTab("write");
  $("write").focus();
};
$("save-hand").onclick = () => save("hand.jsonl", "application/jsonl", toFile([...recorder.lines.values()]));
$("forget").onclick = () => confirm("Delete all that you have drawn?") && recorder.forget();
onhashchange = () => model && fill();
document.onkeydown = (event) => {
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key === "Enter" && !$("write-view").hidden) form.requestSubmit();
  if (event.key === "Escape" && !$("stop").disabled) stop();
  if (command && event.key.toLowerCase() === "z" && !$("record-view").hidden) {
    event.preventDefault();
    if (event.shiftKey) recorder.redo();
    else recorder.undo();
  }
};
start();
