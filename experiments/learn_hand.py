"""Learns a person's hand from a few lines of their ink.

    python experiments/learn_hand.py --prompts=10                                        what to write
    python experiments/learn_hand.py --ink=mine.jsonl --output=mine.hand
    python experiments/learn_hand.py --ink=mine.inkml --output=mine.hand --flagfile=finetune.flags
    python experiments/learn_hand.py --ink=mine.jsonl --output=mine.hand --new_characters --resembles=ß=B
    python experiments/sample.py --text="in my hand" --style=mine.hand --output=hand.svg

The ink (.jsonl as the recorder of the web page saves it, or .inkml) may come from any device: its unit, its resolution
and its rate are brought to those that the weights know. A line that cannot be used is left out, and named. A fifth of
the lines is held out; it says how much better the hand has become known. --picture shows what was understood.

Weights with style vectors are given that vector under which the lines are most probable, in seconds. --finetune trains
the weights on as well, in minutes, and writes them beside the hand: needed for weights without style vectors.

A report goes to standard output, and on its last line the same as JSON.
"""

import collections
import dataclasses
import pathlib
import tempfile
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import command_line
from absl import flags

INK = flags.DEFINE_string("ink", None, "Own ink with its text: a .jsonl or .inkml file.")
OUTPUT = flags.DEFINE_string("output", None, "The hand to write, a .hand file; replaced if it is there.")
WEIGHTS = flags.DEFINE_string("weights", None, "Name of weights that ship, or the folder of a hand's own.")
CHECKPOINT = flags.DEFINE_string("checkpoint", None, "Workdir of a training run, or one checkpoint in it.")
PICTURE = flags.DEFINE_string("picture", None, "Draws the lines as they were understood: .png, .svg or .pdf.")
PROMPTS = flags.DEFINE_integer("prompts", None, "Only print so many sentences to write, the most telling first.")
NAME = flags.DEFINE_string("name", None, "Of the hand; none: that of the file.")

Y_UP = flags.DEFINE_bool("y_up", False, "The ink was recorded with y growing upwards.")
KEEP_MISFITS = flags.DEFINE_bool("keep_misfits", False, "Learn also from lines whose ink and text do not seem to fit.")
NEW_CHARACTERS = flags.DEFINE_bool("new_characters", False, "Learn the characters that the weights do not know.")
RESEMBLES = flags.DEFINE_multi_string(
    "resembles", [], "A new character and the known ones that it looks like, as in ß=B; accents need none."
)

FINETUNE = flags.DEFINE_bool("finetune", False, "Train the weights on, and write them beside the hand.")
NUM_STEPS = flags.DEFINE_integer("num_steps", 150, "Updates of the weights at most.", 1, 100_000)
LEARNING_RATE = flags.DEFINE_float("learning_rate", 5e-4, "Of these updates, Adam's.", lower_bound=1e-9)
OWN_LINES = flags.DEFINE_integer("own_lines", 8, "Own lines an update.", 1, 1_024)
STAND_IN_LINES = flags.DEFINE_integer(
    "stand_in_lines", 4, "Lines an update that keep the weights from forgetting what the own ones lack.", 0, 1_024
)
PATIENCE = flags.DEFINE_integer("patience", 40, "Stop after so many updates that did not help the lines held out.", 1)
PRECISION = flags.DEFINE_enum("precision", "float32", ["float32", "tensorfloat32", "bfloat16"], "Of the products.")
SEED = flags.DEFINE_integer("seed", 0, "Of the order of lines and the lines that stand in.", 0, 2**32 - 1)

# Factor of the learning rate for the rows of new characters, which begin far from where they end.
ROWS_RATE = 10.0
# Of the vector, when the lines held out have been judged and join the others.
MORE_EVALUATIONS = 5


def main() -> None:
    if PROMPTS.value is not None:
        print_prompts(PROMPTS.value)
        return
    started = time.perf_counter()
    ink, output = check_files()
    from graves_jax.data.own_ink.readers import read_own_ink

    lines = read_own_ink(ink)
    command_line.use_compilation_cache()
    weights = load_weights()
    grown = grow(weights, lines)
    examined = examine_lines(grown, lines)
    from graves_jax.training.finetuning import hold_out

    # Characters of lines that are left out are not learned.
    grown = grow(weights, [line.conformed.line for line in examined if line.reason is None])
    new = [character for character in grown.alphabet.codes if character not in weights.alphabet.codes]
    parts = hold_out([line.conformed.ink for line in examined if line.reason is None], new=new)
    learned = learn(grown, parts, new=new)
    save(output, learned, examined)
    report(output, learned, examined, weights, grown, seconds=time.perf_counter() - started)


def print_prompts(number: int) -> None:
    """What to write."""
    from graves_jax.data.own_ink.prompts import prompts

    texts = prompts(number)
    print("\n".join(texts))
    command_line.print_json({"prompts": texts})


def check_files() -> tuple[str, pathlib.Path]:
    """The files of --ink and --output, found out before the work whether the latter can be written.

    Raises:
      InputError: a flag is missing, or the name is another kind of file's.
    """
    from graves_jax.drawing.save import saver_of
    from graves_jax.errors import InputError
    from graves_jax.sampling.hands import SUFFIX

    if INK.value is None or OUTPUT.value is None:
        raise InputError("Expected --ink=FILE and --output=FILE.hand, or --prompts=N, found neither.")
    output = pathlib.Path(OUTPUT.value)
    if output.suffix != SUFFIX or output.is_dir():
        raise InputError(f"Expected an --output whose name ends with {SUFFIX}, found {OUTPUT.value!r:.200}.")
    if not output.parent.is_dir():
        raise InputError(f"Expected a folder to write to at {output.parent}, found none.")
    folder = output.with_suffix(".weights")
    if folder.exists() and not (folder / "model.safetensors").exists():
        raise InputError(f"Expected weights of a hand at {folder}, which would be replaced, found something else.")
    if PICTURE.value is not None:
        if pathlib.Path(PICTURE.value).suffix not in (".png", ".svg", ".pdf"):
            raise InputError(f"Expected a --picture of .png, .svg or .pdf, found {PICTURE.value!r:.200}.")
        saver_of(PICTURE.value)
    return INK.value, output


def load_weights():
    """The weights to start from.

    Raises:
      InputError: there are none such, or they cannot learn a hand in the way that the flags ask for.
    """
    import graves_jax
    from graves_jax.errors import InputError
    from graves_jax.files import is_folder
    from graves_jax.model import weights as weights_lib

    if CHECKPOINT.value is not None and WEIGHTS.value is not None:
        raise InputError("Expected one of --checkpoint and --weights, found both.")
    if WEIGHTS.value is not None and is_folder(pathlib.Path(WEIGHTS.value)):
        weights = weights_lib.load_weights(pathlib.Path(WEIGHTS.value))
    else:
        weights = graves_jax.load(WEIGHTS.value, checkpoint=CHECKPOINT.value)
    weights_lib.check_reads_text(weights)
    if not (FINETUNE.value or weights.network.style_size):
        raise InputError("Expected --finetune with weights that have no style vectors, found it missing.")
    return weights.computed_with(PRECISION.value)


def grow(weights, lines: Sequence):
    """The weights with the new characters of the lines, where they may be learned.

    Raises:
      InputError: there are some, and they may not.
    """
    from graves_jax.data.look_alikes import look_alikes
    from graves_jax.errors import InputError
    from graves_jax.model.growing import grow_alphabet

    alphabet = weights.alphabet.with_characters("".join(line.text for line in lines))
    new = alphabet.characters[len(weights.alphabet.characters) :]
    told = command_line.resemblances(RESEMBLES.value)
    if new and not NEW_CHARACTERS.value:
        raise InputError(
            f"Expected texts of characters that the weights know, found {', '.join(map(repr, new[:20]))}: "
            "--new_characters learns them from these lines."
        )
    return grow_alphabet(weights, alphabet, resembles=look_alikes(new, weights.alphabet.characters) | told)


def examine_lines(weights, lines: Sequence) -> list:
    """The lines at the weights' scale, with what is wrong with some; prints a row for each.

    Raises:
      InputError: none can be used.
    """
    from graves_jax.errors import InputError
    from graves_jax.evaluation.own_lines import examine

    examined = examine(weights, lines, y_up=Y_UP.value)
    if KEEP_MISFITS.value:
        examined = [dataclasses.replace(line, reason=line.conformed.reason) for line in examined]
    left_out = [f"{line.line_id!r} ({line.reason})" for line in examined if line.reason]
    if len(left_out) == len(examined):
        more = f" and {len(left_out) - 5} more" if len(left_out) > 5 else ""
        raise InputError(f"Expected lines to learn from in {INK.value}, found none: {', '.join(left_out[:5])}{more}.")
    print_lines(examined)
    return examined


def print_lines(examined: Sequence) -> None:
    """What was understood of each line."""
    width = max(len(line.line_id) for line in examined[:1_000])
    print(f"{'line':{width}}  points  a character  height  nats/point  ")
    for line in examined:
        found = line.conformed
        nats = "" if line.fit is None else f"{line.fit.nats_per_point:.2f}"
        note = f"left out: {line.reason}" if line.reason else found.line.text
        taps = f" ({found.taps} tap(s) left out)" if found.taps else ""
        print(
            f"{line.line_id:{width}}  {found.line.num_points:6,}  {found.recorded_points_per_character:11.1f}"
            f"  {found.height:6.3g}  {nats:>10}  {note}{taps}"
        )


class Learned(NamedTuple):
    """A hand: a vector of weights that others have, or weights of its own. Nats are per point of lines held out."""

    weights: Any
    vector: Any
    nats_any: float
    nats_fitted: float
    parts: Any
    steps: int


def learn(weights, parts, *, new: Sequence[str]) -> Learned:
    """Fits what the flags ask for."""
    from graves_jax.sampling.stand_in import stand_in
    from graves_jax.training.finetuning import FineTuning, finetune, judge
    from graves_jax.training.style_fitting import fit_vector, folded

    judged = nats_any = judge(weights, parts.held_out)
    vector = None
    if weights.network.style_size:
        vector = fit_vector(weights, parts.own)
        judged = judge(folded(weights, vector), parts.held_out)
        if not (new or FINETUNE.value):
            # The lines held out have been judged by now, and join the others.
            vector = fit_vector(weights, [*parts.own, *parts.held_out], start=vector, num_evaluations=MORE_EVALUATIONS)
            return Learned(weights, vector, nats_any, judged, parts, 0)
        weights = folded(weights, vector)
    how = FineTuning(
        num_steps=NUM_STEPS.value,
        own_lines=OWN_LINES.value,
        stand_in_lines=STAND_IN_LINES.value,
        learning_rate=LEARNING_RATE.value,
        patience=PATIENCE.value,
        seed=SEED.value,
    )
    steps = 0
    if new:
        codes = [weights.alphabet.codes.index(character) for character in new]
        rows = dataclasses.replace(how, learning_rate=ROWS_RATE * how.learning_rate, stand_in_lines=0)
        tuned = finetune(weights, parts.own, held_out=parts.held_out, how=rows, codes=codes)
        weights, judged, steps = tuned.weights, tuned.nats_after, tuned.steps
    if FINETUNE.value:
        kept = stand_in(weights, parts.own, seed=SEED.value) if STAND_IN_LINES.value else []
        tuned = finetune(weights, parts.own, held_out=parts.held_out, stand_in=kept, how=how)
        weights, judged, steps = tuned.weights, tuned.nats_after, steps + tuned.steps
    return Learned(weights, None, nats_any, judged, parts, steps)


def save(output: pathlib.Path, learned: Learned, examined: Sequence) -> None:
    """Writes the hand, its weights where it has some, and the picture."""
    import numpy as np

    from graves_jax.model.weights import fingerprint, load_weights, save_weights
    from graves_jax.sampling.hands import Hand, line_to_read, save_hand
    from graves_jax.version import __version__

    weights, folder = learned.weights, None
    if learned.vector is None:
        folder = output.with_suffix(".weights")
        own = learned.parts.own
        provenance = weights.provenance | {"hand": {"lines": len(own), "version": __version__}}
        if "character_counts" in provenance:
            counts = collections.Counter(provenance["character_counts"])
            counts.update("".join(ink.text for ink in own))
            provenance["character_counts"] = dict(sorted(counts.items()))
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{folder.name}.") as unfinished:
            made = pathlib.Path(unfinished) / "weights"
            made_from = dataclasses.replace(weights.computed_with(), provenance=provenance)
            save_weights(made, made_from, dtype=np.float16)
            weights = load_weights(made)
            if folder.exists():
                # Deleted with the folder around it, when the new ones have their place.
                folder.rename(pathlib.Path(unfinished) / "former")
            made.rename(folder)
    facts = {
        "nats_per_point_any": number(learned.nats_any),
        "nats_per_point_fitted": number(learned.nats_fitted),
        "lines": len(learned.parts.own) + len(learned.parts.held_out),
        "version": __version__,
    }
    name = NAME.value or output.stem
    folder_name = None if folder is None else folder.name
    style = None if learned.vector is not None else line_to_read(learned.parts.own)
    save_hand(output, Hand(name, fingerprint(weights), learned.vector, folder_name, style, facts))
    if PICTURE.value is not None:
        draw(PICTURE.value, examined)


def draw(path: str, examined: Sequence) -> None:
    """Each line as it was recorded and as it was understood."""
    from graves_jax.data.ink import Ink
    from graves_jax.drawing.plots.ink import plot_changes

    rows = []
    for line in examined:
        label = f"{line.line_id}: {line.conformed.line.text}"
        recorded = Ink.from_strokes(line.conformed.line.strokes, line.conformed.line.text)
        after = None if line.reason else line.conformed.ink
        rows.append((f"{label[:44]}\n{line.reason[:44]}" if line.reason else label[:44], recorded, after))
    plot_changes(rows).savefig(path)


def report(output: pathlib.Path, learned: Learned, examined: Sequence, weights, grown, *, seconds: float) -> None:
    """What was learned, for people and as JSON."""
    left_out = {line.line_id: line.reason for line in examined if line.reason}
    known = set(weights.alphabet.codes)
    new = [code for code in grown.alphabet.codes if code not in known]
    held_out = len(learned.parts.held_out)
    print(f"{len(learned.parts.own)} line(s) learned from, {held_out} held out, {len(left_out)} left out.")
    if new:
        print(f"New characters: {' '.join(new)}")
    if held_out:
        print(f"Nats per point of the lines held out: {learned.nats_any:.3f} before, {learned.nats_fitted:.3f} after.")
    print(f"{output}: written after {seconds:.0f} s; --style={output} writes in this hand.")
    command_line.print_json(
        {
            "output": str(output),
            "weights": None if learned.vector is not None else str(output.with_suffix(".weights")),
            "lines": len(learned.parts.own) + held_out,
            "held_out": held_out,
            "left_out": left_out,
            "nats_per_point_any": number(learned.nats_any),
            "nats_per_point_fitted": number(learned.nats_fitted),
            "new_characters": "".join(new),
            "steps": learned.steps,
            "seconds": round(seconds, 1),
        }
    )


def number(nats: float) -> float | None:
    """None in place of what JSON cannot say: nats of no lines at all."""
    return None if nats != nats else round(nats, 4)


if __name__ == "__main__":
    command_line.use_huge_pages()
    command_line.run(main)
