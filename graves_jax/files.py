"""Files that appear whole or not at all, what is at a path, and the sha256 of what is there."""

import contextlib
import hashlib
import os
import pathlib
import secrets
from collections.abc import Iterator

# How the names end of files that are being written.
UNFINISHED = ".unfinished"


@contextlib.contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Where to write a file that gets its name when the block is left, in place of what had it; after an error, never.

    Until then it stands beside, under a name of its own. It is on disk before it gets its name. Who may read it is for
    the user's umask to say, as with any file.

    Raises:
      OSError: the file cannot be written.
    """
    path = pathlib.Path(path)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}{UNFINISHED}")
    try:
        yield unfinished
        with unfinished.open("r+b") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def is_file(path: pathlib.Path) -> bool:
    """Whether there is a regular file at a path, whatever the path: one that is too long for a name has none."""
    with contextlib.suppress(OSError):
        return path.is_file()
    return False


def is_folder(path: pathlib.Path) -> bool:
    """The same for a folder."""
    with contextlib.suppress(OSError):
        return path.is_dir()
    return False


def sha256_of(source: pathlib.Path) -> str:
    """sha256 in hexadecimal: of a file's content, or of the relative names and contents of a folder's files."""
    if not source.is_dir():
        with source.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(source).as_posix()}\0{sha256_of(path)}\n".encode())
    return digest.hexdigest()
