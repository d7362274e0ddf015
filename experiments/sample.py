"""Writes text by hand.

    python experiments/sample.py --text="You know nothing Jon Snow" --output=snow.svg
    python experiments/sample.py --text="neater" --bias=1 --seed=7 --num_samples=5 --output=neater.png
    python experiments/sample.py --texts_file=letter.txt --output=letter.pdf          one line of ink per line of text
    python experiments/sample.py --text="from my own run" --checkpoint=run --output=own.jsonl

The suffix of --output says what is written: a page of ink as .svg, .png or .pdf, the pen writing as .gif, or the ink
itself as .jsonl, one line of ink per row. A report goes to standard output, and on its last line the same as JSON.
"""

import pathlib
import sys
import time

import command_line
from absl import flags

TEXT = flags.DEFINE_string("text", None, "What to write, on one line.")
TEXTS_FILE = flags.DEFINE_string("texts_file", None, "A UTF-8 text file: each of its lines is written as one.")
OUTPUT = flags.DEFINE_string("output", None, "File to write: .svg, .png, .pdf, .gif or .jsonl.", required=True)
CHECKPOINT = flags.DEFINE_string("checkpoint", None, "Workdir of a training run, or one checkpoint in it.")
WEIGHTS = flags.DEFINE_string("weights", None, "Name of weights that ship with the package.")
BIAS = flags.DEFINE_float("bias", 0.5, "0 writes as messily as people do, more is neater; Graves section 5.4.")
SEED = flags.DEFINE_integer("seed", 0, "Another seed, another hand.", lower_bound=0)
NUM_SAMPLES = flags.DEFINE_integer("num_samples", 1, "Write each text so many times.", lower_bound=1)


def main() -> None:
    # JAX takes a second to import: a wrong flag is told without it.
    from graves_jax.drawing.files import write_ink, writer_of

    output = pathlib.Path(OUTPUT.value)
    writer_of(output)
    texts = [text for text in read_texts() for _ in range(NUM_SAMPLES.value)]
    started = time.perf_counter()

    import jax

    from graves_jax.sampling.write import write_lines

    command_line.use_compilation_cache()
    weights = load_weights()
    imported = time.perf_counter()
    key = jax.random.key(SEED.value)
    written = write_lines(
        weights, texts, keys=[jax.random.fold_in(key, row) for row in range(len(texts))], bias=BIAS.value
    )
    write_ink(output, [line.ink for line in written])
    unfinished = [line.ink.text for line in written if not line.finished]
    for text in unfinished:
        print(f"warning: {text!r} did not end by itself and was cut.", file=sys.stderr)
    points = sum(len(line.ink) for line in written)
    seconds = time.perf_counter() - imported
    print(f"{output}: {len(written)} line(s), {points} points in {seconds:.1f} s")
    command_line.print_json(
        {
            "output": str(output),
            "lines": len(written),
            "points": points,
            "unfinished": len(unfinished),
            "load_seconds": round(imported - started, 2),
            "write_seconds": round(seconds, 2),
        }
    )


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
    from graves_jax.pretrained import DEFAULT, load_pretrained

    if CHECKPOINT.value is None:
        return load_pretrained(WEIGHTS.value or DEFAULT)
    if WEIGHTS.value is not None:
        raise InputError("Expected one of --checkpoint and --weights, found both.")
    from graves_jax.training.checkpoint import load_checkpoint

    return load_checkpoint(pathlib.Path(CHECKPOINT.value))


if __name__ == "__main__":
    command_line.run(main)
