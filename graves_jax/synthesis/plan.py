"""What a data set of written lines is: a plan. Every byte of it follows from the plan, whoever carries it out.

Line n depends on (seed, n) and on nothing that is written beside it: its text, bias, hand, augmentation and ink each
come from a random stream of their own, so that other hands leave the texts as they are.
"""

import dataclasses
import functools
import hashlib
import importlib.metadata
import json
import pathlib
from typing import Any, NamedTuple

import flax.traverse_util
import jax
import numpy as np

from graves_jax.api import load
from graves_jax.data.augmentation import Augmentation
from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.model.weights import Weights, check_reads_text
from graves_jax.sampling.stream import NUM_PLACES, Request
from graves_jax.sampling.styles import load_style, style_names
from graves_jax.sampling.write import MAX_BIAS, MAX_CHARACTERS, TEXT_MULTIPLE, coverage
from graves_jax.synthesis.formats import FORMATS
from graves_jax.synthesis.texts import Sentences, Texts, check_characters

HANDS = ("any", "styles", "vectors")
# What a random stream of a line is for.
_TEXT, _BIAS, _HAND, _AUGMENTATION = range(4)
# What the bytes may depend on besides the plan, and beside the package of the format.
_PACKAGES = ("graves_jax", "jax", "jaxlib", "numpy")


@dataclasses.dataclass(frozen=True)
class Plan:
    """Which lines are written into which files.

    Attributes:
      lines: in all, 1 to 2³²: their numbers are folded into keys of 32 bits.
      per_shard: lines of a file, at least 1; the last may have fewer.
      seed: another seed, another data set.
      weights: a name, or the folder of a training run.
      texts: where texts come from.
      bias: LOW and HIGH, between which it is drawn evenly.
      hands: out of `HANDS`; each line draws one. any: whatever hand the network comes up with. styles: one of the
        styles that ship. vectors: a new hand, z ~ N(0, 1), for weights with style vectors.
      augmentation: a random scale, slant and rotation for each line; None for ink as it is.
      format: out of `formats.FORMATS`.
      png_height: pixels of a picture of each line; 0 draws none.
      num_places: lines drawn at once.
    """

    lines: int
    per_shard: int
    seed: int
    weights: str
    texts: Texts
    bias: tuple[float, float] = (0.25, 1.0)
    hands: tuple[str, ...] = ("any",)
    augmentation: Augmentation | None = None
    format: str = "tar"
    png_height: int = 0
    num_places: int = NUM_PLACES

    def __post_init__(self):
        low, high = self.bias
        if not 0 <= low <= high <= MAX_BIAS:
            raise InputError(f"Expected biases LOW,HIGH between 0 and {MAX_BIAS:g}, found {low:g},{high:g}.")
        if not self.hands or not set(self.hands) <= set(HANDS):
            raise InputError(f"Expected hands out of {', '.join(HANDS)}, found {','.join(self.hands) or 'none'}.")
        if self.png_height and self.format != "tar":
            raise InputError(f"Expected the format tar where pictures are drawn, found {self.format}.")

    @property
    def shards(self) -> int:
        """How many files there are."""
        return -(-self.lines // self.per_shard)

    def numbers(self, shard: int) -> range:
        """The lines of a file."""
        return range(shard * self.per_shard, min((shard + 1) * self.per_shard, self.lines))

    def description(self) -> dict[str, Any]:
        """All that the bytes follow from, as JSON values: equal descriptions, equal data sets. Paths are none of it."""
        fields = dataclasses.asdict(self) | {"texts": self.texts.description()}
        weights = prepare(self).weights
        fields["weights"] = {
            "name": pathlib.Path(self.weights).name,
            "sha256": params_sha256(weights),
            "licence": weights.provenance.get("licence", "not stated"),
        }
        package = FORMATS[self.format].package
        packages = [*_PACKAGES, *([] if package is None else [package]), *(["matplotlib"] if self.png_height else [])]
        return fields | {"versions": {name: importlib.metadata.version(name) for name in packages}}


class Prepared(NamedTuple):
    """What a plan needs to be carried out, loaded once a process."""

    weights: Weights
    characters: frozenset[str]  # that made-up texts may have
    styles: dict[str, Ink | np.ndarray]
    num_characters: int  # what texts are padded to
    decimals: int  # of the ink: rounded to less than a 100th of a typical step


@functools.cache
def load_weights(weights: str) -> Weights:
    """Weights by name, or from the folder of a training run."""
    return load(checkpoint=weights) if pathlib.Path(weights).is_dir() else load(weights)


def usual_hands(weights: str) -> tuple[str, ...]:
    """New hands where the weights have style vectors, else whatever the network comes up with."""
    return ("vectors",) if load_weights(weights).network.style_size else ("any",)


@functools.cache
def prepare(plan: Plan) -> Prepared:
    """Loads and checks what a plan names.

    Raises:
      InputError: weights or texts are missing or cannot be used, or a text is too long.
    """
    weights = load_weights(plan.weights)
    check_reads_text(weights)
    known = frozenset(weights.alphabet.characters)
    # A label whose letters come out badly does more harm than good.
    characters = known - coverage(weights, weights.alphabet.characters).keys()
    if not isinstance(plan.texts, Sentences):
        check_characters(plan.texts.path, known)
    if "vectors" in plan.hands and not weights.network.style_size:
        raise InputError("Expected weights with style vectors for the hands vectors, found weights without.")
    longest = plan.texts.longest
    if longest > MAX_CHARACTERS:
        raise InputError(f"Expected texts of at most {MAX_CHARACTERS} characters, found up to {longest}.")
    styles = {}
    if "styles" in plan.hands:
        loaded = {name: load_style(name, weights) for name in style_names()}
        styles = {name: style for name, style in loaded.items() if style is not None}
        if not styles:
            raise InputError("Expected styles that ship for the hands styles, found none: their file was taken away.")
        longest += max((len(style.transcript) + 1 for style in styles.values() if isinstance(style, Ink)), default=0)
    step = min(weights.normalisation.std)
    longest += weights.alphabet.has_end
    num_characters = -(-longest // TEXT_MULTIPLE) * TEXT_MULTIPLE
    return Prepared(weights, characters, styles, num_characters, max(0, 2 - int(np.floor(np.log10(step)))))


class Draw(NamedTuple):
    """What chance decided about a line."""

    text: str
    bias: float
    hand: str  # "any", "vector", or the name of a style
    z: tuple[float, ...] | None  # of a vector, or of a style that is one


def draw(plan: Plan, number: int) -> Draw:
    """What line `number` is to be."""
    prepared = prepare(plan)
    text = plan.texts.make(number, _rng(plan, number, _TEXT), prepared.characters)
    # Four digits say it exactly, in a JSON file too.
    bias = round(float(_rng(plan, number, _BIAS).uniform(*plan.bias)), 4)
    rng = _rng(plan, number, _HAND)
    hand = plan.hands[int(rng.integers(len(plan.hands)))]
    z = None
    if hand == "vectors":
        hand, z = "vector", tuple(rng.standard_normal(prepared.weights.network.style_size).tolist())
    elif hand == "styles":
        hand = list(prepared.styles)[int(rng.integers(len(prepared.styles)))]
        style = prepared.styles[hand]
        if isinstance(style, np.ndarray):
            z = tuple(style.tolist())
    return Draw(text, bias, hand, z)


def request_of(plan: Plan, number: int, line: Draw) -> Request:
    """The line as the stream takes it."""
    style = prepare(plan).styles.get(line.hand)
    return Request(number, line.text, line.bias, style if isinstance(style, Ink) else None, line.z)


def augment(plan: Plan, number: int, ink: Ink) -> Ink:
    """The ink as it might have been written on another day."""
    if plan.augmentation is None:
        return ink
    return plan.augmentation(ink, _rng(plan, number, _AUGMENTATION))


def params_sha256(weights: Weights) -> str:
    """sha256 of the parameters, names included."""
    digest = hashlib.sha256()
    for name, value in sorted(flax.traverse_util.flatten_dict(weights.params, sep="/").items()):
        array = np.ascontiguousarray(jax.device_get(value))
        digest.update(json.dumps([name, str(array.dtype), array.shape]).encode() + array.tobytes())
    return digest.hexdigest()


def _rng(plan: Plan, number: int, stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(number, stream)))
