"""The bar: what it shows, in how many columns, and how it counts."""

import fcntl
import os
import pty
import struct
import sys
import termios
import time

import pytest

from graves_jax.training.progress import Progress

ROW = {"nats_per_point": -1.234, "nats_per_line": -765.4}


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when told to."""

    class Clock:
        now = 1_000.0

        def pass_by(self, seconds):
            self.now += seconds

    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)
    return clock


def last_line(capsys):
    return capsys.readouterr().err.replace("\n", "").split("\r")[-1]


def test_speed_is_points_by_seconds_between_reports(clock):
    progress = Progress(0, 100)
    for points, seconds in ((500, 50.0), (600, 2.0), (800, 2.0)):
        progress.updated(points // 2)
        progress.updated(points // 2)
        clock.pass_by(seconds)
        progress.reported(ROW)
    # The first stretch, in which something was compiled, is not the median.
    assert progress.points_per_second == 300.0


def test_pauses_do_not_count(clock):
    progress = Progress(0, 100)
    progress.updated(600)
    clock.pass_by(1.0)
    with progress.paused():
        clock.pass_by(500.0)
    clock.pass_by(1.0)
    progress.reported(ROW)
    assert progress.points_per_second == 300.0


def test_a_pause_that_ends_in_a_fault_does_not_hide_it():
    progress = Progress(0, 100)
    with pytest.raises(ZeroDivisionError), progress.paused():
        raise ZeroDivisionError


def test_without_a_report_there_is_no_speed():
    assert Progress(0, 100).points_per_second == 0.0


@pytest.fixture
def terminal():
    """A terminal of 80 columns: what is written to, and what it has shown."""
    shown, written = pty.openpty()
    fcntl.ioctl(written, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with os.fdopen(shown, "rb", 0) as screen, os.fdopen(written, "w", encoding="utf-8") as stderr:
        yield stderr, screen


def test_the_bar_fits_in_80_columns_even_in_a_long_run(monkeypatch, clock, terminal):
    stderr, screen = terminal
    monkeypatch.setattr(sys, "stderr", stderr)
    progress = Progress(12_000, 20_000)
    # As if 4,000 updates had taken 4,000 seconds.
    progress._bar.n, progress._bar.start_t, progress._bar.smoothing = 15_999, progress._bar.start_t - 4_000, 0
    progress.updated(4_512)
    clock.pass_by(1.0)
    progress.reported(ROW)
    progress.close()
    shown = b""
    # A terminal hands over what has arrived so far; the bar ends with a new line.
    while not shown.endswith(b"\n"):
        shown += screen.read(10_000)
    line = shown.decode().rstrip().split("\r")[-1]
    assert len(line) <= 80
    assert line.endswith("| 16000/20000 [1:06:40<1:06:40, nats -1.23/point -765/line, 4,512 points/s]")


def test_a_stretch_without_a_finite_loss(clock, capsys):
    progress = Progress(0, 100)
    progress.updated(10)
    clock.pass_by(1.0)
    progress.reported({"nats_per_point": None, "nats_per_line": None})
    progress.close()
    assert "no finite loss" in last_line(capsys)
