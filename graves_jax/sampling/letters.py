"""How well the letters of a written line can be told: a small network that has seen letters of real lines.

For each character of the text it is given the ink over which the window looked at it, and says how probable each
character is: three layers, a few thousand products, a millisecond a line. It reads letters one by one, without
context, so it does not measure legibility; the recognisers that do had no part in its training.

It learned from training lines of IAM-OnDB, along which the default weights were led (`experiments/train_letters.py`),
so it reads for weights of that protocol.
"""

import functools
import json
import pathlib
from typing import NamedTuple

import numpy as np
import safetensors
import safetensors.numpy

from graves_jax.data.ink import Ink
from graves_jax.model.weights import Weights
from graves_jax.sampling.levelling import level

SHIPPED = pathlib.Path(__file__).parent.parent / "pretrained" / "letters.safetensors"
# A letter is seen at so many points, from so many before the window came to it until so many after it left.
POINTS, AROUND = 16, 2
# Longer than any letter; what a stuck pen inks beyond is left out.
_LONGEST = 60
# Of a letter that the window passed over.
UNSEEN_NATS = 6.0
# The height of a line without small letters, as a multiple of an x.
_WHOLE_HEIGHT = 2.5
# Distances in x-heights beyond this are as good as far away.
_FAR = 4.0


class LetterReader(NamedTuple):
    """The network: `characters` it tells apart, features' mean and deviation, and its layers (kernel, bias)."""

    characters: str
    mean: np.ndarray
    std: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]

    def log_probabilities(self, features: np.ndarray) -> np.ndarray:
        """log p(character | ink). Shape [U, D] to [U, C]."""
        h = (features - self.mean) / self.std
        for kernel, bias in self.layers[:-1]:
            h = np.maximum(h @ kernel + bias, 0)
        logits = h @ self.layers[-1][0] + self.layers[-1][1]
        logits -= logits.max(axis=1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def letter_nats(reader: LetterReader, ink: Ink, position: np.ndarray, points_per_character: float) -> np.ndarray:
    """-log p of each character of the text. Spaces, and characters that the reader does not know, cost nothing.

    Args:
      ink: the line, with its text of U characters.
      position: the character that the window looked at most, from 0, at each row of the ink. Shape [T].
      points_per_character: of the ink.
    Returns:
      Shape [U].
    """
    features, seen = letter_features(ink, position, points_per_character)
    log_p = reader.log_probabilities(features)
    codes = np.array([reader.characters.find(character) for character in ink.transcript])
    nats = np.where(seen, -log_p[np.arange(len(codes)), codes], UNSEEN_NATS)
    return np.where((codes < 0) | np.array([character == " " for character in ink.transcript]), 0.0, nats)


def word_nats(text: str, nats: np.ndarray) -> np.ndarray:
    """One number for each word between single spaces: its letters' nats by the root of how many they are.

    The sum would call long words doubtful, the mean would hide one bad letter in them.
    """
    words = text.split(" ")
    ends = np.cumsum([len(word) + 1 for word in words]) - 1
    return np.array(
        [nats[end - len(word) : end].sum() / max(len(word), 1) ** 0.5 for word, end in zip(words, ends, strict=True)]
    )


def doubts(ink: Ink, position: np.ndarray, weights: Weights) -> np.ndarray | None:
    """How doubtful each word of a line is, in the nats of `word_nats`; None where no reader reads for the weights."""
    reader = reader_for(weights)
    if reader is None:
        return None
    return word_nats(ink.transcript, letter_nats(reader, ink, position, weights.network.points_per_character))


def letter_features(ink: Ink, position: np.ndarray, points_per_character: float) -> tuple[np.ndarray, np.ndarray]:
    """What the reader is shown of each character, and whether the window looked at it at all. Shapes [U, D] and [U]."""
    line = level(ink, position)
    points, letters = np.concatenate(line.strokes), np.concatenate(line.looked_at)
    x_height = line.x_height or float(np.ptp(points[:, 1])) / _WHOLE_HEIGHT or 1.0
    x, y = points[:, 0] / x_height, (points[:, 1] - line.baseline) / x_height
    lifts = np.zeros(len(points) + 1)
    lifts[np.cumsum([len(stroke) for stroke in line.strokes])] = 1
    lifts = np.cumsum(lifts)
    features, seen = np.zeros((len(ink.transcript), 3 * POINTS + 2)), np.zeros(len(ink.transcript), bool)
    for place in np.unique(letters[letters < len(ink.transcript)]):
        own = np.flatnonzero(letters == place)
        first, last = max(own[0] - AROUND, 0), min(own[-1] + AROUND, len(points) - 1, own[0] - AROUND + _LONGEST)
        at = np.linspace(first, last, POINTS)
        nodes = np.arange(first, last + 1)
        features[place] = [
            *np.clip(np.interp(at, nodes, x[first : last + 1]) - x[own].mean(), -_FAR, _FAR),
            *np.clip(np.interp(at, nodes, y[first : last + 1]), -_FAR, _FAR),
            *np.minimum(np.diff(lifts[np.concatenate([[first], np.round(at).astype(int) + 1])]), 2),
            np.log(len(own) / points_per_character),
            len(nodes) / points_per_character,
        ]
        seen[place] = True
    return features, seen


def reader_for(weights: Weights) -> LetterReader | None:
    """The reader that ships, where these weights write ink of the protocol that it learned from; else None."""
    data = weights.provenance.get("data")
    fits = isinstance(data, dict) and (data.get("source"), data.get("protocol")) == ("iam_ondb", "writer")
    return _shipped() if fits else None


def save_reader(path: pathlib.Path, reader: LetterReader, about: dict) -> None:
    """Writes a reader as safetensors with float16 kernels, and what it learned from."""
    tensors = {"mean": reader.mean.astype(np.float32), "std": reader.std.astype(np.float32)}
    for number, (kernel, bias) in enumerate(reader.layers):
        tensors |= {f"kernel_{number}": kernel.astype(np.float16), f"bias_{number}": bias.astype(np.float32)}
    metadata = {"characters": reader.characters, "about": json.dumps(about)}
    safetensors.numpy.save_file(tensors, path, metadata)


def load_reader(path: pathlib.Path) -> LetterReader:
    """The inverse of `save_reader`."""
    with safetensors.safe_open(path, "numpy") as file:
        characters = file.metadata()["characters"]
        tensors = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
    layers = [(tensors[f"kernel_{n}"], tensors[f"bias_{n}"]) for n in range(sum("kernel" in name for name in tensors))]
    return LetterReader(characters, tensors["mean"], tensors["std"], tuple(layers))


@functools.cache
def _shipped() -> LetterReader | None:
    return load_reader(SHIPPED) if SHIPPED.is_file() else None
