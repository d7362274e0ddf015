"""Files of learned hands: `.hand`, JSON, which `learn_hand.py` writes and every `--style` takes.

A hand is either a style vector of weights that others have too, or weights of its own, in a folder beside the file:

    {"format": 1, "name": "mine", "vector": [0.3, ...], "weights": null, "weights_sha256": "...", ...}
    {"format": 1, "name": "mine", "vector": null, "weights": "mine.weights", "weights_sha256": "...", ...}
"""

import dataclasses
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.files import is_file, whole_file
from graves_jax.model.weights import Weights, fingerprint, load_weights

SUFFIX = ".hand"
FORMAT = 1
# A vector has some dozen numbers.
MAX_BYTES = 1 << 20
# Hands are drawn from N(0, 1).
MAX_NUMBER = 1e6
# Of the line that a hand's own weights read before they write.
STYLE_CHARACTERS = 25


@dataclasses.dataclass(frozen=True, eq=False)
class Hand:
    """What a file says.

    Attributes:
      name: of the hand.
      weights_sha256: fingerprint of the weights that it goes with.
      vector: style vector, shape [E], float32; None where the weights write this hand without.
      weights: folder of weights that are this hand's alone, beside the file; None where they are anyone's.
      style: a line of the person's at the weights' scale, which weights of its own read first: they still know other
        hands. None where there is a vector.
      facts: what else is known: nats, lines, version; JSON values.
    """

    name: str
    weights_sha256: str
    vector: np.ndarray | None = None
    weights: str | None = None
    style: Ink | None = None
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)


def is_hand(style: Any) -> bool:
    """Whether a style is a .hand file, by its name."""
    return isinstance(style, str | os.PathLike) and os.fspath(style).endswith(SUFFIX)


def line_to_read(own: Sequence[Ink]) -> Ink:
    """The line that shows a hand and takes little time to read before each text."""
    return min(own, key=lambda ink: abs(len(ink.transcript) - STYLE_CHARACTERS))


def save_hand(path: pathlib.Path, hand: Hand) -> None:
    """Writes the file, whole or not at all."""
    content = {
        "format": FORMAT,
        "name": hand.name,
        "vector": None
        if hand.vector is None
        else [float(str(number)) for number in np.asarray(hand.vector, np.float32)],
        "weights": hand.weights,
        "weights_sha256": hand.weights_sha256,
        "style": None if hand.style is None else {"text": hand.style.text, "strokes": hand.style.offsets.tolist()},
        **hand.facts,
    }
    with whole_file(path) as unfinished:
        unfinished.write_bytes((json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode())


def load_hand(path: str | os.PathLike) -> Hand:
    """Reads what `save_hand` wrote.

    Raises:
      InputError: the file is missing, damaged, something else, or of a newer format.
    """
    path = pathlib.Path(path)
    if not is_file(path):
        raise InputError(f"Expected a hand made by learn_hand.py at {str(path)!r:.200}, found no such file.")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("too large")
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content.pop("format")
        hand = Hand(
            name=content.pop("name"),
            weights_sha256=content.pop("weights_sha256"),
            vector=_vector(content.pop("vector")),
            weights=content.pop("weights"),
            style=_ink(content.pop("style")),
            facts=content,
        )
        texts = [hand.name, hand.weights_sha256, "" if hand.weights is None else hand.weights]
        if type(version) is not int or version < 1 or not all(isinstance(text, str) for text in texts):
            raise ValueError("another kind of value")
        if hand.weights is not None and pathlib.PurePath(hand.weights).name != hand.weights:
            raise ValueError("weights elsewhere")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        raise InputError(f"{path} is not a hand made by learn_hand.py, or is damaged.") from None
    if version > FORMAT:
        raise InputError(f"{path} has hand format {version}, expected at most {FORMAT}: upgrade.")
    return hand


def _vector(values: Any) -> np.ndarray | None:
    if values is None:
        return None
    if not isinstance(values, list) or not values or not set(map(type, values)) <= {int, float}:
        raise ValueError("no vector")
    if max(map(abs, values)) > MAX_NUMBER or any(value != value for value in values):
        raise ValueError("not a vector of a hand")
    return np.array(values, np.float32)


def _ink(row: Any) -> Ink | None:
    if row is None:
        return None
    if not isinstance(row["text"], str) or not row["text"]:
        raise ValueError("ink without text")
    return Ink(np.array(row["strokes"], np.float32), row["text"])


def own_weights(style: Any) -> Weights | None:
    """The weights that are a hand's alone, where the style is such a hand; else None.

    Raises:
      InputError: the file or its weights are missing or damaged, or do not belong together.
    """
    if not is_hand(style):
        return None
    hand = load_hand(style)
    if hand.weights is None:
        return None
    weights = load_weights(pathlib.Path(style).parent / hand.weights)
    _check(hand, weights, style)
    return weights


def hand_style(style: str | os.PathLike, weights: Weights) -> np.ndarray | Ink | None:
    """The vector, or the line to read first, with which these weights write the hand; None where they do without.

    Raises:
      InputError: the file is missing or damaged, or belongs to other weights.
    """
    hand = load_hand(style)
    _check(hand, weights, style)
    if hand.vector is not None and len(hand.vector) != weights.network.style_size:
        raise InputError(
            f"Expected a vector of {weights.network.style_size} numbers in {style}, found {len(hand.vector)}."
        )
    return hand.style if hand.vector is None else hand.vector


def _check(hand: Hand, weights: Weights, style: str | os.PathLike) -> None:
    if hand.weights_sha256 != fingerprint(weights):
        advice = "its own, without --weights or --checkpoint" if hand.weights else "those that it was learned with"
        raise InputError(f"Expected {style} to be written with {advice}, found other weights.")
