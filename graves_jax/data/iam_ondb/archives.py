"""The files of a source, from a .tar.gz as it was downloaded or from the folder it was unpacked to.

An archive is read as a stream: nothing is unpacked to disk and no name inside it is used as a path. An archive comes
from elsewhere, so what it can make us hold in memory is bounded: the size of one file, and the number of files.
"""

import contextlib
import gzip
import os
import pathlib
import tarfile
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from graves_jax.bars import Bar
from graves_jax.errors import InputError
from graves_jax.files import is_folder

# Ten times the largest file of IAM-OnDB, and seven times as many files as it has.
MAX_FILE_BYTES = 1_048_576
MAX_FILES = 100_000
_CHUNK_BYTES = 65_536

# Name, size in bytes, and what reads it.
_File = tuple[str, int, Callable[[], bytes]]


def find_source(folder: pathlib.Path, *, archive: str, unpacked: str) -> pathlib.Path:
    """The archive in `folder`, or else the folder that it unpacks to.

    Raises:
      InputError: there is neither.
    """
    if not is_folder(folder):
        raise InputError(f"Expected a folder with {archive} at {folder}, found no such folder.")
    if (folder / archive).is_file():
        return folder / archive
    if (folder / unpacked).is_dir():
        return folder / unpacked
    raise InputError(f"Expected the archive {archive} or a folder {unpacked} in {folder}, found neither.")


def read_files(source: pathlib.Path, *, suffix: str, progress: bool = True) -> Iterator[tuple[str, bytes]]:
    """The regular files of an archive or folder whose name ends with `suffix`, hidden ones aside, one after the other.

    Args:
      source: a .tar.gz file, or a folder that is searched to any depth.
      suffix: for example ".xml".
      progress: whether to show a bar on standard error.
    Yields:
      The name without its folders, and the content.
    Raises:
      InputError: the archive is damaged or something else, or holds more than the bounds allow.
    """
    files = _folder_files if source.is_dir() else _archive_files
    with _damage_named(source):
        for name, size, read in files(source, suffix, progress):
            if name.startswith("."):
                continue
            if size > MAX_FILE_BYTES:
                raise InputError(f"{source} holds {name!r} of {size:,} bytes, expected at most {MAX_FILE_BYTES:,}.")
            yield name, read()


class _BoundedGzip(gzip.GzipFile):
    """Refuses to decompress more than one file's worth at once.

    tarfile reads an entry's header extensions (long names, pax records) whole, as large as the archive says they are,
    before it hands over the entry: the bound must stand below it.
    """

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= MAX_FILE_BYTES + 2 * tarfile.BLOCKSIZE:
            raise InputError(f"{self.name} holds an entry of {size or 0:,} bytes, expected at most {MAX_FILE_BYTES:,}.")
        return super().read(size)


def _archive_files(source: pathlib.Path, suffix: str, progress: bool) -> Iterator[_File]:
    with (
        source.open("rb") as file,
        Bar.wrapattr(file, "read", total=os.path.getsize(source), desc=source.name, disable=not progress) as counted,
        # The bar wraps a whole file; its annotation knows of `read` alone.
        _BoundedGzip(filename=str(source), fileobj=cast(BinaryIO, counted), mode="rb") as unzipped,
        tarfile.open(fileobj=unzipped, mode="r:") as archive,
    ):
        for number, entry in enumerate(archive):
            if number >= MAX_FILES:
                raise InputError(f"{source} holds more than the {MAX_FILES:,} entries allowed.")
            name = entry.name.rsplit("/", 1)[-1]
            if entry.isreg() and name.endswith(suffix):
                content = archive.extractfile(entry)
                assert content is not None  # it is a regular file
                yield name, entry.size, content.read
        # tarfile stops at its end mark; gzip compares its checksum only at the end of the stream.
        while unzipped.read(_CHUNK_BYTES):
            pass


@contextlib.contextmanager
def _damage_named(source: pathlib.Path) -> Iterator[None]:
    """Turns what tarfile, gzip and zlib raise on a damaged archive into one sentence."""
    try:
        yield
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError, OverflowError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        kind = "a folder that can be read" if source.is_dir() else "a complete .tar.gz archive"
        raise InputError(f"{source} is not {kind}: {' '.join(str(error).split())!s:.200}.") from error


def _folder_files(source: pathlib.Path, suffix: str, progress: bool) -> Iterator[_File]:
    paths = sorted(path for path in source.rglob(f"*{suffix}") if path.is_file())
    for path in Bar(paths, desc=source.name, unit="file", disable=not progress):
        yield path.name, path.stat().st_size, path.read_bytes
