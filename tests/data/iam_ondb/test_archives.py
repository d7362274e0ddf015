"""Archives are read whole or not at all, and cannot make us hold more than the bounds allow."""

import gzip
import io
import tarfile
import tracemalloc

import pytest

from graves_jax.data.iam_ondb import archives
from graves_jax.data.iam_ondb.archives import find_source, read_files
from graves_jax.errors import InputError
from graves_jax.files import sha256_of


def entry(name, content=b"", **fields):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, io.BytesIO(content)


def write_archive(path, entries):
    with tarfile.open(path, "w:gz") as archive:
        for info, content in entries:
            archive.addfile(info, content)


def read(path, suffix=".xml"):
    return list(read_files(path, suffix=suffix, progress=False))


def test_archive_and_folder_hold_the_same(tmp_path):
    contents = {"b/two.xml": b"2" * 5_000, "a/one.xml": b"1", "a/readme.txt": b"no", "a/._one.xml": b"no", "z.xml": b""}
    write_archive(tmp_path / "all.tar.gz", [entry(f"top/{name}", content) for name, content in contents.items()])
    for name, content in contents.items():
        (tmp_path / "top" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "top" / name).write_bytes(content)
    expected = [("one.xml", b"1"), ("two.xml", b"2" * 5_000), ("z.xml", b"")]
    assert sorted(read(tmp_path / "all.tar.gz")) == expected
    assert read(tmp_path / "top") == expected


def test_archive_comes_before_the_folder(tmp_path):
    (tmp_path / "ink").mkdir()
    assert find_source(tmp_path, archive="ink.tar.gz", unpacked="ink").name == "ink"
    (tmp_path / "ink.tar.gz").touch()
    assert find_source(tmp_path, archive="ink.tar.gz", unpacked="ink").name == "ink.tar.gz"
    with pytest.raises(InputError, match=r"archive text\.tar\.gz or a folder text in .*, found neither"):
        find_source(tmp_path, archive="text.tar.gz", unpacked="text")
    with pytest.raises(InputError, match="no such folder"):
        find_source(tmp_path / "gone", archive="ink.tar.gz", unpacked="ink")


def test_names_are_no_paths(tmp_path):
    names = ["../../escaped.xml", "/absolute.xml", "a/../b.xml"]
    links = [entry("link.xml", type=tarfile.SYMTYPE, linkname="/etc/passwd"), entry("pipe.xml", type=tarfile.FIFOTYPE)]
    (tmp_path / "here").mkdir()
    write_archive(tmp_path / "here" / "all.tar.gz", [entry(name, b"x") for name in names] + links)
    assert [name for name, _ in read(tmp_path / "here" / "all.tar.gz")] == ["escaped.xml", "absolute.xml", "b.xml"]
    assert [path.name for path in tmp_path.rglob("*")] == ["here", "all.tar.gz"]


@pytest.mark.parametrize("keep", [0, 5, 200, 0.5, -1, -9])
def test_truncated_archive_is_an_error(tmp_path, keep):
    path = tmp_path / "all.tar.gz"
    write_archive(path, [entry(f"{number}.xml", bytes(range(256)) * number) for number in range(60)])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(InputError, match=r"all\.tar\.gz is not a complete \.tar\.gz archive: .+\.$"):
        read(path)


def test_every_flipped_byte_is_noticed_or_harmless(tmp_path):
    path = tmp_path / "all.tar.gz"
    write_archive(path, [entry(f"{number}.xml", b"<x>%d</x>" % number) for number in range(8)])
    expected, whole = read(path), path.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0x10
        path.write_bytes(damaged)
        try:
            found = read(path)
        except InputError:
            continue
        assert found == expected


@pytest.mark.parametrize("content", [b"", b"garbage", gzip.compress(b"garbage" * 1_000, mtime=0), b"PK\x03\x04"])
def test_garbage_is_an_error(tmp_path, content):
    (tmp_path / "all.tar.gz").write_bytes(content)
    with pytest.raises(InputError, match="is not a complete"):
        read(tmp_path / "all.tar.gz")


def peak_bytes(path):
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="bytes, expected at most 1,048,576"):
            read(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def compressed_zeros(header, size):
    """A .tar.gz of one header and `size` zero bytes, without ever holding them."""
    buffer = io.BytesIO()
    with gzip.open(buffer, "wb", compresslevel=1) as file:
        file.write(header)
        for _ in range(size // 1_048_576):
            file.write(bytes(1_048_576))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_bomb_is_refused_before_it_is_held(tmp_path, kind):
    size = 64 * 1_048_576
    info = tarfile.TarInfo("bomb.xml")
    info.size, info.type = size, kind
    path = tmp_path / "all.tar.gz"
    path.write_bytes(compressed_zeros(info.tobuf(tarfile.GNU_FORMAT), size))
    assert peak_bytes(path) < 8 * 1_048_576


def test_a_sparse_bomb_is_refused(tmp_path):
    # A few bytes in the archive that stand for 8 GB of zeros.
    info = tarfile.TarInfo("bomb.xml")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[483:495] = b"%011o\0" % (8 * 1_073_741_823)
    header[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(header))[0]
    path = tmp_path / "all.tar.gz"
    path.write_bytes(compressed_zeros(bytes(header), 1_048_576))
    assert peak_bytes(path) < 8 * 1_048_576


def test_large_file_in_a_folder(tmp_path):
    with (tmp_path / "bomb.xml").open("wb") as file:
        file.truncate(8_000_000_000)
    assert peak_bytes(tmp_path) < 8 * 1_048_576


def test_too_many_entries(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_FILES", 5)
    write_archive(tmp_path / "all.tar.gz", [entry(f"{number}.xml") for number in range(5)])
    assert len(read(tmp_path / "all.tar.gz")) == 5
    write_archive(tmp_path / "all.tar.gz", [entry(f"{number}.xml") for number in range(6)])
    with pytest.raises(InputError, match="more than the 5 entries"):
        read(tmp_path / "all.tar.gz")


def test_endless_header_extensions(tmp_path):
    headers = []
    for _ in range(2_000):
        info = tarfile.TarInfo("long")
        info.size, info.type = 512, tarfile.GNUTYPE_LONGNAME
        headers.append(info.tobuf(tarfile.GNU_FORMAT) + b"x" * 512)
    (tmp_path / "all.tar.gz").write_bytes(gzip.compress(b"".join(headers)))
    with pytest.raises(InputError, match="is not a complete"):
        read(tmp_path / "all.tar.gz")


def test_sha256_of_a_folder_sees_names_and_contents(tmp_path):
    digests = set()
    for number, (name, content) in enumerate([("a", b"1"), ("a", b"2"), ("b", b"1"), ("sub/a", b"1")]):
        path = tmp_path / str(number) / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        digests.add(sha256_of(tmp_path / str(number)))
    assert len(digests) == 4
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "a").write_bytes(b"1")
    assert sha256_of(tmp_path / "again") in digests
    assert sha256_of(tmp_path / "0" / "a") == "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
