"""Writes text by hand, each text on one line.

    graves-write --text="You know nothing Jon Snow" --output=snow.svg
    graves-write --text="neater" --bias=1 --seed=7 --num_samples=5 --output=neater.png
    graves-write --text="read without effort" --best_of=4 --output=clear.png
    graves-write --texts_file=lines.txt --output=lines.jsonl          one line of ink per line of text
    graves-write --text="in my hand" --style=mine.jsonl --output=hand.svg
    graves-write --text="from my own run" --checkpoint=run --output=own.jsonl

From a checkout without an installation: python experiments/sample.py. The suffix of --output says what is written: a
picture of the lines as .svg, .png or .pdf, the pen writing as .gif, or the ink itself as .jsonl, one line of ink per
row. Lines of --texts_file are in one hand; weights without style vectors write each in another. graves-page writes a
letter. A report goes to standard output, and on its last line the same as JSON.
"""

import pathlib
import time

from absl import flags

from graves_jax.commands import command_line, hand_flags
from graves_jax.errors import InputError

TEXT = flags.DEFINE_string("text", None, "What to write, on one line.")
TEXTS_FILE = flags.DEFINE_string("texts_file", None, "A UTF-8 text file: each of its lines is written as one.")
OUTPUT = flags.DEFINE_string("output", None, "File to write: .svg, .png, .pdf, .gif or .jsonl.")
NUM_SAMPLES = flags.DEFINE_integer("num_samples", 1, "Write each text so many times.", lower_bound=1)

flags.adopt_module_key_flags(hand_flags)


def main() -> None:
    """What the flags ask for."""
    if hand_flags.LIST_STYLES.value:
        command_line.print_json(hand_flags.list_styles())
        return
    output, texts = _check_output(), _read_texts()
    started = time.perf_counter()
    # JAX takes a second to import: a wrong flag is told without it.
    import jax

    from graves_jax.drawing.save import save_ink
    from graves_jax.sampling.write import write_lines

    command_line.use_compilation_cache()
    weights = hand_flags.load_weights()
    style = hand_flags.load_hand(weights)
    texts, mapped = _writable(texts, weights)
    loaded = time.perf_counter()
    key = jax.random.key(hand_flags.SEED.value)
    rows = [(text, _key_of(key, row, sample)) for row, text in enumerate(texts) for sample in range(NUM_SAMPLES.value)]
    written = write_lines(
        weights,
        [text for text, _ in rows],
        keys=[row_key for _, row_key in rows],
        bias=hand_flags.BIAS.value,
        style=style,
        best_of=hand_flags.BEST_OF.value,
        progress=True,
    )
    hand_flags.warn([hand_flags.rare_characters(weights, "".join(texts)), hand_flags.faults(written)])
    save_ink(output, [line.ink for line in written])
    _report(output, written, mapped, load_seconds=loaded - started, write_seconds=time.perf_counter() - loaded)


def _key_of(key, row: int, sample: int):
    """The key of a line: it depends on nothing but the seed, the text's place and which sample of it this is."""
    import jax

    return jax.random.fold_in(jax.random.fold_in(key, row), sample) if sample else jax.random.fold_in(key, row)


def _check_output() -> pathlib.Path:
    """The file of --output, found out before the work whether it can be written."""
    from graves_jax.drawing.save import saver_of

    if OUTPUT.value is None:
        raise InputError("Expected --output=FILE, one of .svg, .png, .pdf, .gif or .jsonl, found none.")
    saver_of(OUTPUT.value)
    return pathlib.Path(OUTPUT.value)


def _read_texts() -> list[str]:
    """The text of --text, or the lines of --texts_file, blank ones among them."""
    text, file = TEXT.value, TEXTS_FILE.value
    if text is not None and file is None:
        return [text]
    if text is not None or file is None:
        raise InputError("Expected exactly one of --text and --texts_file.")
    lines = hand_flags.read_text(file).splitlines()
    if not any(line.strip() for line in lines):
        raise InputError(f"Expected lines of text in {file!r:.300}, found none.")
    return lines


def _writable(texts: list[str], weights) -> tuple[list[str], dict[str, str]]:
    """The texts in characters that the hand knows, without blank ones.

    Returns:
      The texts; the characters that were replaced, and by what.

    Raises:
      InputError: a character can neither be written nor replaced, each named with its line and column, and the weights
        have no code for all others.
    """
    from graves_jax.layout.characters import make_writable

    # The lines are those of the file, so that a character is found there; a line end within --text is none.
    joined = "\n".join(text.replace("\n", " ") for text in texts)
    writable = make_writable(
        joined,
        weights.alphabet.characters,
        plain_letters=hand_flags.PLAIN_LETTERS.value,
        keep_others=weights.alphabet.has_other,
    )
    if TEXT.value is not None:
        return [writable.text], writable.mapped
    return [line.rstrip() for line in writable.text.split("\n") if line.strip()], writable.mapped


def _report(
    output: pathlib.Path, written, mapped: dict[str, str], *, load_seconds: float, write_seconds: float
) -> None:
    """What was written, for people and as JSON."""
    points = sum(len(line.ink) for line in written)
    print(f"{output}: {len(written)} line(s), {points} points in {write_seconds:.1f} s")
    if mapped:
        print(f"Replaced: {', '.join(f'{old} by {new}' for old, new in mapped.items())}")
    command_line.print_json(
        {
            "output": str(output),
            "lines": len(written),
            "points": points,
            "redrawn": sum(line.attempts > hand_flags.BEST_OF.value for line in written),
            "faults": sum(line.fault is not None for line in written),
            "mapped": mapped,
            "load_seconds": round(load_seconds, 2),
            "write_seconds": round(write_seconds, 2),
        }
    )


def command() -> None:
    """The installed command."""
    command_line.run(main)
