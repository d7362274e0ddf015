"""The bar on standard error: updates, time left, nats, speed."""

import contextlib
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

import tqdm

from graves_jax.training import devices

# With hours to go and five digits of updates it still fits in 80 columns.
_FORMAT = "{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"


class Progress:
    """Shows how far a run is, and measures the speed of its updates alone."""

    # A log file gets a line now and then, not one for every update.
    TERMINAL_SECONDS, LOG_SECONDS = 0.2, 30.0

    def __init__(self, step: int, num_steps: int):
        self._mininterval = self.TERMINAL_SECONDS if sys.stderr.isatty() else self.LOG_SECONDS
        self._bar = tqdm.tqdm(
            total=num_steps,
            initial=step,
            bar_format=_FORMAT,
            dynamic_ncols=True,
            disable=not devices.is_first(),
            mininterval=self._mininterval,
            smoothing=0.05,
        )
        self.first_step = step
        self._speeds: list[float] = []
        self._points = 0
        self._started = self._since = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Since this process began to train, pauses included."""
        return time.perf_counter() - self._started

    def updated(self, points: int) -> None:
        """Counts an update and its points."""
        self._points += points
        self._bar.update()

    def reported(self, row: dict[str, Any]) -> None:
        """Shows a row of metrics. The device has caught up with all updates when it is called."""
        now = time.perf_counter()
        self._speeds.append(self._points / (now - self._since))
        self._points, self._since = 0, now
        nats = "no finite loss"
        if row["nats_per_point"] is not None:
            nats = f"nats {row['nats_per_point']:.2f}/point {row['nats_per_line']:.0f}/line"
        self._bar.set_postfix_str(f"{nats}, {self._speeds[-1]:,.0f} points/s", refresh=False)

    def validating(self, done: int, lines: int) -> None:
        """Shows how far a validation is, in place of the speed until the next report."""
        if time.time() - self._bar.last_print_t >= self._mininterval:
            self._bar.set_postfix_str(f"validating {done:,} of {lines:,} lines")

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Time spent inside, on validating, drawing and saving, does not count for the speed."""
        started = time.perf_counter()
        yield
        self._since += time.perf_counter() - started

    @property
    def points_per_second(self) -> float:
        """Median over the stretches between reports, so that those in which something was compiled do not count."""
        return statistics.median(self._speeds) if self._speeds else 0.0

    def close(self) -> None:
        """Leaves the bar as it is."""
        self._bar.close()
