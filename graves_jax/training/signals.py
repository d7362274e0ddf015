"""SIGINT (Ctrl-C) and SIGTERM (a machine that is taken away) end a run between two updates, not within one."""

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from typing import TypeVar

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
