"""Which known characters a new one looks like, from which its rows of the weights are initialised."""

import unicodedata
from collections.abc import Collection

# What Unicode does not decompose. Of Greek and Cyrillic only letters that look like Latin ones when written by hand.
_LOOK_ALIKES = {
    "ß": "B", "ẞ": "B", "æ": "ae", "œ": "oe", "Æ": "AE", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d",
    "Đ": "D", "ð": "d", "þ": "p", "ı": "i", "€": "C", "£": "L", "¥": "Y", "¢": "c", "’": "'", "‘": "'", "“": '"',
    "”": '"', "„": ",", "–": "-", "—": "-", "…": ".", "·": ".", "×": "x", "¿": "?", "¡": "!",
    "α": "a", "β": "B", "γ": "y", "ε": "e", "η": "n", "ι": "i", "κ": "k", "ν": "v", "ο": "o", "ρ": "p", "ς": "c",
    "σ": "o", "τ": "t", "υ": "u", "χ": "x", "ω": "w", "Α": "A", "Β": "B", "Ε": "E", "Ζ": "Z", "Η": "H", "Ι": "I",
    "Κ": "K", "Μ": "M", "Ν": "N", "Ο": "O", "Ρ": "P", "Τ": "T", "Υ": "Y", "Χ": "X", "Γ": "T", "Θ": "O", "Φ": "O",
    "а": "a", "в": "B", "г": "r", "д": "g", "е": "e", "з": "3", "и": "u", "й": "u", "к": "k", "л": "n", "м": "m",
    "н": "H", "о": "o", "п": "n", "р": "p", "с": "c", "т": "m", "у": "y", "х": "x", "ь": "b", "я": "r", "А": "A",
    "В": "B", "Е": "E", "З": "3", "К": "K", "М": "M", "Н": "H", "О": "O", "Р": "P", "С": "C", "Т": "T", "У": "Y",
    "Х": "X", "Ё": "E", "ё": "e", "і": "i", "І": "I", "ј": "j", "Ј": "J",
}  # fmt: skip


def look_alikes(new: str, known: Collection[str]) -> dict[str, str]:
    """For each new character the known ones that it resembles: é the e, œ the o and the e. The rest is left out."""
    found = {}
    for character in new:
        # A letter with marks decomposes into the letter, then the marks.
        candidates = _LOOK_ALIKES.get(character) or unicodedata.normalize("NFKD", character)[0]
        candidates = "".join(candidate for candidate in candidates if candidate in known)
        if candidates:
            found[character] = candidates
    return found
