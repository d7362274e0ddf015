"""Draws every figure that explains the data and the network.

    python experiments/figures.py --output=figures
    python experiments/figures.py --output=figures --data=iam.npz --weights=iam --runs=run
    python experiments/figures.py --output=figures --only=bias,styles --text="in every hand"

Without --data the figures of the data show the synthetic writers; without --runs those of learning are left out. A
report goes to standard output, and on its last line the same as JSON.
"""

import dataclasses
import functools
import pathlib
import time
from collections.abc import Callable

import command_line
import jax
import matplotlib.image
import numpy as np
from absl import flags
from matplotlib.figure import Figure

from graves_jax.bars import Bar
from graves_jax.commands import weights_flags
from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.hershey.writers import hershey_corpus
from graves_jax.data.iam_ondb.before_and_after import choose_changes
from graves_jax.data.ink import Ink
from graves_jax.drawing import plots
from graves_jax.errors import InputError
from graves_jax.evaluation.trace import Trace, trace
from graves_jax.model.weights import Weights
from graves_jax.sampling.styles import draw_hands, load_style, style_names
from graves_jax.sampling.write import check_text, write_lines
from graves_jax.training.workdir import read_metrics, validation_nats

OUTPUT = flags.DEFINE_string("output", None, "Folder for the PNG files; made if missing.")
DATA = flags.DEFINE_string("data", None, "Corpus made by prepare_data.py; none: the synthetic writers.")
RUNS = flags.DEFINE_list("runs", [], "Workdirs of training runs, for the figures of learning; samples: of the first.")
STYLES = flags.DEFINE_list("styles", None, "Hands of the figure of styles: names or .jsonl files; none: all that ship.")
ONLY = flags.DEFINE_list("only", None, "Names of figures; none: all.")
TEXT = flags.DEFINE_string("text", "You know nothing Jon Snow", "What is written in most figures.")
SEED = flags.DEFINE_integer("seed", 0, "Another seed, other hands.", lower_bound=0)

flags.adopt_module_key_flags(weights_flags)

BIASES = (0.0, 0.25, 0.5, 0.75, 1.0, 2.0)
# At this bias lines are neat enough to be read, and the hands still differ.
BIAS = 0.5
# Of the synthetic writers, each by another one.
NUM_LINES = 200
NUM_WRITERS, NUM_KEYS, NUM_LONG_LINES, MAX_PICTURES = 5, 24, 3, 8
# Lines of so many characters show a hand and fill a row.
WRITER_CHARACTERS = range(18, 33)
# For average characters. Small letters may take fewer, and three times the 256 points often trained on, 750, be left.
LONG_LINE_POINTS = 900
# Words that every alphabet of English has.
PASSAGE = (
    "the pen goes on and on along the line and never loses its place because the window "
    "only has to know how far it has come and not how far there is still to go until the end of the text "
)
DPI = 150


class LeftOutError(Exception):
    """There is nothing to draw a figure of; the message says what is missing."""


@dataclasses.dataclass(frozen=True, eq=False)
class Material:
    """What the figures are drawn from; made when the first figure asks for it."""

    weights: Weights
    corpus: Corpus
    runs: tuple[pathlib.Path, ...]
    styles: tuple[str, ...]
    text: str
    seed: int

    def key(self, number: int) -> jax.Array:
        """One key for each number."""
        return jax.random.fold_in(jax.random.key(self.seed), number)

    def write(
        self, texts: list[str], numbers: list[int], *, bias: float = BIAS, style: str | np.ndarray | None = None
    ) -> list[Ink]:
        """Each text with the key of its number, in one hand or, by an array, in one each."""
        hand = load_style(style, self.weights) if isinstance(style, str) else style
        keys = [self.key(number) for number in numbers]
        return [line.ink for line in write_lines(self.weights, texts, keys=keys, bias=bias, style=hand)]

    @functools.cached_property
    def line(self) -> Ink:
        """The line that the window and the mixture are shown for."""
        return self.write([self.text], [0])[0]

    @functools.cached_property
    def trace(self) -> Trace:
        """What the network saw and expected when it wrote that line."""
        return trace(self.weights, self.line, bias=BIAS)

    @functools.cached_property
    def writers(self) -> list[Line]:
        """A line by each of a few writers."""
        return choose_writers(self.corpus, NUM_WRITERS)


def main() -> None:
    started = time.perf_counter()
    names = check_names()
    output = make_output()
    command_line.use_compilation_cache()
    material = gather()
    files, left_out = [], {}
    with Bar(names, unit="figure") as bar:
        for name in bar:
            bar.set_description(name)
            try:
                figure = FIGURES[name](material)
            except LeftOutError as error:
                left_out[name] = str(error)
                continue
            files.append(save(figure, output / f"{name}.png"))
    report(files, left_out, seconds=time.perf_counter() - started)


# --- What the figures are drawn from.


def check_names() -> list[str]:
    """The figures of --only, in the order in which all are drawn."""
    names = list(FIGURES) if ONLY.value is None else ONLY.value
    unknown = [name for name in names if name not in FIGURES]
    if unknown or not names:
        found = repr(unknown[0]) if unknown else "none"
        raise InputError(f"Expected --only to be figures out of {', '.join(FIGURES)}, found {found}.")
    return [name for name in FIGURES if name in names]


def make_output() -> pathlib.Path:
    """The folder of --output."""
    if OUTPUT.value is None:
        raise InputError("Expected --output=DIR, the folder to write the figures to, found none.")
    output = pathlib.Path(OUTPUT.value)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Expected a folder to write to at {output}, found a fault: {error.strerror}.") from error
    return output


def gather() -> Material:
    """Everything the flags name, checked before the first figure is drawn."""
    runs = tuple(map(pathlib.Path, RUNS.value))
    for run in runs:
        if not (run / "metrics.jsonl").is_file():
            raise InputError(f"Expected the workdir of a training run at {run}, found no metrics.jsonl there.")
    weights = weights_flags.load_weights()
    styles = style_names() if STYLES.value is None else STYLES.value
    for style in styles:
        load_style(style, weights)
    check_text(weights, TEXT.value)
    corpus = Corpus.load(DATA.value) if DATA.value else hershey_corpus(num_lines=NUM_LINES, seed=SEED.value)
    return Material(weights, corpus, runs, tuple(styles), TEXT.value, SEED.value)


def choose_writers(corpus: Corpus, count: int) -> list[Line]:
    """A line of usual length by each of `count` writers, from the quickest hand to the slowest, in points a character.

    Where a corpus does not name so many writers every line counts as one.

    Raises:
      InputError: the corpus has fewer writers.
    """
    usual = np.flatnonzero(np.isin(corpus.text_lengths, WRITER_CHARACTERS))
    candidates = usual if len(usual) >= count else np.arange(len(corpus))
    known = [index for index in candidates if corpus.writers[index]]
    first_of = {corpus.writers[index]: index for index in reversed(known)}
    if len(first_of) < count:
        first_of = {corpus.line_ids[index]: index for index in candidates}
    lines = np.array(list(first_of.values()))
    if len(lines) < count:
        raise InputError(f"Expected a corpus of at least {count} writers, found {len(lines)}.")
    slowest_last = lines[np.argsort(corpus.lengths[lines] / corpus.text_lengths[lines], kind="stable")]
    # The very first and last are more often faults than hands.
    places = np.linspace(0, len(lines) - 1, 2 * count + 1)[1::2].round().astype(int)
    return [corpus[index] for index in slowest_last[places]]


def save(figure: Figure, path: pathlib.Path) -> str:
    """Writes a figure and tells where."""
    figure.savefig(path, dpi=DPI)
    return str(path)


def report(files: list[str], left_out: dict[str, str], *, seconds: float) -> None:
    """What was drawn, for people and as JSON."""
    for file in files:
        print(file)
    for name, why in left_out.items():
        print(f"left out: {name}, because {why}")
    command_line.print_json({"files": files, "left_out": left_out, "seconds": round(seconds, 1)})


# --- The figures.


def writers(material: Material) -> Figure:
    """Five writers from the data."""
    names = [
        f"writer {line.writer.removeprefix('writer-')}" if line.writer else line.line_id for line in material.writers
    ]
    return plots.plot_writers([(name, line.ink) for name, line in zip(names, material.writers, strict=True)])


def line_in_time(material: Material) -> Figure:
    """What a network sees of a line."""
    return plots.plot_line_in_time(material.writers[NUM_WRITERS // 2].ink)


def window(material: Material) -> Figure:
    """φ(t, u) under the ink that was written under it."""
    return plots.plot_window(material.trace.phi, material.text, material.line)


def window_characters(material: Material) -> Figure:
    """w_t over the alphabet."""
    return plots.plot_window_characters(material.trace.w, material.weights.alphabet.codes)


def mixture_density(material: Material) -> Figure:
    """Where the next point was expected, all along the line."""
    # Two words only: a longer line would be too small for the single points to be seen.
    [line] = material.write([" ".join(material.text.split()[-2:])], [0])
    traced = trace(material.weights, line, bias=BIAS)
    return plots.plot_mixture_density(line, traced.pi, traced.mu, traced.sigma, traced.rho, traced.e)


def mixture_weights(material: Material) -> Figure:
    """Which component expected it."""
    return plots.plot_mixture_weights(material.line, material.trace.pi)


def cleaning(material: Material) -> Figure:
    """Lines as they were recorded, and as the writer protocol leaves them."""
    if material.corpus.provenance.get("protocol") != "paper":
        raise LeftOutError("there is no raw ink: give a corpus of the paper protocol by --data")
    return plots.plot_changes(choose_changes(material.corpus))


def network(material: Material) -> Figure:
    """The network as a diagram."""
    del material
    return plots.plot_network()


def bias(material: Material) -> Figure:
    """One text and key at growing bias."""
    lines = [material.write([material.text], [0], bias=value)[0] for value in BIASES]
    return plots.plot_samples([(f"bias {value:g}", line) for value, line in zip(BIASES, lines, strict=True)])


def styles(material: Material) -> Figure:
    """One text in every style."""
    if not material.styles:
        raise LeftOutError("no styles ship with the package")
    lines = [material.write([material.text], [0], style=name)[0] for name in material.styles]
    names = [pathlib.Path(name).stem for name in material.styles]
    return plots.plot_samples(list(zip(names, lines, strict=True)))


def keys(material: Material) -> Figure:
    """One text with two dozen keys, each in a hand of its own where the weights have style vectors."""
    numbers = list(range(NUM_KEYS))
    lines = material.write([material.text] * NUM_KEYS, numbers, style=draw_hands(numbers, material.weights))
    return plots.plot_samples([(f"key {number}", line) for number, line in enumerate(lines)])


def long_line(material: Material) -> Figure:
    """Lines much longer than those of the training data."""
    text = long_text(material.weights, LONG_LINE_POINTS)
    lines = material.write([text] * NUM_LONG_LINES, list(range(NUM_LONG_LINES)))
    return plots.plot_samples([(f"{len(line)} points", line) for line in lines])


def long_text(weights: Weights, num_points: int) -> str:
    """Whole words that take about so many points to write."""
    num_characters = round(num_points / weights.network.points_per_character)
    passage = PASSAGE * (1 + num_characters // len(PASSAGE))
    return passage[: passage.index(" ", num_characters)]


def learning_curves(material: Material) -> Figure:
    """The losses of the runs."""
    curves = {}
    for run in material.runs:
        rows = [row for row in read_metrics(run) if row.get("nats_per_point") is not None]
        curves[f"{run.name}, training"] = [row["step"] for row in rows], [row["nats_per_point"] for row in rows]
        validation = validation_nats(run)
        curves[f"{run.name}, validation"] = list(validation), list(validation.values())
    curves = {name: curve for name, curve in curves.items() if curve[0]}
    if not curves:
        raise LeftOutError("no losses are known: give the workdir of a training run by --runs")
    return plots.plot_learning(curves)


def learning_samples(material: Material) -> Figure:
    """What a run wrote at growing training steps, always with the same texts and keys."""
    pictures = sorted(material.runs[0].glob("samples/step_*.png")) if material.runs else []
    if not pictures:
        raise LeftOutError("no samples are known: give the workdir of a training run by --runs")
    chosen = spread_in_ratio(pictures, [int(picture.stem.removeprefix("step_")) for picture in pictures])
    return plots.plot_progress(
        [(f"{step:,} updates", matplotlib.image.imread(picture)) for picture, step in chosen.items()]
    )


def spread_in_ratio(pictures: list[pathlib.Path], steps: list[int]) -> dict[pathlib.Path, int]:
    """At most MAX_PICTURES of them, from the first to the last, each about as many times the step of the one before."""
    wanted = np.geomspace(steps[0], steps[-1], min(MAX_PICTURES, len(steps)))
    nearest = {int(np.abs(np.array(steps) - step).argmin()) for step in wanted}
    return {pictures[place]: steps[place] for place in sorted(nearest)}


FIGURES: dict[str, Callable[[Material], Figure]] = {
    function.__name__: function
    for function in (
        writers,
        line_in_time,
        cleaning,
        network,
        window,
        window_characters,
        mixture_density,
        mixture_weights,
        bias,
        styles,
        keys,
        long_line,
        learning_curves,
        learning_samples,
    )
}


if __name__ == "__main__":
    command_line.run(main)
