"""Trains a tiny network again and again while it is killed, stopped and damaged: the training part of soak.py."""

import contextlib
import dataclasses
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

import jax
import numpy as np
import tqdm

from graves_jax.data.hershey.writers import hershey_corpus
from graves_jax.training.checkpoint import read_arrays
from graves_jax.training.step import TrainState

# A run ends with a row of metrics and a validation, so half way is where a longer run has them too.
NUM_STEPS, HALF = 400, 280
# An update takes milliseconds and a save tens of them, so that many kills fall into saves.
FLAGS = (
    "--alphabet=ascii", "--cell=lstm", "--hidden_size=8", "--num_layers=2", "--num_components=2", "--num_window=2",
    "--batch_size=4", "--max_points=24", "--learning_rate=1e-3", "--warmup_steps=20", "--max_gradient_norm=1",
    "--ema_decay=0.99", "--scale=0.1", "--slant=5", "--report_every=7", "--save_every=5", "--validate_every=40",
    "--draw_every=100", "--draw_text=ab",
)  # fmt: skip
TRAIN = pathlib.Path(__file__).parents[1] / "train.py"
START_SECONDS = 4.0


@dataclasses.dataclass(frozen=True)
class Bench:
    """Where the runs are made, and how.

    Attributes:
      folder: for workdirs, the corpus and the compilation cache.
      rng: for moments and places.
      environment: of the runs, besides this process's own.
    """

    folder: pathlib.Path
    rng: np.random.Generator
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def start(self, workdir: pathlib.Path, num_steps: int = NUM_STEPS, *more: str) -> subprocess.Popen:
        """Starts train.py in a workdir."""
        environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(self.folder / "cache")} | dict(self.environment)
        command = [sys.executable, str(TRAIN), *FLAGS, f"--data={self.folder / 'corpus.npz'}"]
        command += [f"--workdir={workdir}", f"--num_steps={num_steps}", *more]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)

    def finish(self, workdir: pathlib.Path, num_steps: int = NUM_STEPS, *more: str) -> subprocess.CompletedProcess:
        """Runs train.py to its end."""
        return ended(self.start(workdir, num_steps, *more))


def make_bench(folder: pathlib.Path, seed: int) -> Bench:
    """A bench with a small corpus of the synthetic writers."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = hershey_corpus(num_lines=60, seed=seed, min_characters=3, max_characters=8, points_per_character=6.0)
    corpus.save(folder / "corpus.npz")
    return Bench(folder, np.random.default_rng(seed))


def ended(process: subprocess.Popen) -> subprocess.CompletedProcess:
    """Waits for a process to end."""
    output, errors = process.communicate(timeout=600)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def newest_checkpoint(workdir: pathlib.Path) -> pathlib.Path:
    """The finished checkpoint with the most updates."""
    steps = [path for path in (workdir / "checkpoints").iterdir() if path.name.isdigit()]
    return max(steps, key=lambda path: int(path.name))


def differences(workdir: pathlib.Path, expected: pathlib.Path) -> list[str]:
    """What of a run is not bit for bit that of another: its state, its place in the data, its metrics and samples."""
    newest, expected_newest = newest_checkpoint(workdir), newest_checkpoint(expected)
    found = []
    for field in TrainState._fields:
        leaves, others = (jax.tree.leaves(read_arrays(step, field)) for step in (newest, expected_newest))
        if not all(one.tobytes() == other.tobytes() for one, other in zip(leaves, others, strict=True)):
            found.append(field)
    pairs = {
        "data order": (newest / "progress" / "metadata", expected_newest / "progress" / "metadata"),
        "metrics": (workdir / "metrics.jsonl", expected / "metrics.jsonl"),
    }
    pairs |= {file.name: (workdir / "samples" / file.name, file) for file in (expected / "samples").iterdir()}
    return found + [name for name, (one, other) in pairs.items() if one.read_bytes() != other.read_bytes()]


def survive_kills(bench: Bench, kills: int, expected: pathlib.Path) -> tuple[int, list[str]]:
    """Kills runs at random moments and starts them again until they end; every other kill is aimed at a save.

    Returns:
      How many of the kills fell into a save, and what went wrong.
    """
    inside, faults, number = 0, [], 0
    workdir = bench.folder / "killed"
    for kill in tqdm.tqdm(range(kills), desc="kills", unit="kill"):
        before = _unfinished(workdir)
        process = bench.start(workdir)
        moments = (_in_a_save, _while_training, _in_a_save, _at_the_start)
        moments[kill % 4](bench, workdir, process)
        process.kill()
        process.communicate()
        inside += not _unfinished(workdir) <= before
        if process.returncode == 0:
            faults += _compare(f"run {number}", workdir, expected)
            number, workdir = number + 1, bench.folder / f"killed_{number + 1}"
    result = bench.finish(workdir)
    if result.returncode:
        return inside, [*faults, f"run {number} ended with {result.returncode}: {result.stderr[-500:]}"]
    return inside, faults + _compare(f"run {number}", workdir, expected)


def _compare(name: str, workdir: pathlib.Path, expected: pathlib.Path) -> list[str]:
    return [f"{name}: {difference} differs" for difference in differences(workdir, expected)]


def _at_the_start(bench: Bench, workdir: pathlib.Path, process: subprocess.Popen) -> None:
    time.sleep(bench.rng.uniform(0.0, START_SECONDS))


def _while_training(bench: Bench, workdir: pathlib.Path, process: subprocess.Popen) -> None:
    wait_for_progress(workdir, process)
    time.sleep(bench.rng.uniform(0.0, 2.0))


def _in_a_save(bench: Bench, workdir: pathlib.Path, process: subprocess.Popen) -> None:
    # The first save of a process comes when everything is compiled; a few more may pass.
    _while_training(bench, workdir, process)
    _wait(process, lambda: bool(_unfinished(workdir)))
    time.sleep(bench.rng.uniform(0.0, 0.03))


def wait_for_progress(workdir: pathlib.Path, process: subprocess.Popen) -> None:
    """Until a process has written a row of metrics, or has ended."""
    before = _metrics_size(workdir)
    _wait(process, lambda: _metrics_size(workdir) > before)


def _wait(process: subprocess.Popen, condition: Callable[[], bool]) -> None:
    while process.poll() is None and not condition():
        time.sleep(0.001)


def _metrics_size(workdir: pathlib.Path) -> int:
    file = workdir / "metrics.jsonl"
    return file.stat().st_size if file.exists() else 0


def _unfinished(workdir: pathlib.Path) -> set[tuple[str, int]]:
    """Saves that are under way or were broken off, each by its name and when it last changed."""
    found = set()
    for path in (workdir / "checkpoints").glob("*.orbax-checkpoint-tmp"):
        # It may be finished in between.
        with contextlib.suppress(FileNotFoundError):
            found.add((path.name, path.stat().st_mtime_ns))
    return found
