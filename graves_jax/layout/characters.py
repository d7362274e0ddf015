"""Text as word processors leave it, brought to the characters that a hand can write.

Every replacement stands in a table below, is applied only where the character itself cannot be written, and is
reported. What no table has is reported too, each character with all its places; nothing is left out silently.
"""

import dataclasses
import unicodedata
from collections.abc import Collection, Mapping

from graves_jax.errors import InputError

TAB_COLUMNS = 4

# Always applied: the sign is another form of the same.
REPLACEMENTS: Mapping[str, str] = {
    # Quotation marks and primes.
    **dict.fromkeys("‘’‚‛′‹›´`ʼʻ", "'"),
    **dict.fromkeys("“”„‟″«»〝〞", '"'),
    # Hyphens, dashes, the minus sign, bullets.
    **dict.fromkeys("‐‑‒–—―−⁃•◦▪●‣·", "-"),
    "…": "...",
    # Spaces of any width, and what has none: zero-width characters, soft hyphens, the byte order mark.
    **dict.fromkeys("\u00a0\u1680\u202f\u205f\u3000", " "),
    **dict.fromkeys(map(chr, range(0x2000, 0x200B)), " "),
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", ""),
    # Ligatures, and signs that are written out.
    "ﬀ": "ff",
    "ﬁ": "fi",
    "ﬂ": "fl",
    "ﬃ": "ffi",
    "ﬄ": "ffl",
    "ﬅ": "st",
    "ﬆ": "st",
    "½": "1/2",
    "¼": "1/4",
    "¾": "3/4",
    "×": "x",
    "№": "No.",
    "©": "(c)",
    "®": "(R)",
    "™": "(TM)",
    "⁄": "/",
}  # fmt: skip

# With `plain_letters`, beside the letters whose accents Unicode itself can take off.
PLAIN_LETTERS: Mapping[str, str] = {
    "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
    "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "ħ": "h", "Ħ": "H", "ŋ": "ng", "Ŋ": "Ng",
    "¡": "!", "¿": "?", "ª": "a", "º": "o",
}  # fmt: skip

# A sentence names so many places of one character, and so many characters; of the rest it gives the number.
_PLACES, _NAMED = 3, 20


@dataclasses.dataclass(frozen=True)
class WritableText:
    """A text of characters that can be written.

    Attributes:
      text: lines end with a newline; a form feed begins a page.
      mapped: what was replaced, and by what.
    """

    text: str
    mapped: dict[str, str]


def make_writable(
    text: str, known: Collection[str], *, plain_letters: bool = False, keep_others: bool = False
) -> WritableText:
    """Replaces the characters that a hand does not know by those that it does.

    Args:
      text: of any line ends; tabs go on to the next multiple of `TAB_COLUMNS` columns.
      known: the characters that can be written.
      plain_letters: letters with accents that are not known lose them.
      keep_others: characters that can neither be written nor replaced stay: for weights with a code for all others.
    Raises:
      InputError: a character can neither be written nor replaced, and is not to be kept; all of them are named with
        line and column.
    """
    # A letter and its combining accent are one character where Unicode has it.
    lines = unicodedata.normalize("NFC", _unix_line_ends(text)).split("\n")
    mapped: dict[str, str] = {}
    unknown: dict[str, list[tuple[int, int]]] = {}
    written = []
    for row, line in enumerate(lines, start=1):
        done = []
        for column, character in enumerate(line, start=1):
            replacement = _replacement(character, known, plain_letters)
            if replacement is None and keep_others:
                replacement = character
            if replacement is None:
                unknown.setdefault(character, []).append((row, column))
                continue
            if replacement != character:
                mapped[character] = replacement
            done.append(replacement)
        written.append("".join(done).expandtabs(TAB_COLUMNS))
    if unknown:
        raise InputError(_sentence(unknown, known, plain_letters))
    return WritableText("\n".join(written), mapped)


def _unix_line_ends(text: str) -> str:
    for end in ("\r\n", "\r", "\x85", "\u2028", "\u2029", "\v"):
        text = text.replace(end, "\n")
    return text


def _replacement(character: str, known: Collection[str], plain_letters: bool) -> str | None:
    """What is written for a character: itself, what the tables have, or None."""
    if character in known or character in " \t\f":
        return character
    found = REPLACEMENTS.get(character)
    if found is None and plain_letters:
        found = _without_accent(character)
    if found is None or any(c not in known and c != " " for c in found):
        return None
    return found


def _without_accent(character: str) -> str | None:
    """The letter without its accents; "" for an accent that stands alone; None for what has none."""
    if character in PLAIN_LETTERS:
        return PLAIN_LETTERS[character]
    decomposed = unicodedata.normalize("NFKD", character)
    plain = "".join(PLAIN_LETTERS.get(c, c) for c in decomposed if not unicodedata.combining(c))
    return plain if plain != character else None


def _sentence(unknown: Mapping[str, list[tuple[int, int]]], known: Collection[str], plain_letters: bool) -> str:
    named = [f"{character!r} ({_places(places)})" for character, places in list(unknown.items())[:_NAMED]]
    more = f", and {len(unknown) - _NAMED} other characters" if len(unknown) > _NAMED else ""
    would_help = not plain_letters and any(_replacement(character, known, True) is not None for character in unknown)
    hint = "; --plain_letters writes letters without their accents" if would_help else ""
    return (
        f"Expected characters that the hand can write, found {', '.join(named)}{more}{hint}; "
        f"known are {''.join(sorted(known))!r}."
    )


def _places(places: list[tuple[int, int]]) -> str:
    listed = "; ".join(f"line {row}, column {column}" for row, column in places[:_PLACES])
    return f"{listed}; {len(places) - _PLACES} more" if len(places) > _PLACES else listed
