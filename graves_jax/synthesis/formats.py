"""Files of written lines: WebDataset tar, JSON Lines, Parquet, ArrayRecord, InkML. The same lines, the same bytes."""

import io
import json
import pathlib
import tarfile
from collections.abc import Callable, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.errors import InputError


class Record(NamedTuple):
    """A written line as it is stored.

    Attributes:
      number: of the line in the data set.
      ink: offsets and the text.
      bias, hand: what it was written with.
      attempts: how often it was drawn.
      fault: what is wrong with it all the same, or None.
      decimals: how many the offsets have.
    """

    number: int
    ink: Ink
    bias: float
    hand: str
    attempts: int
    fault: str | None
    decimals: int = 4

    def as_json(self) -> str:
        """One row, which `read_json_lines` reads too."""
        dx, dy = np.round(self.ink.offsets[:, :2].astype(np.float64), self.decimals).T.tolist()
        strokes = list(zip(dx, dy, self.ink.offsets[:, 2].astype(int).tolist(), strict=True))
        row = {"id": f"{self.number:09d}", "text": self.ink.text, "strokes": strokes, "bias": self.bias}
        row |= {"hand": self.hand, "attempts": self.attempts, "fault": self.fault}
        return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


class Format(NamedTuple):
    """A kind of file.

    Attributes:
      suffix: of its name.
      write: writes records into a file: (path, records, height of pictures).
      package: what it takes besides this one, or None.
      reading: how it is read, in Python.
    """

    suffix: str
    write: Callable[[pathlib.Path, Sequence[Record], int], None]
    package: str | None
    reading: str


def save_tar(path: pathlib.Path, records: Sequence[Record], png_height: int) -> None:
    """A WebDataset: NUMBER.json, NUMBER.txt and, where pictures are drawn, NUMBER.png for every line."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for record in records:
            files = {"json": record.as_json().encode(), "txt": record.ink.transcript.encode()}
            if png_height:
                files["png"] = draw_png(record.ink, png_height)
            for suffix, content in files.items():
                # No date, no owner: the same lines, the same bytes.
                entry = tarfile.TarInfo(f"{record.number:09d}.{suffix}")
                entry.size, entry.mode = len(content), 0o644
                tar.addfile(entry, io.BytesIO(content))


def save_jsonl(path: pathlib.Path, records: Sequence[Record], png_height: int) -> None:
    """JSON Lines, as `prepare_data.py` reads them."""
    del png_height
    path.write_text("".join(f"{record.as_json()}\n" for record in records), encoding="utf-8")


def save_parquet(path: pathlib.Path, records: Sequence[Record], png_height: int) -> None:
    """Parquet: a row a line, dx, dy and end_of_stroke as lists."""
    del png_height
    import pyarrow
    from pyarrow import parquet

    columns = {
        "id": (pyarrow.int64(), [record.number for record in records]),
        "text": (pyarrow.string(), [record.ink.text for record in records]),
        "dx": (pyarrow.list_(pyarrow.float32()), [record.ink.offsets[:, 0] for record in records]),
        "dy": (pyarrow.list_(pyarrow.float32()), [record.ink.offsets[:, 1] for record in records]),
        "end_of_stroke": (pyarrow.list_(pyarrow.bool_()), [record.ink.offsets[:, 2] == 1 for record in records]),
        "bias": (pyarrow.float64(), [record.bias for record in records]),
        "hand": (pyarrow.string(), [record.hand for record in records]),
        "attempts": (pyarrow.int32(), [record.attempts for record in records]),
        "fault": (pyarrow.string(), [record.fault for record in records]),
    }
    arrays = {name: pyarrow.array(values, kind) for name, (kind, values) in columns.items()}
    parquet.write_table(pyarrow.table(arrays), path, compression="zstd")


def save_array_record(path: pathlib.Path, records: Sequence[Record], png_height: int) -> None:
    """ArrayRecord, which Grain reads at random: every record a line as JSON."""
    del png_height
    from array_record.python.array_record_module import ArrayRecordWriter

    writer = ArrayRecordWriter(str(path), "group_size:1")
    for record in records:
        writer.write(record.as_json().encode())
    writer.close()


def save_inkml(path: pathlib.Path, records: Sequence[Record], png_height: int) -> None:
    """InkML (W3C 2011): a traceGroup a line with its text, a trace a stroke, positions with y downwards."""
    del png_height
    rows = ['<?xml version="1.0" encoding="UTF-8"?>', '<ink xmlns="http://www.w3.org/2003/InkML">']
    for record in records:
        rows.append(f'<traceGroup xml:id="line{record.number:09d}">')
        told = {"truth": record.ink.text, "bias": record.bias, "hand": record.hand}
        told |= {"attempts": record.attempts, "fault": record.fault or "none"}
        rows += [f'<annotation type="{kind}">{escape(str(value))}</annotation>' for kind, value in told.items()]
        strokes = [np.round(stroke, record.decimals).tolist() for stroke in record.ink.strokes()]
        rows += [f"<trace>{', '.join(f'{x:.10g} {y:.10g}' for x, y in stroke)}</trace>" for stroke in strokes]
        rows.append("</traceGroup>")
    path.write_text("\n".join([*rows, "</ink>", ""]), encoding="utf-8")


def draw_png(ink: Ink, height: int) -> bytes:
    """A picture of a line, as wide as the line is at this height; at most as wide as a bitmap may be."""
    from graves_jax.drawing.page import LONGEST_SIDE, MOST_PIXELS
    from graves_jax.drawing.raster import ink_to_figure

    margin = max(1.0, 0.1 * height)
    across, down = np.ptp(np.concatenate(ink.strokes()), axis=0)
    width = int(np.ceil(2 * margin + across * (height - 2 * margin) / max(down, 1e-6 * across, 1e-6)))
    picture = io.BytesIO()
    width = min(width, 100 * height, LONGEST_SIDE, MOST_PIXELS // height)
    figure = ink_to_figure(ink, width=width, height=height, margin=margin)
    # Matplotlib would write its version into the file.
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


FORMATS = {
    "tar": Format(
        ".tar", save_tar, None, 'tar = tarfile.open(PATH)\nrow = json.load(tar.extractfile("000000000.json"))'
    ),
    "jsonl": Format(".jsonl", save_jsonl, None, "rows = [json.loads(row) for row in open(PATH)]"),
    "parquet": Format(".parquet", save_parquet, "pyarrow", "table = pyarrow.parquet.read_table(PATH)"),
    "array_record": Format(
        ".array_record",
        save_array_record,
        "array_record",
        "source = grain.sources.ArrayRecordDataSource(PATH)\nrow = json.loads(source[0])",
    ),
    "inkml": Format(".inkml", save_inkml, None, "root = xml.etree.ElementTree.parse(PATH).getroot()"),
}


def check_format(name: str) -> None:
    """Raises InputError where a format takes a package that is not installed."""
    import importlib.util

    package = FORMATS[name].package
    if package is not None and importlib.util.find_spec(package) is None:
        raise InputError(
            f"Expected the package {package} for the format {name}, found none: pip install '.[synthesis]'."
        )
