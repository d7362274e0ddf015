"""The reader against small made-up databases in the official layout, and against what may be wrong with them."""

import io
import tarfile

import numpy as np
import pytest

from graves_jax.data.iam_ondb.recordings import parse_strokes, parse_transcripts, read_iam_ondb
from graves_jax.errors import InputError

XML = """<?xml version="1.0" encoding="ISO-8859-1"?>
<WhiteboardCaptureSession>
  <WhiteboardDescription><DiagonallyOppositeCoords x="7" y="9"/></WhiteboardDescription>
  <StrokeSet>{strokes}</StrokeSet>
</WhiteboardCaptureSession>
"""
STROKES = {
    "a01-000u-01": [[(10, 20), (13, 18), (15, 25)], [(40, -3)]],
    "a01-000u-02": [[(0, 0), (5, 5)]],
    "b02-001-01": [[(7, 7)], [(9, 9), (11, 12)]],
    "c03-002z-01": [[(1, 1), (2, 3), (3, 1)]],
    "d04-003-01": [[(1, 1), (2, 2)]],
    "d04-003-02": [[(1, 1), (2, 2)]],
    "e05-004-01": [],
}
FORMS = {
    "a01-000u": "OCR:\nnot this\n\nCSR:\n\nA MOVE to\nMr . Foot &apos;s\nno ink for this\n",
    "b02-001": "OCR:\n\nCSR:\r\n\r\n  stop it  \r\n\r\n",
    "c03-002z": "CSR:\nwords\n",
    "d04-003": "CSR:\nonly the first",
    "e05-004": "CSR:\nno strokes",
    "f06-005": "CSR:\nnever written\n\nnor this",
}
LISTS = {
    "trainset": "a01-000u\n",
    "testset_v": " b02-001\n\n",
    "testset_t": "c03-002z",
    "testset_f": "e05-004\ng07-006\n",
}
WRITERS = "form\twriter\na01-000u\t10\nb02-001\t11\n"


def xml(strokes):
    points = ["".join(f'<Point x="{x}" y="{y}" time="1.5"/>' for x, y in stroke) for stroke in strokes]
    return XML.format(strokes="".join(f'<Stroke colour="black">{stroke}</Stroke>' for stroke in points))


def write_tar(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content.encode())
            archive.addfile(info, io.BytesIO(content.encode()))


def ink_files(strokes=STROKES):
    return {f"lineStrokes/{name[:3]}/{name[:7]}/{name}.xml": xml(line) for name, line in strokes.items()}


def text_files(forms=FORMS):
    return {f"ascii/{name[:3]}/{name[:7]}/{name}.txt": text for name, text in forms.items()}


@pytest.fixture
def database(tmp_path):
    write_tar(tmp_path / "lineStrokes-all.tar.gz", ink_files())
    write_tar(tmp_path / "ascii-all.tar.gz", text_files())
    for name, forms in LISTS.items():
        (tmp_path / f"{name}.txt").write_text(forms)
    (tmp_path / "writers.tsv").write_text(WRITERS)
    return tmp_path


def read(folder):
    return read_iam_ondb(folder, progress=False)


def test_lines_with_their_text_writer_and_split(database):
    lines = {line.line_id: line for line in read(database).lines}
    assert {name: line.ink.text for name, line in lines.items()} == {
        "a01-000u-01": "A MOVE to",
        "a01-000u-02": "Mr . Foot &apos;s",
        "b02-001-01": "stop it",
        "c03-002z-01": "words",
        "d04-003-01": "only the first",
    }
    assert [(line.writer, line.subset, line.split) for line in lines.values()] == [
        ("10", "trainset", "training"),
        ("10", "trainset", "training"),
        ("11", "testset_v", "validation"),
        ("", "testset_t", "training"),
        ("", "none", "none"),
    ]


def test_strokes_become_offsets(database):
    lines = {line.line_id: line for line in read(database).lines}
    offsets = lines["a01-000u-01"].ink.offsets
    assert offsets.tolist() == [[3, -2, 0], [2, 7, 1], [25, -28, 1]]
    assert lines["b02-001-01"].ink.offsets.tolist() == [[0, 0, 1], [2, 2, 0], [2, 3, 1]]


def test_everything_is_counted(database):
    recording = read(database)
    assert recording.num_lines == 6
    assert recording.num_points == sum(len(stroke) for line in STROKES.values() for stroke in line)
    assert recording.skipped == {"no transcript": 1, "no strokes": 4}
    assert recording.num_lines == len(recording.lines) + recording.skipped["no transcript"]
    assert recording.subsets == {
        "trainset": {"forms": 1, "lines": 2, "with_transcript": 2},
        "testset_v": {"forms": 1, "lines": 1, "with_transcript": 1},
        "testset_t": {"forms": 1, "lines": 1, "with_transcript": 1},
        "testset_f": {"forms": 0, "lines": 0, "with_transcript": 0},
        "none": {"forms": 1, "lines": 2, "with_transcript": 1},
    }
    assert sorted(recording.sha256) == sorted(path.name for path in database.iterdir())


def test_unpacked_folders_read_the_same(database, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    for name, content in (ink_files() | text_files()).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    for name, forms in LISTS.items():
        (folder / f"{name}.txt").write_text(forms)
    packed, unpacked = read(database), read(folder)
    assert packed.skipped == unpacked.skipped
    assert [line.line_id for line in packed.lines] == [line.line_id for line in unpacked.lines]
    for one, other in zip(packed.lines, unpacked.lines, strict=True):
        np.testing.assert_array_equal(one.ink.offsets, other.ink.offsets)
    assert {line.writer for line in unpacked.lines} == {""}, "writers.tsv is not part of the official download"


@pytest.mark.parametrize(
    "name",
    ["lineStrokes-all.tar.gz", "ascii-all.tar.gz", "trainset.txt", "testset_v.txt", "testset_t.txt", "testset_f.txt"],
)
def test_missing_file_is_named(database, name):
    (database / name).unlink()
    with pytest.raises(InputError, match=name):
        read(database)


@pytest.mark.parametrize("name", ["lineStrokes-all.tar.gz", "ascii-all.tar.gz"])
def test_truncated_archive_is_named(database, name):
    content = (database / name).read_bytes()
    (database / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=f"{name} is not a complete"):
        read(database)


def test_lists_and_writers_that_are_wrong(database):
    (database / "trainset.txt").write_text("a01-000u\nwhat is this")
    with pytest.raises(InputError, match=r"Expected form ids .*trainset\.txt"):
        read(database)
    (database / "trainset.txt").write_text("b02-001")
    with pytest.raises(InputError, match="found b02-001 in trainset and testset_v"):
        read(database)
    (database / "trainset.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="Expected text in"):
        read(database)
    (database / "trainset.txt").write_text(LISTS["trainset"])
    (database / "writers.tsv").write_text("form\twriter\na01-000u 10\n")
    with pytest.raises(InputError, match=r"row 2 of .*writers\.tsv"):
        read(database)


def test_archives_with_other_things_in_them(database):
    write_tar(database / "lineStrokes-all.tar.gz", ink_files() | {"lineStrokes/notes.xml": "<a/>"})
    with pytest.raises(InputError, match=r"holds 'notes\.xml', expected files named by a line's id"):
        read(database)
    write_tar(database / "lineStrokes-all.tar.gz", ink_files() | {"again/a01-000u-01.xml": xml([[(1, 1)]])})
    with pytest.raises(InputError, match="the line a01-000u-01 twice"):
        read(database)
    write_tar(database / "lineStrokes-all.tar.gz", {"lineStrokes/readme": "empty"})
    with pytest.raises(InputError, match=r"no \.xml file"):
        read(database)
    form = "CSR:\nwords\n"
    write_tar(database / "ascii-all.tar.gz", {f"{folder}/a01-000u.txt": form for folder in ("ascii", "again")})
    with pytest.raises(InputError, match="the form a01-000u twice"):
        read(database)
    write_tar(database / "ascii-all.tar.gz", {"ascii/a01/a01-000/a01-000u.txt": "OCR:\nwords"})
    with pytest.raises(InputError, match="no transcript"):
        read(database)


@pytest.mark.parametrize(
    "content",
    [
        xml([[(1, 1), ("two", 2)]]),
        xml([[(1, 1), (2.5, 2)]]),
        xml([[(1, 1), ("", 2)]]),
        xml([[(1, 1), ("nan", 2)]]),
        xml([[(1, 1), ("1" * 30, 2)]]),
        xml([[(1, 1), ("9" * 5_000, 2)]]),
        xml([[(1, 1), (1_000_001, 2)]]),
        xml([[(1, 1)]]).replace('x="1"', ""),
    ],
)
def test_points_that_are_no_numbers(content):
    with pytest.raises(
        InputError, match=r"^line\.xml has a point whose x or y is no whole number within ±1,000,000\.$"
    ):
        parse_strokes(content.encode(), "line.xml")


def test_stroke_without_points():
    with pytest.raises(InputError, match="stroke without points"):
        parse_strokes(xml([[(1, 1), (2, 2)], []]).encode(), "line.xml")
    assert parse_strokes(xml([]).encode(), "line.xml") == []


LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not xml",
        b"<a><b></a>",
        xml([[(1, 1)]]).encode()[:-20],
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><x>&l9;</x>'.encode(),
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        bytes(range(256)),
    ],
)
def test_what_is_no_plain_xml(content):
    with pytest.raises(InputError, match=r"^line\.xml is not plain XML without entity definitions: .+\.$"):
        parse_strokes(content, "line.xml")


def test_deep_nesting_is_read():
    depth = 100_000
    assert parse_strokes(b"<a>" * depth + b"</a>" * depth, "line.xml") == []


def test_transcripts_keep_their_characters():
    text = 'CSR:\nÉté – 5 £ &amp; "x"\n\n \t \nlast'
    assert parse_transcripts(text.encode(), "form.txt") == ['Été – 5 £ &amp; "x"', "last"]
    assert parse_transcripts(b"no such part", "form.txt") == []
    with pytest.raises(InputError, match=r"form\.txt is not text"):
        parse_transcripts(b"CSR:\n\xff\xff", "form.txt")
