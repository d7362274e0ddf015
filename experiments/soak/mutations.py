"""Damage, drawn from a seeded generator: to bytes, to numbers, to texts, to JSON values."""

import copy
import random
from typing import Any

# What parsers trip over: ends and beginnings of their tokens, bytes that are no UTF-8, and sizes at their limits.
_TOKENS = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3", b"\xed\xa0\x80", b"\r", b"\n\n", b"<", b">", b"&", b"&#0;",
    b"<![CDATA[", b"<!--", b"<?", b'"', b"{", b"}", b"[", b"]", b"\\ud800", b"\\", b"NaN", b"-1", b"1e999", b"9" * 30,
    b"9" * 5_000, b"\x7f\xff\xff\xff", b"\x80" + bytes(7), b"PK\x03\x04", b"\x1f\x8b", b"%s%n", b"../",
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 0.5, -0.0, 1e-320, 3.4e38, 3.5e38, -1e39, 1e308, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63,
    2**64, -(2**63), 10**30, 10**400, float("nan"), float("inf"), float("-inf"),
)  # fmt: skip
NO_NUMBERS = (None, True, False, "", "1", "nan", "x" * 20_000, [], {}, [[]], [1], {"a": 1}, "\ud800", "é")

_LATIN = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ,.'"
_KINDS_OF_CHARACTERS = (
    _LATIN,
    _LATIN,
    "".join(map(chr, range(32, 127))),
    "".join(map(chr, range(32))) + "\x7f\x85\xa0",
    "😀👩‍👩‍👧🇩🇪❤️🏳️‍🌈",
    "אבגדהمرحبا\u200f\u202e\u2066",
    "e\u0301a\u0308o\u0302\u0327\u0489\u20dd",
    "\ud800\udfff\udc00",
    "\ufffe\uffff\U0010ffff\u2028\ufeff",
    "漢字かな한글Ωжñß",
)


def damage_bytes(content: bytes, rng: random.Random) -> bytes:
    """One to three changes: a bit flipped, a byte set, a piece lost, doubled, moved or foreign, the end cut off."""
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 3))):
        place = rng.randrange(len(damaged) + 1)
        end = min(len(damaged), place + rng.choice((1, 2, 7, 60, 1_000)))
        match rng.randrange(7):
            case 0 if place < len(damaged):
                damaged[place] ^= 1 << rng.randrange(8)
            case 1 if place < len(damaged):
                damaged[place] = rng.choice((0, 1, 9, 10, 32, 48, 127, 128, 255))
            case 2:
                del damaged[place:end]
            case 3:
                damaged[place:place] = damaged[place:end] * rng.choice((1, 1, 50))
            case 4:
                piece = damaged[place:end]
                del damaged[place:end]
                damaged[(elsewhere := rng.randrange(len(damaged) + 1)) : elsewhere] = piece
            case 5:
                damaged[place : rng.choice((place, end))] = rng.choice((*_TOKENS, rng.randbytes(20)))
            case 6:
                del damaged[place:]
    return bytes(damaged)


def strange_text(rng: random.Random) -> str:
    """A text: empty, short, of 10,000 characters; of one kind of characters or of several."""
    length = rng.choice((0, 1, 2, 5, 20, 20, 60, 499, 500, 501, 10_000))
    kinds = rng.choices(_KINDS_OF_CHARACTERS, k=rng.choice((1, 1, 1, 2, 3)))
    return "".join(rng.choices("".join(kinds), k=length))


def strange_value(rng: random.Random) -> Any:
    """Something that JSON can say, or Python's JSON at least."""
    return copy.deepcopy(rng.choice(rng.choice((NUMBERS, NO_NUMBERS)))) if rng.random() < 0.9 else strange_text(rng)


def damage_json(value: Any, rng: random.Random) -> Any:
    """A JSON value with one thing in it changed: another value, a key or item lost, doubled or new."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        changed, key = dict(value), rng.choice(list(value))
        match rng.randrange(8):
            case 0:
                del changed[key]
            case 1:
                changed[rng.choice(("", "extra", key + " "))] = strange_value(rng)
            case _:
                changed[key] = damage_json(value[key], rng)
        return changed
    if isinstance(value, list) and value and rng.random() < 0.8:
        changed, place = list(value), rng.randrange(len(value))
        match rng.randrange(6):
            case 0:
                del changed[place]
            case 1:
                changed.insert(place, strange_value(rng))
            case 2:
                changed *= rng.choice((0, 2, 30))
            case _:
                changed[place] = damage_json(value[place], rng)
        return changed
    return strange_value(rng)
