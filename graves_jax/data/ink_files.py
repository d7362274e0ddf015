"""Ink as JSON: one line as an object, many in a .json file or, a row each, in a .jsonl file (json_lines.py).

{"text": "Jon Snow", "strokes": [[dx, dy, end_of_stroke], ...]}
"""

import json
import os
import pathlib
from typing import Any

from graves_jax.data import json_lines
from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.files import is_file


def ink_to_json(ink: Ink) -> dict[str, Any]:
    """A line of ink with its text as a JSON object, which `ink_from_json` reads back bit for bit."""
    return json.loads(json_lines._row(ink))


def ink_from_json(row: Any) -> Ink:
    """The inverse of `ink_to_json`.

    Raises:
      InputError: it is no such object.
    """
    if not isinstance(row, dict):
        raise InputError(f"Expected ink as a JSON object, found {row!r:.40}.")
    return json_lines._line(row, 1).ink


def read_ink(path: str | os.PathLike) -> list[Ink]:
    """The lines of a .jsonl file, or of a .json file that holds one object or a list of them.

    Raises:
      InputError: the file is missing, of another kind, or something in it is wrong.
    """
    path = pathlib.Path(path)
    if path.suffix.lower() == ".jsonl":
        return [line.ink for line in json_lines.read_json_lines(path)]
    if path.suffix.lower() != ".json":
        raise InputError(f"Expected ink in a .jsonl or .json file, found {path.name!r:.80}.")
    if not is_file(path):
        raise InputError(f"Expected a .json file at {path}, found no such file.")
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"Expected JSON in {path}, found a fault: {' '.join(str(error).split()):.200}.") from error
    rows = [rows] if isinstance(rows, dict) else rows
    if not isinstance(rows, list) or not rows:
        raise InputError(f"Expected an object or a list of objects in {path}, found neither.")
    inks = []
    for number, row in enumerate(rows, start=1):
        try:
            inks.append(ink_from_json(row))
        except InputError as error:
            raise InputError(f"Line {number} of {path} is wrong: {error}") from error
    return inks
