"""Inputs of soak.py that are lines of ink with their text: corpora, and own ink as JSON Lines."""

import io
import itertools
import json
import pathlib
import random
import re
import zipfile

import numpy as np

from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.iam_ondb.cleaning import PROTOCOLS
from graves_jax.data.ink import Ink
from graves_jax.data.json_lines import read_json_lines, save_json_lines
from soak.mutations import damage_bytes, damage_json, strange_text, strange_value


def make_corpora(lines: list[Line]) -> None:
    """What prepare_data.py does with lines."""
    for protocol in PROTOCOLS.values():
        cleaned = protocol(lines)
        if cleaned.lines:
            _use(Corpus.from_lines(cleaned.lines))


def _use(corpus: Corpus) -> None:
    """Whatever is accepted has to be ink throughout, and its normalisation numbers."""
    lines = [corpus[number] for number in range(len(corpus))]
    assert sum(len(line.ink) for line in lines) == len(corpus.xy)
    assert corpus.fingerprint and isinstance(corpus.characters, str)
    assert len(corpus.indices("training")) <= len(lines)
    normalisation = corpus.normalisation
    assert np.isfinite([normalisation.mean, normalisation.std]).all() and min(normalisation.std) > 0
    assert all(np.isfinite(normalisation.normalise(line.ink.offsets)).all() for line in lines)


# --- Corpus files.


def make_ink(seed: int, length: int, text: str) -> Ink:
    rng = np.random.default_rng(seed)
    bits = np.arange(length) % 5 == 4
    bits[-1] = True
    return Ink(np.column_stack([rng.integers(-40, 60, (length, 2)), bits]), text)


def _prepare_corpus(folder: pathlib.Path):
    lines = [Line(make_ink(n, 5 + n, "ab é"), f"line-{n}", "w", split="training") for n in range(4)]
    corpus = Corpus.from_lines(lines, {"source": "made up"})
    corpus.save(folder / "whole.npz")
    with np.load(folder / "whole.npz") as archive:
        arrays = dict(archive)
    return folder / "damaged.npz", (folder / "whole.npz").read_bytes(), arrays, corpus.fingerprint


def _feed_corpus(material, rng: random.Random) -> None:
    path, whole, arrays, fingerprint = material
    if rng.random() < 0.4:
        path.write_bytes(damage_bytes(whole, rng))
        corpus = Corpus.load(path)
        assert corpus.fingerprint == fingerprint, "another corpus than was saved"
    else:
        _save_strange_corpus(path, arrays, rng)
        corpus = Corpus.load(path)
    _use(corpus)


def _save_strange_corpus(path: pathlib.Path, arrays: dict[str, np.ndarray], rng: random.Random) -> None:
    """A whole archive with something in it that no corpus has."""
    arrays = dict(arrays)
    name = rng.choice(("metadata", "metadata", "xy", "end_of_stroke", "lengths"))
    if name == "metadata":
        metadata = json.dumps(damage_json(json.loads(arrays[name].tobytes()), rng)).encode()
        metadata = metadata if rng.random() < 0.8 else damage_bytes(metadata, rng)
        arrays[name] = np.frombuffer(metadata, np.uint8)
    else:
        arrays[name] = _strange_array(arrays[name], rng)
    if rng.random() < 0.1:
        del arrays[rng.choice(list(arrays))]
    with zipfile.ZipFile(path, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for key, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=True)
            content = buffer.getvalue()
            # The header of an array, which says how large it is, is a text.
            archive.writestr(f"{key}.npy", _lie(content, rng) if rng.random() < 0.1 else content)


def _strange_array(array: np.ndarray, rng: random.Random) -> np.ndarray:
    match rng.randrange(6):
        case 0:
            return array.astype(rng.choice(("f4", "f8", "f2", "i1", "u8", "c8", "S3", "U2", "O", "M8[s]", "?", "V4")))
        case 1:
            changed = array.astype(rng.choice(("f4", "f8", "i8")))
            values = [v for v in (0, -1, 2.0**31, 2.0**62, 1e30, np.nan, np.inf) if changed.dtype.kind == "f" or v == v]
            changed.flat[rng.randrange(changed.size)] = np.clip(rng.choice(values[:4]), -(2.0**62), 2.0**62)
            if changed.dtype.kind == "f":
                changed.flat[rng.randrange(changed.size)] = rng.choice(values)
            return changed
        case 2:
            return array[: rng.randrange(len(array) + 1)]
        case 3:
            return array.reshape(-1)[:: rng.choice((1, -1))]
        case 4:
            return array[None]
        case _:
            return np.repeat(array, rng.choice((2, 3)), axis=0)


def _lie(content: bytes, rng: random.Random) -> bytes:
    shape = rng.choice((b"(9999999999,)", b"(-1,)", b"(99999999999999999999,)", b"()", b"(4,", b"(2.5,)", b"(True,)"))
    return re.sub(rb"\([0-9, ]*\), }( *)", lambda match: (shape + b", }").ljust(len(match[0])), content, count=1)


# --- JSON Lines.


def _feed_json_lines(folder: pathlib.Path, rng: random.Random) -> None:
    path = folder / "ink.jsonl"
    rows = [_row(rng, number) for number in range(rng.choice((1, 2, 5)))]
    content = "\n".join(json.dumps(row, ensure_ascii=rng.random() < 0.5) for row in rows)
    content = content.encode(rng.choice(("utf-8",) * 8 + ("utf-16", "latin-1")), "replace")
    path.write_bytes(damage_bytes(content, rng) if rng.random() < 0.3 else content)
    lines = read_json_lines(path)
    inks = [line.ink for line in lines]
    save_json_lines(path, inks)
    again = [line.ink for line in read_json_lines(path)]
    assert all(
        a.text == b.text and a.offsets.tobytes() == b.offsets.tobytes() for a, b in zip(inks, again, strict=True)
    )
    make_corpora(lines)


def _row(rng: random.Random, number: int) -> object:
    ink = make_ink(rng.randrange(1_000), rng.choice((1, 2, 9, 60)), "a line of text")
    row = {"text": ink.text, "strokes": ink.offsets.tolist()}
    row |= rng.choice(({}, {"id": f"id-{number}", "writer": "me"}))
    if number and rng.random() < 0.8:
        return row
    if rng.random() < 0.2:
        row["text"] = strange_text(rng)
    if rng.random() < 0.1:
        row["split"] = rng.choice(("training", "validation", "none", "test"))
    if rng.random() < 0.2:
        row["strokes"] = list(itertools.starmap(_scaled(10.0 ** rng.randint(-40, 38)), row["strokes"]))
    return rng.choices((row, damage_json(row, rng), strange_value(rng)), (4, 5, 1))[0]


def _scaled(factor: float):
    return lambda dx, dy, bit: [dx * factor, dy * factor, bit]


FAMILIES = {
    "corpora": (0.11, _prepare_corpus, _feed_corpus),
    "json_lines": (0.12, lambda folder: folder, _feed_json_lines),
}
