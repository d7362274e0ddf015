"""Which text a line has: from a file, from a list of words, or made up. A pure function of the line's number."""

import collections
import dataclasses
import functools
import pathlib

import numpy as np

from graves_jax.data.hershey.sentences import make_sentence
from graves_jax.data.ink import is_unicode
from graves_jax.errors import InputError
from graves_jax.files import sha256_of

# Sentences are made up anew until they have none but allowed characters. One in three fits the alphabet of `iam`.
_MAX_TRIES = 1_000


@dataclasses.dataclass(frozen=True)
class Sentences:
    """Made-up sentences (data/sentences.py) of so many characters, both bounds included."""

    min_characters: int
    max_characters: int

    def __post_init__(self):
        if not 1 <= self.min_characters <= self.max_characters:
            raise InputError(
                f"Expected sentences of 1 or more characters, LOW,HIGH, found {self.min_characters},"
                f"{self.max_characters}."
            )

    @property
    def longest(self) -> int:
        """Characters of the longest text that may come."""
        return self.max_characters

    def make(self, number: int, rng: np.random.Generator, characters: frozenset[str]) -> str:
        """The text of a line, of these characters."""
        del number
        for _ in range(_MAX_TRIES):
            text = make_sentence(rng, min_characters=self.min_characters, max_characters=self.max_characters)
            if characters.issuperset(text):
                return text
        raise InputError(
            f"Expected weights that can write sentences, found none in {_MAX_TRIES:,} whose letters they know; "
            "--texts_file or --words_file says what to write."
        )

    def description(self) -> dict:
        """JSON values that say which texts come."""
        return {"from": "sentences", "min_characters": self.min_characters, "max_characters": self.max_characters}


@dataclasses.dataclass(frozen=True)
class Lines:
    """The lines of a UTF-8 file in turn: line n of the data set has the text n mod N."""

    path: str

    @property
    def longest(self) -> int:
        """Characters of the longest text."""
        return max(map(len, _read_lines(self.path)))

    def make(self, number: int, rng: np.random.Generator, characters: frozenset[str]) -> str:
        """The text of a line."""
        del rng, characters
        texts = _read_lines(self.path)
        return texts[number % len(texts)]

    def description(self) -> dict:
        """JSON values that say which texts come."""
        return {"from": "file", "texts": len(_read_lines(self.path)), "sha256": _sha256(self.path)}


@dataclasses.dataclass(frozen=True)
class Words:
    """Words of a file with one a line, each as likely as any other; between `least` and `most` of them a text."""

    path: str
    least: int
    most: int

    def __post_init__(self):
        if not 1 <= self.least <= self.most:
            raise InputError(f"Expected 1 or more words a line, LOW,HIGH, found {self.least},{self.most}.")

    @property
    def longest(self) -> int:
        """Characters of the longest text that may come."""
        return self.most * (max(map(len, _read_lines(self.path))) + 1) - 1

    def make(self, number: int, rng: np.random.Generator, characters: frozenset[str]) -> str:
        """The text of a line."""
        del number, characters
        words = _read_lines(self.path)
        count = int(rng.integers(self.least, self.most + 1))
        return " ".join(words[i] for i in rng.integers(len(words), size=count))

    def description(self) -> dict:
        """JSON values that say which texts come."""
        return {
            "from": "words",
            "words": len(_read_lines(self.path)),
            "sha256": _sha256(self.path),
            "least": self.least,
            "most": self.most,
        }


Texts = Sentences | Lines | Words


def check_characters(path: str, characters: frozenset[str]) -> None:
    """Raises InputError where a file of lines or words has characters that are not allowed; it names the first."""
    unknown = collections.Counter(c for text in _read_lines(path) for c in text if c not in characters)
    if unknown:
        [(first, count)] = unknown.most_common(1)
        raise InputError(
            f"Expected texts of characters that the weights know, found {len(unknown)} others in {path}, "
            f"{first!r} {count} times; known are {''.join(sorted(characters))!r}."
        )


@functools.cache
def _read_lines(path: str) -> list[str]:
    """Lines without what is blank at their ends; empty ones are passed over."""
    try:
        texts = [line.strip() for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        fault = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InputError(f"Expected a UTF-8 text file at {path}, found a fault: {fault}.") from None
    texts = [text for text in texts if text]
    if not texts:
        raise InputError(f"Expected lines of text in {path}, found none.")
    if not all(map(is_unicode, texts)):
        raise InputError(f"Expected Unicode characters in {path}, found half a surrogate pair.")
    return texts


@functools.cache
def _sha256(path: str) -> str:
    return sha256_of(pathlib.Path(path))
