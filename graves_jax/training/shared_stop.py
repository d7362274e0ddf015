"""How the processes of a run come to stop after the same update."""

import signal

import jax
from jax.sharding import Mesh

from graves_jax.training import devices
from graves_jax.training.signals import Stop


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
