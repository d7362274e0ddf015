"""SIGINT (Ctrl-C) and SIGTERM (a machine that is taken away) end a run between two updates, not within one.

The processes of a run all stop after the same update.
"""

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from typing import TypeVar

import jax
from jax.sharding import Mesh

from graves_jax.training import devices

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_Item = TypeVar("_Item")


class StopRequestedError(Exception):
    """A stop signal arrived in the middle of something that can be left undone."""


class Stop:
    """Whether the run has been asked to stop, and by which signal. True once it has."""

    def __init__(self):
        self.signal: signal.Signals | None = None

    def __bool__(self) -> bool:
        return self.signal is not None

    def interrupts(self, items: Iterable[_Item]) -> Iterator[_Item]:
        """The items; raises StopRequestedError in place of the next one once a signal has arrived."""
        for item in items:
            if self:
                raise StopRequestedError
            yield item


@contextlib.contextmanager
def stop_signals() -> Iterator[Stop]:
    """Collects the first stop signal that arrives; the second of a kind acts as it always does."""
    stop, previous = Stop(), {}

    def note(number, frame):
        del frame
        signal.signal(number, previous[number])
        if not stop:
            stop.signal = signal.Signals(number)
            # Not print: the signal may have arrived in the middle of one.
            os.write(2, f"\n{stop.signal.name}: saving a checkpoint, then leaving.\n".encode())

    for number in STOP_SIGNALS:
        previous[number] = signal.signal(number, note)
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class SharedStop:
    """Whether the run is to stop: a process alone knows at once; several must all stop after the same update.

    So each one's flag goes along with the sums of an update. The sum of the flags is read when the update after it has
    been sent off, and it is waited for no more than for the loss.
    """

    def __init__(self, stop: Stop, mesh: Mesh | None):
        self._stop, self._mesh = stop, mesh
        self._sums: list[jax.Array] = []
        self._agreed = False

    def __bool__(self) -> bool:
        if jax.process_count() == 1:
            return bool(self._stop)
        while len(self._sums) > 1:
            self._agreed |= bool(self._sums.pop(0) > 0)
        return self._agreed

    @property
    def signal(self) -> int | None:
        """SIGINT or SIGTERM; where another process had it, SIGTERM."""
        return self._stop.signal or (signal.SIGTERM if self else None)

    def flags(self) -> jax.Array:
        """Of this process, for the next update on a mesh."""
        assert self._mesh is not None
        return devices.put_flag(bool(self._stop), self._mesh)

    def after_update(self, flags: jax.Array) -> None:
        """Takes note of the sum that an update gave."""
        if jax.process_count() > 1:
            self._sums.append(flags)

    def after_look(self, looked: bool) -> None:
        """Where the first process has validated, the others wait, and hear whether it was stopped meanwhile."""
        if looked and jax.process_count() > 1:
            self._agreed |= devices.agree(lambda: bool(self._stop))
