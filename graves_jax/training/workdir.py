"""The folder of a run: its metrics file, the lock that keeps a second run out, and what a full disk comes to."""

import contextlib
import json
import math
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import filelock

from graves_jax.errors import InputError
from graves_jax.files import whole_file
from graves_jax.training import devices

VALIDATION_NATS = "validation_nats_per_point"


@contextlib.contextmanager
def locked(workdir: pathlib.Path) -> Iterator[None]:
    """Holds the folder for this process; the lock goes with the process, however it ends.

    Raises:
      InputError: another process holds it, or the folder cannot be made.
    """
    lock = filelock.FileLock(workdir / "lock")
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except filelock.Timeout as error:
        raise InputError(f"Expected {workdir} to be free, found another run training in it.") from error
    except OSError as error:
        raise InputError(f"Expected a folder to write to at {workdir}, found a fault: {error.strerror}.") from error
    try:
        yield
    finally:
        lock.release()


class TrainingStoppedError(RuntimeError):
    """The run could not go on; the message says why. Its checkpoints from before are whole."""


@contextlib.contextmanager
def disk_faults_stop_the_run(workdir: pathlib.Path) -> Iterator[None]:
    """A fault of the disk, such as that it is full, comes out as a TrainingStoppedError."""
    try:
        yield
    except OSError as error:
        raise TrainingStoppedError(
            f"Writing to {workdir} failed ({error.strerror or error}), so the run stopped; the checkpoints from before "
            "are whole, and the same command goes on from them."
        ) from error


class Metrics:
    """`metrics.jsonl`: one row per report, written by the first process of a run.

    Rows hold nothing that depends on speed, so that reruns are byte-equal.
    """

    def __init__(self, workdir: pathlib.Path, step: int):
        """Opens the file for a run that goes on after `step`; rows beyond it, of a run cut off later, are dropped."""
        self._path = workdir / "metrics.jsonl"
        self.rows = [row for row in read_metrics(workdir) if row["step"] <= step]
        self._writes = devices.is_first()
        if not self._writes:
            return
        with whole_file(self._path) as unfinished:
            unfinished.write_bytes("".join(map(_as_line, self.rows)).encode())
        self._write_scalars = _scalar_writer(workdir)

    def write(self, row: dict[str, Any]) -> None:
        """Appends a row and makes sure that it is on disk. What is not finite becomes null: JSON knows no NaN."""
        row = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in row.items()
        }
        self.rows.append(row)
        if not self._writes:
            return
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_as_line(row))
            file.flush()
            os.fsync(file.fileno())
        self._write_scalars(row)

    def validated(self, step: int) -> bool:
        """Whether the weights after this step have been validated."""
        return any(row["step"] == step and VALIDATION_NATS in row for row in self.rows)

    def last(self) -> dict[str, Any]:
        """The newest value of everything that was measured."""
        return {name: value for row in self.rows for name, value in row.items()}


def read_metrics(workdir: pathlib.Path) -> list[dict[str, Any]]:
    """The rows of a workdir's metrics file, without one at its end that was cut off while it was written.

    Raises:
      InputError: another row is not one.
    """
    path = workdir / "metrics.jsonl"
    if not path.exists():
        return []
    *lines, _ = path.read_bytes().split(b"\n")
    return [_row(line, f"{path}, row {number}") for number, line in enumerate(lines, start=1)]


def validation_nats(workdir: pathlib.Path) -> dict[int, float]:
    """Nats per point on the validation lines after each step that was validated; those not finite are left out."""
    rows = [row for row in read_metrics(workdir) if isinstance(row.get(VALIDATION_NATS), int | float)]
    return {row["step"]: row[VALIDATION_NATS] for row in rows}


def _scalar_writer(workdir: pathlib.Path) -> Callable[[dict[str, Any]], None]:
    """What writes a row of metrics to workdir/tensorboard; without TensorBoard it does nothing.

    A run that goes back to a checkpoint writes the rows after it once more, with the same values.
    """
    try:
        from tensorboard.summary import Writer  # pyright: ignore[reportMissingImports] (optional)
    except ImportError:
        return lambda row: None
    writer = Writer(str(workdir / "tensorboard"))

    def write(row):
        for name, value in row.items():
            if name != "step" and value is not None:
                writer.add_scalar(name, value, step=row["step"])
        writer.flush()

    return write


def _as_line(row: dict[str, Any]) -> str:
    return json.dumps(row, allow_nan=False) + "\n"


def _row(line: bytes, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line, parse_constant=_no_number)
        if type(row["step"]) is int:
            return row
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise InputError(f"Expected a JSON object with a step in {place}, found {line[:60]!r}.")


def _no_number(name: str):
    """JSON has no NaN and no Infinity; Python's reader takes them."""
    raise ValueError(name)
