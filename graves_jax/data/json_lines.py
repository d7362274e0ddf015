"""Own data: JSON Lines, one line of ink per row, which is also what `experiments/sample.py` writes.

    {"text": "Jon Snow", "strokes": [[dx, dy, end_of_stroke], ...]}

`strokes` are the offsets of an `Ink`, in any unit that is the same for all rows. A row may also have an "id" (by
default its row number), a "writer", and a "split" out of "training", "validation" and "none". A recorder adds more:
own_ink/readers.py.
"""

import hashlib
import itertools
import json
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from graves_jax.data.corpus import SPLITS, Line
from graves_jax.data.ink import Ink, is_unicode
from graves_jax.errors import InputError
from graves_jax.files import is_file

T = TypeVar("T")

VALIDATION_SHARE = 0.05
# Of dx and dy, in whatever unit: far beyond any page, and squares and sums stay far within float32.
MAX_OFFSET = 1e12


def read_json_lines(path: str | os.PathLike) -> list[Line]:
    """The lines of a file, in order. Blank rows are passed over.

    Where no row has a split, one is made: see `choose_validation`.

    Raises:
      InputError: the file is missing, empty or not text, or a row is wrong; the row is named by its number from 1.
    """
    path = pathlib.Path(path)
    has_split = set()

    def parse(row: dict[str, Any], line: Line) -> Line:
        has_split.add("split" in row)
        if len(has_split) > 1:
            raise InputError("expected a split in all rows or in none.")
        return line

    lines = read_rows(path, parse)
    return lines if has_split == {True} else split_by_writer(lines)


def read_rows(path: pathlib.Path, parse: Callable[[dict[str, Any], Line], T]) -> list[T]:
    """What `parse` makes of each row, given all that the row says and its line; it may raise an InputError of its own.

    Raises:
      InputError: like `read_json_lines`.
    """
    found, row_of = [], {}
    for number, text in enumerate(_read_rows(path), start=1):
        if not text.strip():
            continue
        try:
            row = _parse_row(text)
            line = _line(row, number)
            if line.line_id in row_of:
                raise InputError(f"the id {line.line_id!r} stands in row {row_of[line.line_id]} too.")
            found.append(parse(row, line))
        except InputError as error:
            raise InputError(f"Row {number} of {path} is wrong: {error}") from None
        row_of[line.line_id] = number
    if not found:
        raise InputError(f"Expected rows of ink in {path}, found none.")
    return found


def save_json_lines(path: str | os.PathLike, inks: Iterable[Ink]) -> None:
    """Writes ink with its text, one row each; `read_json_lines` gives the same offsets back, bit for bit.

    Raises:
      InputError: a line of ink has no text.
    """
    rows = [_row(ink) for ink in inks]
    pathlib.Path(path).write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def choose_validation(groups: Sequence[str], share: float = VALIDATION_SHARE) -> set[str]:
    """Chooses whole groups of lines (the lines of a writer) for validation, the same ones in every run.

    Groups are taken in the order of a hash of their names as long as they make up no more than `share` of the lines.
    If none is small enough, the smallest is taken, so that there is a validation split at all.

    Args:
      groups: the group of each line.
      share: of the lines, between 0 and 1.
    Returns:
      The chosen groups: at least one and never all, unless there is but one group; then none.
    """
    sizes = dict.fromkeys(sorted(set(groups), key=_hash), 0)
    for group in groups:
        sizes[group] += 1
    if len(sizes) < 2:
        return set()
    chosen, room = set(), share * len(groups)
    for group, size in sizes.items():
        if size <= room:
            chosen.add(group)
            room -= size
    return chosen or {min(sizes, key=lambda group: sizes[group])}


def split_by_writer(lines: list[Line]) -> list[Line]:
    """By writer, so that none stands on both sides; by line where all are of one writer, or a writer is not known."""
    groups = [f"writer {line.writer}" if line.writer else f"line {line.line_id}" for line in lines]
    if len(set(groups)) == 1:
        groups = [f"line {line.line_id}" for line in lines]
    validation = choose_validation(groups)
    names = ["validation" if group in validation else "training" for group in groups]
    return [
        Line(line.ink, line.line_id, line.writer, subset=name, split=name)
        for line, name in zip(lines, names, strict=True)
    ]


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _read_rows(path: pathlib.Path) -> Iterator[str]:
    if not is_file(path):
        raise InputError(f"Expected a .jsonl file at {path}, found no such file.")
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            yield from (row.removesuffix("\n") for row in file)
    except UnicodeDecodeError as error:
        raise InputError(f"Expected JSON Lines in UTF-8 in {path}, found something else.") from error
    except OSError as error:
        raise InputError(f"Expected to read {path}, found a fault: {error.strerror}.") from error


def _parse_row(text: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"expected a JSON object, found {text[:40]!r}.") from error
    if not isinstance(row, dict):
        raise InputError(f"expected a JSON object, found {text[:40]!r}.")
    return row


def _line(row: dict[str, Any], number: int) -> Line:
    text = row.get("text")
    if not isinstance(text, str) or not text:
        raise InputError(f'expected a "text" of at least one character, found {text!r:.40}.')
    split = row.get("split", "none")
    if split not in SPLITS:
        raise InputError(f'expected a "split" out of {", ".join(SPLITS)}, found {split!r:.40}.')
    line_id, writer = row.get("id", str(number)), row.get("writer", "")
    if not all(isinstance(name, str) and is_unicode(name) for name in (line_id, writer)):
        raise InputError('expected "id" and "writer" to be strings.')
    return Line(Ink(_offsets(row.get("strokes")), text), line_id, writer, subset=split, split=split)


def _offsets(strokes: Any) -> np.ndarray:
    # NumPy would make room in every item of an array for the longest text in it.
    rows = isinstance(strokes, list) and all(isinstance(row, list) and len(row) == 3 for row in strokes)
    numbers = rows and set(map(type, itertools.chain.from_iterable(strokes))) <= {int, float}
    offsets = np.array(strokes if numbers else [])
    if offsets.dtype.kind not in "iuf" or offsets.ndim != 2 or offsets.shape[1] != 3:
        raise InputError('expected "strokes" to be a list of [dx, dy, end_of_stroke], three numbers each.')
    if not (np.abs(offsets[:, :2]) < MAX_OFFSET).all():
        raise InputError(f'expected finite numbers below {MAX_OFFSET:g} in "strokes".')
    if offsets[-1, 2] != 1:
        raise InputError(f"expected end_of_stroke 1 in the last offset, found {offsets[-1, 2]:g}.")
    return offsets


def _row(ink: Ink) -> str:
    if not ink.text:
        raise InputError("Expected a text for each line of ink that is written, found none.")
    # NumPy prints a float32 with the fewest digits that give it back.
    strokes = [[float(str(dx)), float(str(dy)), int(bit)] for dx, dy, bit in ink.offsets]
    return json.dumps({"text": ink.text, "strokes": strokes}, ensure_ascii=False)
