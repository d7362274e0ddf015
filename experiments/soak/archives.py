"""Inputs of soak.py that are a source's: one line as XML, archives, IAM-OnDB as a whole."""

import gzip
import io
import pathlib
import random
import re
import tarfile

import numpy as np

from graves_jax.data.corpus import page_of
from graves_jax.data.iam_ondb.archives import MAX_FILE_BYTES, read_files
from graves_jax.data.iam_ondb.recordings import parse_strokes, read_iam_ondb
from graves_jax.data.ink import Ink
from soak.corpora import make_corpora
from soak.mutations import damage_bytes, strange_text

# --- XML: one line of ink.

_COORDINATES = ("x", "", "1.5", "1e3", "nan", "-nan", "inf", "0x10", "1_0", "١", "--1", "1 2", "9" * 30, "9" * 5_000)
_FITTING = ("0", "-7", "+3", " 12 ", "1000000", "-1000000", "007")
_LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
_HOSTILE = (
    f'<!DOCTYPE x [<!ENTITY l0 "ha">{_LAUGHS}]><x>&l9;</x>'.encode(),
    b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Stroke><Point x="&e;" y="1"/></Stroke>',
    b'<!DOCTYPE x SYSTEM "http://localhost/x.dtd"><x/>',
    b'<!DOCTYPE x [<!ENTITY % p SYSTEM "/dev/zero"> %p;]><x/>',
    b'<?xml version="1.0" encoding="utf-7"?><a/>',
    b'<?xml version="1.0" encoding="utf-16"?><a/>',
    '<?xml version="1.0" encoding="utf-16"?><Stroke><Point x="1" y="2"/></Stroke>'.encode("utf-16"),
    b"<a>" * 50_000 + b"</a>" * 50_000,
    b'<Stroke><Point x="1" y="1" ' + b" ".join(b'a%d="1"' % n for n in range(5_000)) + b"/></Stroke>",
    b'<x xmlns:a="http://a"><a:Stroke/><Stroke><Point x="1" y="2"/></Stroke></x>',
)


def _strokes(rng: random.Random, strange: float) -> list[list[tuple[str, str]]]:
    """Strokes whose coordinates are texts, some of them strange."""

    def coordinate():
        if rng.random() < strange:
            return rng.choice(rng.choice((_COORDINATES, _FITTING)))
        return str(rng.randint(-9_999, 9_999))

    lengths = rng.choices((0, 1, 2, 9), (0.1 if strange else 0, 2, 3, 3), k=rng.choice((0, 1, 2, 5)))
    return [[(coordinate(), coordinate()) for _ in range(length)] for length in lengths]


def _xml(strokes: list[list[tuple[str, str]]]) -> bytes:
    rows = ["".join(f'<Point x="{x}" y="{y}" time="1.5"/>' for x, y in stroke) for stroke in strokes]
    body = "".join(f'<Stroke colour="black">{row}</Stroke>' for row in rows)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Session><StrokeSet>{body}</StrokeSet></Session>'.encode()


def _feed_xml(_, rng: random.Random) -> None:
    strange = rng.choice((0.0, 0.02, 0.3))
    strokes = _strokes(rng, strange)
    match rng.randrange(5):
        case 0 | 1:
            parsed = parse_strokes(_xml(strokes), "line.xml")
            values = [[tuple(map(_whole_number, point)) for point in stroke] for stroke in strokes]
            assert [list(map(tuple, stroke.tolist())) for stroke in parsed] == values, "other strokes than were written"
        case 2 | 3:
            parsed = parse_strokes(damage_bytes(_xml(strokes), rng), "line.xml")
        case 4:
            content = rng.choice(_HOSTILE)
            parsed = parse_strokes(damage_bytes(content, rng) if rng.random() < 0.5 else content, "line.xml")
    assert all(len(stroke) and stroke.dtype == np.int64 and abs(stroke).max() <= 1_000_000 for stroke in parsed)
    if parsed:
        assert sum(map(len, Ink.from_strokes(parsed).strokes())) == sum(map(len, parsed)), "lost points"


def _whole_number(text: str) -> int:
    assert re.fullmatch(r"\s*[+-]?[0-9]+\s*", text), f"{text!r:.40} was taken for a number"
    return int(text)


# --- Archives.


def _tar(entries: list[tuple[tarfile.TarInfo, bytes]], rng: random.Random | None = None) -> bytes:
    buffer = io.BytesIO()
    formats = (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT)
    for info, content in entries:
        try:
            buffer.write(info.tobuf(rng.choice(formats) if rng else tarfile.GNU_FORMAT, errors="surrogateescape"))
        except (ValueError, UnicodeError):
            # This format cannot hold it.
            buffer.write(info.tobuf(tarfile.GNU_FORMAT, errors="replace"))
        buffer.write(content + bytes(-len(content) % tarfile.BLOCKSIZE))
    return buffer.getvalue() + bytes(2 * tarfile.BLOCKSIZE)


def _entry(name: str, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    return info, content


_ENTRY_NAMES = (
    "a.xml", "../../escaped.xml", "/absolute.xml", "a/../../b.xml", "a\\..\\c.xml", ".hidden.xml", "x" * 300 + ".xml",
    "dir.xml/", "é.xml", "\udcff.xml", "no suffix", "a//b.xml", "C:\\d.xml", "\n.xml",
)  # fmt: skip
_ENTRY_TYPES = (
    tarfile.REGTYPE, tarfile.REGTYPE, tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE,
    tarfile.CHRTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE, tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK, tarfile.GNUTYPE_SPARSE, tarfile.XHDTYPE, tarfile.XGLTYPE, b"Z",
)  # fmt: skip
_PAX = {"size": "-1", "path": "../p.xml", "GNU.sparse.major": "1", "GNU.sparse.realsize": "9" * 12, "mtime": "nan"}


def _hostile_entry(rng: random.Random) -> tuple[tarfile.TarInfo, bytes]:
    info, content = _entry(rng.choice(_ENTRY_NAMES), rng.randbytes(rng.choice((0, 1, 600, 3_000))))
    info.type = rng.choice(_ENTRY_TYPES)
    info.linkname = rng.choice(("", "a.xml", "/etc/passwd", "../.."))
    info.size = rng.choice((info.size, info.size, info.size, 0, 1 << 20, (1 << 20) + 1, 8 << 30, -1, 1 << 62))
    if rng.random() < 0.2:
        key = rng.choice(list(_PAX))
        info.pax_headers = {key: rng.choice((_PAX[key], "", "x", "9" * 5_000, "\n"))}
    return info, content


def _prepare_archive(folder: pathlib.Path):
    contents = {f"{number}.xml": bytes(range(256)) * number for number in range(6)}
    tar = _tar([_entry(f"folder/{name}", content) for name, content in contents.items()])
    return folder / "all.tar.gz", tar, list(contents.items())


def _feed_archive(material, rng: random.Random) -> None:
    path, tar, contents = material
    match rng.randrange(4):
        case 0:
            path.write_bytes(damage_bytes(gzip.compress(tar, 1), rng))
        case 1:
            path.write_bytes(gzip.compress(damage_bytes(tar, rng), 1))
        case 2:
            path.write_bytes(gzip.compress(_tar([_hostile_entry(rng) for _ in range(rng.randint(1, 4))], rng), 1))
        case 3:
            path.write_bytes(gzip.compress(tar, 1)[: rng.randrange(2_000)])
    found = list(read_files(path, suffix=".xml", progress=False))
    assert all("/" not in name and len(content) <= MAX_FILE_BYTES for name, content in found)
    assert [file.name for file in path.parent.iterdir()] == [path.name], "it was unpacked"
    if path.read_bytes()[:2] == b"\x1f\x8b" and gzip.decompress(path.read_bytes()) == tar:
        assert found == contents, "other files than were packed"


# --- IAM-OnDB.


def _prepare_database(folder: pathlib.Path):
    rng = random.Random(0)
    forms = {"a01-000u": "trainset", "b02-001": "testset_v", "c03-002z": "testset_t", "d04-003": "testset_f"}
    ink = {f"{form}-0{n}.xml": _xml([[("1", "2"), ("5", "9")], *_strokes(rng, 0.0)]) for form in forms for n in (1, 2)}
    text = {f"{form}.txt": b"OCR:\n\nCSR:\n\nMr . Foot &apos;s\nA MOVE to stop\n" for form in forms}
    files = {"lineStrokes-all.tar.gz": ink, "ascii-all.tar.gz": text}
    files |= {f"{subset}.txt": form.encode() + b"\n" for form, subset in forms.items()}
    return folder, files | {"writers.tsv": b"form\twriter\n" + "".join(f"{form}\t10\n" for form in forms).encode()}


def _feed_database(material, rng: random.Random) -> None:
    folder, files = material
    for name, content in files.items():
        (folder / name).write_bytes(_packed(content) if isinstance(content, dict) else content)
    name = rng.choice(list(files))
    content = files[name]
    if isinstance(content, dict):
        inner = rng.choice(list(content))
        damaged = _transcript(rng) if inner.endswith(".txt") else damage_bytes(content[inner], rng)
        content = _packed(content | {rng.choice((inner, inner, "z99-999z-09.xml", "x.txt")): damaged})
        (folder / name).write_bytes(content if rng.random() < 0.7 else damage_bytes(content, rng))
    else:
        (folder / name).write_bytes(damage_bytes(content, rng))
    lines = read_iam_ondb(folder, progress=False).lines
    assert all(page_of(line.line_id) and line.ink.text for line in lines)
    make_corpora(lines)


def _packed(contents: dict[str, bytes]) -> bytes:
    return gzip.compress(_tar([_entry(f"all/{name}", content) for name, content in contents.items()]), 1)


def _transcript(rng: random.Random) -> bytes:
    """A form's transcript, in whatever encoding."""
    text = f"CSR:\n\n{strange_text(rng)}\n{strange_text(rng)}\n"
    return text.encode(rng.choice(("utf-8", "utf-16", "latin-1", "cp500")), "replace")


FAMILIES = {
    "xml": (0.3, lambda folder: None, _feed_xml),
    "archives": (0.12, _prepare_archive, _feed_archive),
    "databases": (0.04, _prepare_database, _feed_database),
}
