"""InkML, the W3C's format for ink (Recommendation of 20 September 2011), as far as lines of writing need it.

A line is a group of traces (`traceGroup`, or a `traceView` that refers to traces elsewhere) with an annotation that
says what it reads; the outermost such group counts, unless its text has several lines. A file without such groups is
one line if the whole of it is annotated.

    <ink xmlns="http://www.w3.org/2003/InkML">
      <traceFormat>
        <channel name="X" type="decimal"/> <channel name="Y" type="decimal"/> <channel name="T" units="ms"/>
      </traceFormat>
      <traceGroup>
        <annotation type="truth">Jon Snow</annotation>
        <trace>10 0 0, 9 14 8, 8 28 16</trace>
      </traceGroup>
    </ink>

Y grows downwards, unless its channel is of orientation "-ve". Values may be differences (') or differences of
differences ("), as the Recommendation has it.
"""

import dataclasses
import pathlib
import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element

import numpy as np
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from graves_jax.errors import InputError
from graves_jax.files import is_file

MAX_BYTES = 100 << 20
# Of a coordinate, as in json_lines.py.
MAX_OFFSET = 1e12
_TEXTS = {"truth", "transcription", "transcript", "text", "label"}
_TOKEN = re.compile(r"\s*(?:([!'\"])|([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(\*)|([?TF]|#[-+]?[0-9A-Fa-f]+))")
_MILLISECONDS = {"ms": 1.0, "s": 1_000.0, "us": 1e-3, "µs": 1e-3, "ns": 1e-6}
_ID = "{http://www.w3.org/XML/1998/namespace}id"


class Recorded(NamedTuple):
    """A line: strokes [N, 2] each, y downwards; milliseconds [N] each, or None."""

    strokes: list[np.ndarray]
    text: str
    line_id: str
    times: list[np.ndarray] | None
    unit: str


class _Trace(NamedTuple):
    """A stroke."""

    points: np.ndarray  # shape [N, 2]
    times: np.ndarray | None  # milliseconds. Shape [N]
    unit: str


class _Format(NamedTuple):
    """Which value of a point is what. `time` is None where it is not recorded."""

    x: int = 0
    y: int = 1
    time: int | None = None
    down: float = 1.0  # -1 where y grows upwards
    milliseconds: float = 1.0  # of a unit of time
    unit: str = ""


def read_inkml(path: pathlib.Path) -> list[Recorded]:
    """The annotated lines of a file, in order; strokes in the order of time, where that is known.

    Raises:
      InputError: the file is missing, not InkML or damaged, or has no line with both text and ink.
    """
    root = _parse(path)
    formats = {_id(element): _format(element) for element in root.iter() if _name(element) == "traceFormat"}
    usual = next(iter(formats.values()), _Format())
    contexts = {_id(element): _context(element, formats) for element in root.iter() if _name(element) == "context"}

    def trace(element: Element) -> _Trace:
        form = contexts.get(element.get("contextRef", "").lstrip("#")) or usual
        return _trace(element.text or "", form, path)

    named = {name: element for element in root.iter() if (name := _id(element))}
    lines = []
    for number, (group, text) in enumerate(_groups(root), start=1):
        # Each once, should the file refer to it twice.
        members = list({id(element): element for element in _members(group, named)}.values())
        line_id = _id(group) or str(number)
        if not members:
            raise InputError(f"Expected ink for each text in {path}, found none for line {line_id!r:.40}.")
        lines.append(_line([trace(member) for member in members], text, line_id))
    if not lines:
        found = "ink without text" if any(map(_is_ink, root.iter())) else "no ink"
        raise InputError(f"Expected groups of traces with an annotation of type 'truth' in {path}, found {found}.")
    return lines


def _parse(path: pathlib.Path) -> Element:
    if not is_file(path):
        raise InputError(f"Expected an .inkml file at {path}, found no such file.")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"Expected InkML of at most {MAX_BYTES:,} bytes, found {path.stat().st_size:,} in {path}.")
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise InputError(
            f"Expected InkML without entity definitions in {path}, found a fault: {error!s:.100}."
        ) from None
    if _name(root) != "ink":
        raise InputError(f"Expected InkML in {path}, found XML of another kind, <{_name(root):.40}>.")
    return root


def _name(element: Element) -> str:
    """The tag without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _id(element: Element) -> str | None:
    return element.get(_ID, element.get("id"))


def _groups(element: Element) -> Iterator[tuple[Element, str]]:
    """The groups that are lines, each with its text."""
    text = _text(element)
    if text and "\n" not in text:
        yield element, text
        return
    for child in element:
        if _name(child) in ("traceGroup", "traceView"):
            yield from _groups(child)


def _text(group: Element) -> str:
    """What the group's own annotation says, "" where there is none."""
    for child in group:
        if _name(child) == "annotation" and child.get("type", "").lower() in _TEXTS and child.text:
            return child.text.strip()
    return ""


def _members(group: Element, named: dict[str, Element]) -> Iterator[Element]:
    """The traces in a group, and those that it refers to: one, or all of another group."""
    for element in group.iter():
        if _is_ink(element):
            yield element
        referred = named.get(element.get("traceDataRef", "").lstrip("#"))
        if referred is not None:
            yield from filter(_is_ink, referred.iter())


def _line(traces: list[_Trace], text: str, line_id: str) -> Recorded:
    starts = [trace.times[0] for trace in traces if trace.times is not None]
    if len(starts) < len(traces):
        return Recorded([trace.points for trace in traces], text, line_id, None, traces[0].unit)
    traces = [traces[number] for number in np.argsort(starts, kind="stable")]
    times = [trace.times for trace in traces if trace.times is not None]
    return Recorded([trace.points for trace in traces], text, line_id, times, traces[0].unit)


def _is_ink(element: Element) -> bool:
    return _name(element) == "trace" and element.get("type") != "penUp"


def _format(element: Element) -> _Format:
    channels = [child for child in element.iter() if _name(child) == "channel"]
    places = {channel.get("name"): place for place, channel in reversed(list(enumerate(channels)))}
    if not {"X", "Y"} <= places.keys():
        return _Format()
    y = channels[places["Y"]]
    time = channels[places["T"]] if "T" in places else None
    return _Format(
        x=places["X"],
        y=places["Y"],
        time=places.get("T"),
        down=-1.0 if y.get("orientation") == "-ve" else 1.0,
        milliseconds=_MILLISECONDS.get("ms" if time is None else time.get("units", "ms"), 1.0),
        unit=channels[places["X"]].get("units", ""),
    )


def _context(element: Element, formats: dict[str | None, _Format]) -> _Format | None:
    """The format that a context has in it or refers to."""
    for child in element.iter():
        if _name(child) == "traceFormat":
            return _format(child)
    return formats.get(element.get("traceFormatRef", "").lstrip("#"))


def _trace(content: str, form: _Format, path: pathlib.Path) -> _Trace:
    wanted = [form.x, form.y] + ([] if form.time is None else [form.time])
    try:
        rows = [[row[place] for place in wanted] for row in _rows(content, path)]
    except IndexError:
        rows = [[None]]
    if any(None in row for row in rows):
        raise InputError(f"Expected X and Y of each point in {path}, found {content.strip()[:40]!r}.")
    values = np.array(rows, np.float64)
    if not len(values) or not (np.abs(values) < MAX_OFFSET).all():
        raise InputError(f"Expected points below {MAX_OFFSET:g} in each trace of {path}, found others, or none.")
    times = None if form.time is None else np.maximum.accumulate(values[:, 2] * form.milliseconds)
    return _Trace(values[:, :2] * [1.0, form.down], times, form.unit)


@dataclasses.dataclass
class _Channel:
    """One number of each point, read along a trace."""

    order: int = 0  # 0: values are given, 1: their differences, 2: the differences of those
    value: float = 0.0
    speed: float = 0.0

    def read(self, number: float) -> float:
        before = self.value
        if self.order:
            self.speed = number + (self.speed if self.order == 2 else 0.0)
            self.value += self.speed
        else:
            self.value, self.speed = number, number - before
        return self.value

    def repeat(self) -> float:
        self.speed = 0.0
        return self.value


def _rows(content: str, path: pathlib.Path) -> Iterator[list[float | None]]:
    """The values of each point; None for what is no number."""
    channels: list[_Channel] = []
    for point in filter(str.strip, content.split(",")):
        row: list[float | None] = []
        for sign, number, star, _ in _tokens(point, path):
            if len(row) == len(channels):
                channels.append(_Channel())
            channel = channels[len(row)]
            if sign:
                channel.order = "!'\"".index(sign)
            else:
                row.append(channel.read(float(number)) if number else channel.repeat() if star else None)
        yield row


def _tokens(point: str, path: pathlib.Path) -> Iterator[tuple[str, ...]]:
    position = 0
    while position < len(point.rstrip()):
        match = _TOKEN.match(point, position)
        if match is None:
            raise InputError(f"Expected the numbers of a point in {path}, found {point.strip()[:40]!r}.")
        yield match.groups(default="")
        position = match.end()
