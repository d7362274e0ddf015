"""The same lines come back from every kind of file, by readers that are not ours."""

import io
import json
import tarfile
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from graves_jax.data.ink import Ink
from graves_jax.data.json_lines import read_json_lines
from graves_jax.errors import InputError
from graves_jax.synthesis import formats
from graves_jax.synthesis.formats import FORMATS, Record, check_format

RECORDS = [
    Record(7, Ink([[0.25, -1.5, 0], [3.0, 0.01, 1], [-2.0, 1.75, 1]], 'a <b> & "ç"'), 0.5, "any", 1, None),
    # A dot, which has a first row of its own, and a line that went wrong.
    Record(8, Ink([[0.0, 0.0, 1], [4.0, 1.0, 1]], "."), 0.75, "slanted", 5, "the ink is flat"),
]


def written(tmp_path, name, height=0):
    path = tmp_path / f"lines{FORMATS[name].suffix}"
    FORMATS[name].write(path, RECORDS, height)
    return path


def row_of(record):
    return json.loads(record.as_json())


def test_a_row_says_everything():
    assert row_of(RECORDS[0]) == {
        "id": "000000007",
        "text": 'a <b> & "ç"',
        "strokes": [[0.25, -1.5, 0], [3, 0.01, 1], [-2, 1.75, 1]],
        "bias": 0.5,
        "hand": "any",
        "attempts": 1,
        "fault": None,
    }


def test_tar(tmp_path):
    with tarfile.open(written(tmp_path, "tar", height=40)) as tar:
        assert tar.getnames() == [f"00000000{n}.{suffix}" for n in (7, 8) for suffix in ("json", "txt", "png")]
        assert json.load(tar.extractfile("000000007.json")) == row_of(RECORDS[0])
        assert tar.extractfile("000000007.txt").read().decode() == RECORDS[0].ink.text
        picture = Image.open(io.BytesIO(tar.extractfile("000000007.png").read()))
        assert picture.height == 40 and {entry.mtime for entry in tar} == {0}
        darkest, lightest = picture.convert("L").getextrema()
        assert darkest < 100 and lightest > 200


def test_a_picture_is_as_wide_as_its_line():
    sizes = [Image.open(io.BytesIO(formats.draw_png(Ink([[x, 10, 1]]), 50))).size for x in (10.0, 40.0)]
    # 40 pixels between the margins.
    assert sizes == [(50, 50), (170, 50)]
    # A level line has no height to go by.
    assert Image.open(io.BytesIO(formats.draw_png(Ink([[9.0, 0.0, 1]]), 50))).height == 50


def test_json_lines(tmp_path):
    lines = read_json_lines(written(tmp_path, "jsonl"))
    for line, record in zip(lines, RECORDS, strict=True):
        np.testing.assert_array_equal(line.ink.offsets, record.ink.offsets)
        assert (line.ink.text, line.line_id) == (record.ink.text, f"{record.number:09d}")


def test_parquet(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = parquet.read_table(written(tmp_path, "parquet")).to_pylist()
    for row, record in zip(rows, RECORDS, strict=True):
        columns = np.column_stack([row["dx"], row["dy"], row["end_of_stroke"]])
        np.testing.assert_array_equal(columns.astype(np.float32), record.ink.offsets)
        found = tuple(row[name] for name in ("id", "text", "bias", "hand", "attempts", "fault"))
        assert found == (record.number, record.ink.text, *record[2:6])


def test_array_record(tmp_path):
    pytest.importorskip("array_record")
    grain = pytest.importorskip("grain")
    source = grain.sources.ArrayRecordDataSource([str(written(tmp_path, "array_record"))])
    assert [json.loads(source[number]) for number in range(len(source))] == list(map(row_of, RECORDS))


def test_inkml(tmp_path):
    root = ElementTree.parse(written(tmp_path, "inkml")).getroot()
    names = {"ink": "http://www.w3.org/2003/InkML"}
    groups = root.findall("ink:traceGroup", names)
    for group, record in zip(groups, RECORDS, strict=True):
        told = {note.get("type"): note.text for note in group.findall("ink:annotation", names)}
        assert (told["truth"], told["hand"], told["attempts"]) == (record.ink.text, record.hand, str(record.attempts))
        traces = [trace.text.split(", ") for trace in group.findall("ink:trace", names)]
        strokes = [[[float(number) for number in point.split()] for point in trace] for trace in traces]
        for stroke, expected in zip(strokes, record.ink.strokes(), strict=True):
            np.testing.assert_allclose(stroke, expected, atol=1e-6)


@pytest.mark.parametrize("name", list(FORMATS))
def test_the_same_lines_are_the_same_bytes(tmp_path, name):
    if FORMATS[name].package:
        pytest.importorskip(FORMATS[name].package)
    assert written(tmp_path, name).read_bytes() == written(tmp_path, name).read_bytes()


def test_a_missing_package_is_told(monkeypatch):
    monkeypatch.setitem(FORMATS, "parquet", FORMATS["parquet"]._replace(package="no_such_package"))
    with pytest.raises(InputError, match="no_such_package"):
        check_format("parquet")
    check_format("tar")
