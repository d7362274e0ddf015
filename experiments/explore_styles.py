"""Looks for hands and for directions among style vectors: what a named style and a slider are chosen from.

    python experiments/explore_styles.py --output=styles                                of the default weights
    python experiments/explore_styles.py --checkpoint=run --hands=400 --output=styles   of a training run's best

Hands 0, 1, ... are drawn from N(0, 1), as the seeds of sample.py draw them. Each writes the same texts, and slant,
width of letters and strokes per letter are measured. For each measure the direction is found along which it changes
most (least squares over the hands), with the share of its variance that the others foretell of each hand. Then fresh
hands write at --steps of a standard deviation along it, to see that it does just that.

The output folder gets a sheet for each measure, with the hands in its order and their numbers in front, and a sheet for
each direction, one row for each step. A report goes to standard output, and on its last line the same as JSON.
"""

import pathlib
import time

import command_line
import jax
import numpy as np
from absl import flags

from graves_jax.commands import weights_flags
from graves_jax.data.ink import Ink
from graves_jax.drawing.plots.ink import plot_samples
from graves_jax.errors import InputError
from graves_jax.evaluation.hands import Hand, fit_direction, measure_hand
from graves_jax.model.weights import Weights
from graves_jax.sampling.styles import draw_hands
from graves_jax.sampling.write import DEFAULT_BIAS, line_key, write_lines

HANDS = flags.DEFINE_integer("hands", 300, "How many are drawn.", lower_bound=1)
TEXTS = flags.DEFINE_list("texts", ["a line that shows my hand", "You know nothing Jon Snow"], "What each hand writes.")
BIAS = flags.DEFINE_float("bias", DEFAULT_BIAS, "0 writes as messily as people do, more is neater.")
STEPS = flags.DEFINE_list("steps", ["-2", "-1", "0", "1", "2"], "Along a direction, in standard deviations of hands.")
FRESH = flags.DEFINE_integer("fresh_hands", 16, "That are moved along the directions.", lower_bound=1)
OUTPUT = flags.DEFINE_string("output", None, "Folder for the sheets; made if need be.", required=True)

flags.adopt_module_key_flags(weights_flags)

ROWS = 40  # of a sheet


def main() -> None:
    started = time.perf_counter()
    steps = command_line.numbers("steps", STEPS.value)
    if not steps or not TEXTS.value:
        raise InputError("Expected at least one of --steps and of --texts, found none.")
    weights = weights_flags.load_weights()
    if not weights.network.style_size:
        raise InputError("Expected weights with style vectors, found weights without.")
    least = weights.network.style_size + 2
    if HANDS.value < least:
        raise InputError(f"Expected --hands of at least {least} for vectors of {least - 2}, found {HANDS.value}.")
    output = pathlib.Path(OUTPUT.value)
    output.mkdir(parents=True, exist_ok=True)
    command_line.use_compilation_cache()

    z, fresh = np.split(np.asarray(draw_hands(range(HANDS.value + FRESH.value), weights)), [HANDS.value])
    inks, measured = write_hands(weights, z, seed=0)
    report = {}
    for place, name in enumerate(Hand._fields):
        values = measured[:, place]
        save(output / f"{name}.png", [(f"{n}  {values[n]:.2f}", inks[n]) for n in values.argsort()])
        direction = fit_direction(z, values)
        print(f"{name}: {values.mean():.2f} ± {values.std():.2f}, {direction.foretold:.0%} foretold")
        rows, moved = [], {}
        for step in steps:
            lines, measures = write_hands(weights, fresh + step * direction.vector, seed=1)
            moved[f"{step:g}"] = dict(zip(Hand._fields, map(float, measures.mean(axis=0)), strict=True))
            print(f"  {step:+g}: " + ", ".join(f"{other} {mean:.2f}" for other, mean in moved[f"{step:g}"].items()))
            rows += [(f"{step:+g}", ink) for ink in lines[:6]]
        save(output / f"{name}_direction.png", rows)
        report[name] = {
            "mean": float(values.mean()),
            "std": float(values.std()),
            "foretold": direction.foretold,
            "per_step": change_per_step(name, moved),
            "vector": [round(float(number), 4) for number in direction.vector],
            "steps": moved,
        }
    seconds = round(time.perf_counter() - started, 1)
    command_line.print_json({"hands": HANDS.value, "bias": BIAS.value, "directions": report, "seconds": seconds})


def write_hands(weights: Weights, z: np.ndarray, *, seed: int) -> tuple[list[Ink], np.ndarray]:
    """The first text of each hand, and the means of its measures over all texts. Shape [hands, measures]."""
    texts = [text for text in TEXTS.value for _ in z]
    keys = [jax.random.fold_in(line_key(seed), row) for row in range(len(texts))]
    vectors = np.tile(z, (len(TEXTS.value), 1))
    lines = write_lines(weights, texts, keys=keys, bias=BIAS.value, style=vectors, progress=True)
    measured = np.array([measure_hand(line.ink) for line in lines]).reshape(len(TEXTS.value), len(z), -1)
    return [line.ink for line in lines[: len(z)]], measured.mean(axis=0)


def change_per_step(name: str, moved: dict[str, dict[str, float]]) -> float:
    """What a step along a direction changes, on the whole: the slant in degrees, of a factor the logarithm."""
    first, last = min(moved, key=float), max(moved, key=float)
    ends = np.array([moved[step][name] for step in (first, last)])
    ends = ends if name == "slant" else np.log(ends)
    return float((ends[1] - ends[0]) / max(float(last) - float(first), 1e-9))


def save(path: pathlib.Path, rows: list[tuple[str, Ink]]) -> None:
    """Sheets of at most `ROWS` lines, numbered."""
    for number, first in enumerate(range(0, len(rows), ROWS)):
        plot_samples(rows[first : first + ROWS]).savefig(path.with_stem(f"{path.stem}_{number}"), dpi=80)


if __name__ == "__main__":
    command_line.run(main)
