"""Writes text by hand.

    python experiments/sample.py --text="You know nothing Jon Snow" --output=snow.svg
    python experiments/sample.py --text="neater" --bias=1 --seed=7 --num_samples=5 --output=neater.png
    python experiments/sample.py --text="read without effort" --best_of=4 --output=clear.png
    python experiments/sample.py --texts_file=letter.txt --output=letter.pdf          one line of ink per line of text
    python experiments/sample.py --text="in my hand" --style=mine.jsonl --output=hand.svg
    python experiments/sample.py --text="from my own run" --checkpoint=run --output=own.jsonl

The suffix of --output says what is written: a page of ink as .svg, .png or .pdf, the pen writing as .gif, or the ink
itself as .jsonl, one line of ink per row. A report goes to standard output, and on its last line the same as JSON.
"""

import dataclasses
import pathlib
import sys
import time

import command_line
from absl import flags

TEXT = flags.DEFINE_string("text", None, "What to write, on one line.")
TEXTS_FILE = flags.DEFINE_string("texts_file", None, "A UTF-8 text file: each of its lines is written as one.")
OUTPUT = flags.DEFINE_string("output", None, "File to write: .svg, .png, .pdf, .gif or .jsonl.")
CHECKPOINT = flags.DEFINE_string("checkpoint", None, "Workdir of a training run, or one checkpoint in it.")
WEIGHTS = flags.DEFINE_string("weights", None, "Name of weights that ship with the package.")
STYLE = flags.DEFINE_string("style", None, "Hand to write in: a name (--list_styles), or a .jsonl file of own ink.")
LIST_STYLES = flags.DEFINE_bool("list_styles", False, "Only print the names of the styles that ship.")
BIAS = flags.DEFINE_float("bias", None, "0 writes as messily as people do, more is neater; Graves section 5.4.")
PRECISION = flags.DEFINE_enum(
    "precision", "float32", ["float32", "tfloat32", "bfloat16"], "Of the matrix products' operands."
)
SEED = flags.DEFINE_integer("seed", 0, "Another seed, another hand.", lower_bound=0)
BEST_OF = flags.DEFINE_integer("best_of", 1, "Draw each line so many times and keep the clearest.", lower_bound=1)
NUM_SAMPLES = flags.DEFINE_integer("num_samples", 1, "Write each text so many times.", lower_bound=1)


def main() -> None:
    if LIST_STYLES.value:
        list_styles()
        return
    output, texts = check_output(), read_texts()
    started = time.perf_counter()
    # JAX takes a second to import: a wrong flag is told without it.
    import jax

    from graves_jax.sampling.styles import load_style
    from graves_jax.sampling.write import DEFAULT_BIAS, coverage, write_lines

    command_line.use_compilation_cache()
    weights = load_weights()
    network = dataclasses.replace(weights.network, precision=PRECISION.value)
    weights = dataclasses.replace(weights, network=network)
    style = None if STYLE.value is None else load_style(STYLE.value, weights)
    loaded = time.perf_counter()
    for character, count in coverage(weights, "".join(texts)).items():
        warn(f"{character!r} stood {count} times in the training data and may come out badly.")
    key = jax.random.key(SEED.value)
    rows = [(text, key_of(key, row, sample)) for row, text in enumerate(texts) for sample in range(NUM_SAMPLES.value)]
    written = write_lines(
        weights,
        [text for text, _ in rows],
        keys=[row_key for _, row_key in rows],
        bias=DEFAULT_BIAS if BIAS.value is None else BIAS.value,
        style=style,
        best_of=BEST_OF.value,
    )
    for line in written:
        if line.fault:
            warn(f"{line.ink.text!r} is kept after {line.attempts} tries although {line.fault}.")
    save(output, written)
    report(output, written, load_seconds=loaded - started, write_seconds=time.perf_counter() - loaded)


def key_of(key, row: int, sample: int):
    """The key of a line: it depends on nothing but the seed, the text's place and which sample of it this is."""
    import jax

    return jax.random.fold_in(jax.random.fold_in(key, row), sample) if sample else jax.random.fold_in(key, row)


def save(output: pathlib.Path, written) -> None:
    """Draws or stores the ink."""
    from graves_jax.drawing.files import write_ink

    write_ink(output, [line.ink for line in written])


def report(output: pathlib.Path, written, *, load_seconds: float, write_seconds: float) -> None:
    """What was written, for people and as JSON."""
    points = sum(len(line.ink) for line in written)
    print(f"{output}: {len(written)} line(s), {points} points in {write_seconds:.1f} s")
    command_line.print_json(
        {
            "output": str(output),
            "lines": len(written),
            "points": points,
            "redrawn": sum(line.attempts > BEST_OF.value for line in written),
            "faults": sum(line.fault is not None for line in written),
            "load_seconds": round(load_seconds, 2),
            "write_seconds": round(write_seconds, 2),
        }
    )


def warn(sentence: str) -> None:
    """A warning to standard error."""
    print(f"warning: {sentence}", file=sys.stderr)


def list_styles() -> None:
    """The styles that ship."""
    from graves_jax.sampling.styles import style_names

    print("\n".join(style_names()))
    command_line.print_json({"styles": style_names()})


def check_output() -> pathlib.Path:
    """The file of --output, found out before the work whether it can be written."""
    from graves_jax.drawing.files import writer_of
    from graves_jax.errors import InputError

    if OUTPUT.value is None:
        raise InputError("Expected --output=FILE, one of .svg, .png, .pdf, .gif or .jsonl, found none.")
    writer_of(OUTPUT.value)
    return pathlib.Path(OUTPUT.value)


def read_texts() -> list[str]:
    """The text of --text, or the lines of --texts_file."""
    from graves_jax.errors import InputError

    if (TEXT.value is None) == (TEXTS_FILE.value is None):
        raise InputError("Expected exactly one of --text and --texts_file.")
    if TEXT.value is not None:
        return [TEXT.value]
    path = pathlib.Path(TEXTS_FILE.value)
    try:
        texts = [line.rstrip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"Expected a UTF-8 text file at {path}, found a fault: {error}.") from error
    texts = [text for text in texts if text]
    if not texts:
        raise InputError(f"Expected lines of text in {path}, found none.")
    return texts


def load_weights():
    """The weights of --checkpoint, or those that ship."""
    from graves_jax.errors import InputError
    from graves_jax.pretrained import load_pretrained

    if CHECKPOINT.value is None:
        return load_pretrained(WEIGHTS.value)
    if WEIGHTS.value is not None:
        raise InputError("Expected one of --checkpoint and --weights, found both.")
    from graves_jax.training.checkpoint import load_checkpoint

    return load_checkpoint(pathlib.Path(CHECKPOINT.value))


if __name__ == "__main__":
    command_line.use_huge_pages()
    command_line.run(main)
