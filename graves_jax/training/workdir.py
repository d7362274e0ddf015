"""The folder of a run: its metrics file, and the lock that keeps a second run out."""

import contextlib
import fcntl
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from graves_jax.errors import InputError


@contextlib.contextmanager
def locked(workdir: pathlib.Path) -> Iterator[None]:
    """Holds the folder for this process; the lock goes with the process, however it ends.

    Raises:
      InputError: another process holds it, or the folder cannot be made.
    """
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        file = (workdir / "lock").open("w")
    except OSError as error:
        raise InputError(f"Expected a folder to write to at {workdir}, found a fault: {error.strerror}.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"Expected {workdir} to be free, found another run training in it.") from error
        yield


class Metrics:
    """`metrics.jsonl`: one row per report. Rows hold nothing that depends on speed, so that reruns are byte-equal."""

    def __init__(self, workdir: pathlib.Path, step: int):
        """Opens the file for a run that goes on after `step`; rows beyond it, of a run cut off later, are dropped."""
        self._path = workdir / "metrics.jsonl"
        rows = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        kept = [row for row in rows if _step_of(row) is not None and _step_of(row) <= step]
        temporary = self._path.with_suffix(".tmp")
        temporary.write_text("".join(f"{row}\n" for row in kept), encoding="utf-8")
        os.replace(temporary, self._path)

    def write(self, row: dict[str, Any]) -> None:
        """Appends a row and makes sure that it is on disk."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _step_of(row: str) -> int | None:
    """The step of a row; None for one that was cut off in the middle."""
    try:
        return json.loads(row)["step"]
    except ValueError:
        return None
