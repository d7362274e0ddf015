"""The IAM On-Line Handwriting Database (Liwicki & Bunke, ICDAR 2005), as its site gives it.

A folder is expected to hold

  - `lineStrokes-all.tar.gz`, or `lineStrokes/`: one XML file per line of ink, named by the line's id ("a01-000u-01"),
    `Stroke` elements of `Point` elements with whole numbers x and y, y downwards;
  - `ascii-all.tar.gz`, or `ascii/`: one text file per form ("a01-000u"), whose lines stand under "CSR:"; blank ones
    are not counted, so the k-th other one is the transcript of line "-0k";
  - `trainset.txt`, `testset_v.txt`, `testset_t.txt`, `testset_f.txt`: the form ids of the official split;
  - `writers.tsv`, if at hand: form id and writer id, with a row of headings.

Graves (2013) trains on trainset, testset_t and testset_f, and stops early and reports on testset_v: here "training"
and "validation".
"""

import dataclasses
import itertools
import os
import pathlib
import re
from collections.abc import Container
from xml.etree.ElementTree import Element

import numpy as np
from defusedxml import ElementTree

from graves_jax.data.corpus import Line, page_of
from graves_jax.data.iam_ondb.archives import find_source, read_files
from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.files import sha256_of

SPLIT_OF_SUBSET = {
    "trainset": "training",
    "testset_v": "validation",
    "testset_t": "training",
    "testset_f": "training",
    "none": "none",
}
SUBSETS = tuple(name for name in SPLIT_OF_SUBSET if name != "none")
NO_TRANSCRIPT = "no transcript"
NO_STROKES = "no strokes"

_FORM_ID = r"[a-z]\d{2}-\d{3}[a-z]?"
_LINE_FILE = re.compile(rf"({_FORM_ID}-\d{{2}})\.xml", re.ASCII)
_FORM_FILE = re.compile(rf"({_FORM_ID})\.txt", re.ASCII)
# The whiteboard has some 10,000 units; what lies this far out is no coordinate.
_MAX_COORDINATE = 1_000_000


@dataclasses.dataclass(frozen=True)
class Recording:
    """What a source held, before any protocol.

    Attributes:
      lines: the lines that have both ink and a transcript.
      num_lines, num_points: all lines with ink, and their recorded points.
      subsets: for each official list, how many "forms" and "lines" have ink and how many lines are "with_transcript".
      skipped: what was left out, counted by reason.
      sha256: of each source file, by name.
    """

    lines: list[Line]
    num_lines: int
    num_points: int
    subsets: dict[str, dict[str, int]]
    skipped: dict[str, int]
    sha256: dict[str, str]


def read_iam_ondb(folder: str | os.PathLike, *, progress: bool = True) -> Recording:
    """Reads the whole database.

    Args:
      folder: holds the files that the module's docstring lists.
      progress: whether to show a bar on standard error.
    Raises:
      InputError: a file is missing, damaged or not what is expected; its name is in the message.
    """
    folder = pathlib.Path(folder)
    ink_source = find_source(folder, archive="lineStrokes-all.tar.gz", unpacked="lineStrokes")
    text_source = find_source(folder, archive="ascii-all.tar.gz", unpacked="ascii")
    subset_of, writer_of = read_subsets(folder), read_writers(folder)
    transcripts = read_transcripts(text_source)
    strokes = read_strokes(ink_source, progress=progress)
    recorded = {line_id for line_id in strokes if strokes[line_id]}
    lines = [
        _line(line_id, Ink.from_strokes(strokes[line_id], transcripts[line_id]), subset_of, writer_of)
        for line_id in strokes
        if line_id in recorded and line_id in transcripts
    ]
    lists = [folder / f"{subset}.txt" for subset in SUBSETS] + [folder / "writers.tsv"]
    return Recording(
        lines=lines,
        num_lines=len(recorded),
        num_points=sum(len(stroke) for line_strokes in strokes.values() for stroke in line_strokes),
        subsets=_count_by_subset(recorded, transcripts, subset_of),
        skipped={
            NO_TRANSCRIPT: len(recorded - transcripts.keys()),
            NO_STROKES: len((transcripts.keys() | strokes.keys()) - recorded),
        },
        sha256={path.name: sha256_of(path) for path in (ink_source, text_source, *lists) if path.exists()},
    )


def read_strokes(source: pathlib.Path, *, progress: bool = True) -> dict[str, list[np.ndarray]]:
    """The strokes of each line, by line id; see `parse_strokes`.

    Raises:
      InputError: the source is damaged, holds no line, or one twice.
    """
    strokes: dict[str, list[np.ndarray]] = {}
    for name, content in read_files(source, suffix=".xml", progress=progress):
        match = _LINE_FILE.fullmatch(name)
        if not match:
            raise InputError(f"{source} holds {name!r}, expected files named by a line's id such as 'a01-000u-01.xml'.")
        if match[1] in strokes:
            raise InputError(f"{source} holds the line {match[1]} twice, expected it once.")
        strokes[match[1]] = parse_strokes(content, f"{name!r} in {source}")
    if not strokes:
        raise InputError(f"{source} holds no .xml file, expected one for each line.")
    return strokes


def parse_strokes(content: bytes, name: str) -> list[np.ndarray]:
    """The strokes of one XML file, each its points (x, y). Each [N, 2], int64. A file without strokes gives none.

    Args:
      content: the file.
      name: what to call it in a message.
    Raises:
      InputError: it is no XML, defines entities, has a stroke without points or a point that is not two whole numbers.
    """
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(f"{name} is not plain XML without entity definitions: {error!s:.100}.") from error
    strokes = [_points(stroke, name) for stroke in root.iter("Stroke")]
    if any(len(stroke) == 0 for stroke in strokes):
        raise InputError(f"{name} has a stroke without points, expected at least one in each.")
    return strokes


def read_transcripts(source: pathlib.Path) -> dict[str, str]:
    """The transcript of each line, by line id, as the file has it.

    Raises:
      InputError: the source is damaged, or no file in it has transcripts.
    """
    transcripts: dict[str, str] = {}
    for name, content in read_files(source, suffix=".txt", progress=False):
        match = _FORM_FILE.fullmatch(name)
        if not match:
            raise InputError(f"{source} holds {name!r}, expected files named by a form's id such as 'a01-000u.txt'.")
        if f"{match[1]}-01" in transcripts:
            raise InputError(f"{source} holds the form {match[1]} twice, expected every form once.")
        texts = parse_transcripts(content, f"{name!r} in {source}")
        transcripts.update({f"{match[1]}-{number:02d}": text for number, text in enumerate(texts, start=1)})
    if not transcripts:
        raise InputError(f"{source} holds no transcript, expected .txt files with lines under 'CSR:'.")
    return transcripts


def parse_transcripts(content: bytes, name: str) -> list[str]:
    """The lines under "CSR:" that are not blank, without the white space around them.

    Raises:
      InputError: the file is not text.
    """
    try:
        _, _, body = content.decode().partition("CSR:")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not text in ASCII or UTF-8.") from error
    return [line.strip() for line in body.splitlines() if line.strip()]


def read_subsets(folder: pathlib.Path) -> dict[str, str]:
    """The official list that each form stands in, by form id.

    Raises:
      InputError: a list is missing or empty, or a form stands in two.
    """
    subset_of: dict[str, str] = {}
    for subset in SUBSETS:
        forms = _read_text(folder / f"{subset}.txt").split()
        if not forms or not all(re.fullmatch(_FORM_ID, form, re.ASCII) for form in forms):
            raise InputError(f"Expected form ids such as 'a01-000u' in {folder / subset}.txt, one on each line.")
        twice = [form for form in forms if subset_of.setdefault(form, subset) != subset]
        if twice:
            raise InputError(f"Expected each form in one list, found {twice[0]} in {subset_of[twice[0]]} and {subset}.")
    return subset_of


def read_writers(folder: pathlib.Path) -> dict[str, str]:
    """The writer of each form, by form id. Empty where there is no writers.tsv: it is no part of the download.

    Raises:
      InputError: a row is not a form id, a tab and a writer id.
    """
    path = folder / "writers.tsv"
    if not path.exists():
        return {}
    writer_of: dict[str, str] = {}
    for number, row in enumerate(_read_text(path).splitlines()[1:], start=2):
        form, _, writer = row.partition("\t")
        if not re.fullmatch(_FORM_ID, form, re.ASCII) or not writer.strip():
            raise InputError(f"Expected a form id, a tab and a writer id in row {number} of {path}, found {row!r:.60}.")
        writer_of[form] = writer.strip()
    return writer_of


def _points(stroke: Element, name: str) -> np.ndarray:
    points = [(point.get("x", ""), point.get("y", "")) for point in stroke.iter("Point")]
    try:
        # int() takes more than digits: 1_000, and digits of other scripts.
        if "_" in (text := "".join(itertools.chain.from_iterable(points))) or not text.isascii():
            raise ValueError
        values = np.array([(int(x), int(y)) for x, y in points], np.int64).reshape(-1, 2)
    except (ValueError, OverflowError):
        values = None
    if values is None or (np.abs(values) > _MAX_COORDINATE).any():
        raise InputError(f"{name} has a point whose x or y is no whole number within ±{_MAX_COORDINATE:,}.")
    return values


def _line(line_id: str, ink: Ink, subset_of: dict[str, str], writer_of: dict[str, str]) -> Line:
    form = page_of(line_id)
    subset = subset_of.get(form, "none")
    return Line(ink, line_id, writer=writer_of.get(form, ""), subset=subset, split=SPLIT_OF_SUBSET[subset])


def _count_by_subset(
    recorded: set[str], transcripts: Container[str], subset_of: dict[str, str]
) -> dict[str, dict[str, int]]:
    table = {}
    for subset in SPLIT_OF_SUBSET:
        ids = [line_id for line_id in recorded if subset_of.get(page_of(line_id), "none") == subset]
        table[subset] = {
            "forms": len({page_of(line_id) for line_id in ids}),
            "lines": len(ids),
            "with_transcript": sum(line_id in transcripts for line_id in ids),
        }
    return table


def _read_text(path: pathlib.Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"Expected the list {path.name} in {path.parent}, found no such file.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"Expected text in {path}, found something else.") from error
