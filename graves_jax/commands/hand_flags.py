"""Flags of the commands that write: the weights, the hand, and how it writes."""

import pathlib
import sys

from absl import flags

from graves_jax.commands import weights_flags
from graves_jax.errors import InputError

STYLE = flags.DEFINE_string(
    "style", None, "Hand to write in: a name (--list_styles), a .hand file, own ink (.jsonl, .inkml), or any."
)
LIST_STYLES = flags.DEFINE_bool("list_styles", False, "Only print the names of the styles that ship.")
BIAS = flags.DEFINE_float("bias", 0.75, "0 writes as messily as people do, more is neater; Graves section 5.4.")
PRECISION = flags.DEFINE_enum(
    "precision", "float32", ["float32", "tensorfloat32", "bfloat16"], "Of the matrix products' operands."
)
SLANT = flags.DEFINE_float("slant", 0.0, "Degrees that the hand leans further to the right.", -30, 30)
WIDTH = flags.DEFINE_float("letter_width", 1.0, "Factor of the width of the hand's letters.", 0.5, 2)
STROKES = flags.DEFINE_float("strokes", 1.0, "Factor of the hand's strokes per letter: less joins them.", 0.5, 2)
SEED = flags.DEFINE_integer("seed", 0, "Another seed, another hand.", lower_bound=0, upper_bound=2**32 - 1)
BEST_OF = flags.DEFINE_integer("best_of", 1, "Draw each line so many times and keep the clearest.", lower_bound=1)
PLAIN_LETTERS = flags.DEFINE_bool(
    "plain_letters", False, "Write letters with accents that the hand lacks without them."
)

flags.adopt_module_key_flags(weights_flags)

# A text of more bytes is not read at all.
MAX_TEXT_BYTES = 4_000_000


def load_weights():
    """The weights of --checkpoint or --weights, the hand's own, or those that ship, with the precision asked for."""
    return weights_flags.load_weights(STYLE.value).computed_with(PRECISION.value)


def load_hand(weights):
    """The hand of --style, or the one that --seed draws; None where the weights draw none."""
    from graves_jax.sampling.styles import adjust_style, draw_style, load_style

    hand = draw_style(SEED.value, weights) if STYLE.value is None else load_style(STYLE.value, weights)
    if SLANT.value == 0 and WIDTH.value == STROKES.value == 1:
        return hand
    return adjust_style(hand, weights, slant=SLANT.value, width=WIDTH.value, strokes=STROKES.value)


def list_styles() -> dict:
    """Prints the styles that ship."""
    from graves_jax.sampling.styles import style_names

    print("\n".join(style_names()))
    return {"styles": style_names()}


def read_text(path: str) -> str:
    """A text file.

    Raises:
      InputError: there is none, or it is too large, or in another encoding than UTF-8.
    """
    from graves_jax.files import is_file

    file = pathlib.Path(path)
    if not is_file(file):
        raise InputError(f"Expected a text file at {path!r:.300}, found no such file.")
    size = file.stat().st_size
    if size > MAX_TEXT_BYTES:
        raise InputError(f"Expected a text of at most {MAX_TEXT_BYTES:,} bytes, found {size:,} in {path!r:.300}.")
    content = file.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"Expected a text file in UTF-8, found another encoding in line {row} of {path!r:.300}; save it as UTF-8."
        ) from None


def rare_characters(weights, text: str) -> str | None:
    """What to say of characters that stood too seldom in the training data; None where there are none."""
    from graves_jax.sampling.write import coverage

    seldom = [
        f"{character!r} ({count} times)" for character, count in coverage(weights, text).items() if character != "\n"
    ]
    return f"{', '.join(seldom)} stood too seldom in the training data and may come out badly" if seldom else None


def faults(written) -> str | None:
    """What to say of lines that are kept although something is wrong with them."""
    bad = [line for line in written if line.fault]
    if not bad:
        return None
    texts = ", ".join(f"{line.ink.text!r:.60} although {line.fault}" for line in bad[:3])
    more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
    return f"kept after {max(line.attempts for line in bad)} tries: {texts}{more}"


def warn(reasons: list[str | None]) -> None:
    """All warnings in one sentence to standard error."""
    said = [reason for reason in reasons if reason]
    if said:
        print(f"warning: {'; '.join(said)}.", file=sys.stderr)
