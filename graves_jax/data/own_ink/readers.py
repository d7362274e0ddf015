"""A person's own ink, as whatever device has recorded it.

JSON Lines (json_lines.py) in which a recorder may have noted more:

    {"text": "Jon Snow", "strokes": [[dx, dy, end_of_stroke], ...], "times": [0, 8, 17, ...], "unit": "px"}

`times` are the milliseconds of each point, the first one included (or of each offset, where that is left out); `unit`
is what dx and dy are measured in, for people to read. Or InkML (inkml.py).
"""

import dataclasses
import os
import pathlib
import unicodedata
from typing import Any

import numpy as np

from graves_jax.data.corpus import Line
from graves_jax.data.json_lines import read_rows
from graves_jax.data.own_ink.inkml import read_inkml
from graves_jax.errors import InputError

# A line takes some hundred points, a thousand on a fast tablet.
MAX_POINTS = 20_000
# In all lines together: more is no hand to fit but a corpus to train on.
MAX_POINTS_IN_ALL = 500_000


@dataclasses.dataclass(frozen=True, eq=False)
class OwnLine:
    """A line of ink as it was recorded.

    Attributes:
      strokes: positions in any unit, y downwards. Each [N, 2] with N at least 1, float64.
      text: what it says: composed characters, single spaces.
      line_id: its name.
      times: milliseconds of the points of each stroke, which do not go back. Each [N]; None where not known.
      unit: what the positions are measured in, or "".
    """

    strokes: list[np.ndarray]
    text: str
    line_id: str
    times: list[np.ndarray] | None = None
    unit: str = ""

    @property
    def num_points(self) -> int:
        return sum(map(len, self.strokes))


def read_own_ink(path: str | os.PathLike) -> list[OwnLine]:
    """The lines of a .jsonl or .inkml file, in order.

    Raises:
      InputError: the file is missing, of another kind, empty or damaged, a line has ink without text or text without
        ink, or there are too many points.
    """
    path = pathlib.Path(path)
    readers = {".jsonl": _read_json_lines, ".json": _read_json_lines, ".inkml": _read_inkml, ".xml": _read_inkml}
    if path.suffix.lower() not in readers:
        raise InputError(f"Expected own ink in a .jsonl or .inkml file, found {str(path)!r:.200}.")
    lines = readers[path.suffix.lower()](path)
    for line in lines:
        if line.num_points > MAX_POINTS:
            raise InputError(
                f"Expected lines of at most {MAX_POINTS:,} points in {path}, found {line.num_points:,} "
                f"in line {line.line_id!r:.40}."
            )
    points = sum(line.num_points for line in lines)
    if points > MAX_POINTS_IN_ALL:
        raise InputError(
            f"Expected at most {MAX_POINTS_IN_ALL:,} points in {path}, found {points:,}: so much ink is a corpus, "
            "see prepare_data.py and train.py --warm_start."
        )
    return lines


def _read_json_lines(path: pathlib.Path) -> list[OwnLine]:
    return read_rows(path, _own_line)


def _own_line(row: dict[str, Any], line: Line) -> OwnLine:
    strokes = line.ink.strokes()
    unit = row.get("unit", "")
    if not isinstance(unit, str):
        raise InputError(f'expected a "unit" that is a name, found {unit!r:.40}.')
    times = None if row.get("times") is None else _times(row["times"], strokes)
    return OwnLine(strokes, plain(line.ink.transcript), line.line_id, times, unit)


def _times(values: Any, strokes: list[np.ndarray]) -> list[np.ndarray]:
    """Milliseconds of each stroke's points."""
    sizes = np.array([len(stroke) for stroke in strokes])
    are_numbers = isinstance(values, list) and set(map(type, values)) <= {int, float}
    times = np.array(values if are_numbers else [], np.float64)
    if len(times) == sizes.sum() - 1:
        # The first point's is left out, like its offset.
        times = np.concatenate([times[:1] - np.median(np.diff(times)) if len(times) > 1 else times[:1], times])
    if len(times) != sizes.sum() or not np.isfinite(times).all():
        raise InputError(
            f'expected "times" of {sizes.sum()} points in milliseconds, found {len(values) if are_numbers else "none"}.'
        )
    # Clocks are set, and events are late: time does not go back.
    return np.split(np.maximum.accumulate(times), np.cumsum(sizes)[:-1])


def _read_inkml(path: pathlib.Path) -> list[OwnLine]:
    return [OwnLine(line.strokes, plain(line.text), line.line_id, line.times, line.unit) for line in read_inkml(path)]


def plain(text: str) -> str:
    """A text as people see it: an a and two dots are one ä, spaces single and none at the ends."""
    text = " ".join(unicodedata.normalize("NFC", text).split())
    if not text:
        raise InputError("expected a text with something to write, found only spaces.")
    return text
