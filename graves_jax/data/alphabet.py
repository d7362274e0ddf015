"""Characters of the text and the codes that the network sees."""

import collections
import dataclasses
import functools

import numpy as np

from graves_jax.errors import InputError

# Graves (2013, section 5.2) keeps 57 characters and does not list them: this is the common reading, 56 characters
# and one code for "non-letter", which stands for every other one.
GRAVES_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ',."
# Printable ASCII, 95 characters.
ASCII_CHARACTERS = "".join(chr(code) for code in range(32, 127))


@dataclasses.dataclass(frozen=True)
class Alphabet:
    """A fixed, ordered set of characters.

    Attributes:
      characters: each character once; its index is its code.
      has_other: whether one more code, the last, stands for every character that is not listed. Without it such a
        character is an error.
      has_end: whether every text is followed by one more code, the very last, which says that it is over.
    """

    characters: str
    has_other: bool = False
    has_end: bool = False

    def __post_init__(self):
        if not self.characters:
            raise InputError("An alphabet needs at least one character, found none.")
        repeated = sorted(c for c, count in collections.Counter(self.characters).items() if count > 1)
        if repeated:
            raise InputError(f"An alphabet lists each character once, found {repeated} more than once.")

    def __len__(self) -> int:
        """The number of codes, C."""
        return len(self.characters) + self.has_other + self.has_end

    @property
    def codes(self) -> tuple[str, ...]:
        """What each code stands for: a character, "other" or "end". Length C."""
        return (*self.characters, *["other"] * self.has_other, *["end"] * self.has_end)

    @functools.cached_property
    def _code_of(self) -> dict[str, int]:
        return {c: code for code, c in enumerate(self.characters)}

    def with_characters(self, text: str) -> "Alphabet":
        """This alphabet and the characters of a text that it does not list, which come last, sorted."""
        new = "".join(sorted(set(text) - set(self.characters)))
        return dataclasses.replace(self, characters=self.characters + new)

    def unknown(self, text: str) -> list[tuple[int, str]]:
        """The characters of `text` that are not listed, each as (position from 0, character)."""
        return [(position, c) for position, c in enumerate(text) if c not in self.characters]

    def encode(self, text: str) -> np.ndarray:
        """Codes of a text of U characters. Shape [U], or [U + 1] where a code for its end follows. int32.

        Raises:
          InputError: the text is empty, or holds a character that is not listed while `has_other` is False.
        """
        if not text:
            raise InputError("The text is empty: expected at least one character.")
        unknown = self.unknown(text)
        if unknown and not self.has_other:
            named = ", ".join(f"{c!r} at position {position + 1}" for position, c in unknown[:5])
            more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
            raise InputError(
                f"The text has characters outside the alphabet: {named}{more}; known are {self.characters!r}."
            )
        other = len(self.characters)
        codes = [self._code_of.get(c, other) for c in text]
        return np.array([*codes, len(self) - 1] if self.has_end else codes, np.int32)


GRAVES_ALPHABET = Alphabet(GRAVES_CHARACTERS, has_other=True)
ASCII_ALPHABET = Alphabet(ASCII_CHARACTERS)
