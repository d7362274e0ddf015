"""Writes lines for a long time and watches how much memory the process holds: the memory part of soak.py."""

import os
import pathlib
import random
import time
from typing import Any

import jax
import tqdm

from graves_jax.drawing import ink_to_svg
from graves_jax.model.weights import Weights
from graves_jax.pretrained import load_pretrained
from graves_jax.sampling.write import MAX_BATCH, MIN_TEXT, write_lines

LOWEST_PRIORITY = 19
MAX_CHARACTERS = 2 * MIN_TEXT
CHARACTERS = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ,.'"
# Memory that grows by more than this, once everything is compiled, is lost.
MAX_GROWTH = 1.1
_MEGABYTE = 1e6


def sample_for(minutes: float, seed: int) -> tuple[dict[str, Any], list[str]]:
    """Writes and draws one line or several, of every length, again and again, at the lowest priority.

    Returns:
      Lines written and resident megabytes after the warm-up, at the end and at most; and what went wrong.
    """
    os.nice(LOWEST_PRIORITY)
    weights, rng = load_pretrained("hershey"), random.Random(seed)
    _warm_up(weights, rng)
    start = largest = resident_megabytes()
    lines, started = 0, time.monotonic()
    with tqdm.tqdm(total=60 * minutes, unit="s", bar_format="memory: {percentage:3.0f}%|{bar}| {postfix}") as bar:
        while time.monotonic() < started + 60 * minutes:
            lines += _write(weights, rng, rng.choice((1, 1, 3, MAX_BATCH)), rng.randint(1, MAX_CHARACTERS))
            largest = max(largest, resident_megabytes())
            bar.set_postfix_str(f"{lines} lines, {largest:.0f} MB at most", refresh=False)
            bar.update(min(time.monotonic() - started, 60 * minutes) - bar.n)
    end = resident_megabytes()
    figures = {
        "minutes": minutes,
        "lines": lines,
        "megabytes_at_start": round(start, 1),
        "megabytes_at_end": round(end, 1),
        "megabytes_at_most": round(largest, 1),
    }
    return figures, [f"memory grew from {start:.0f} to {end:.0f} MB"] if end > MAX_GROWTH * start else []


def resident_megabytes(process: int | str = "self") -> float:
    """What a process holds in memory now; 0 where it has ended. (Linux.)"""
    try:
        pages = int(pathlib.Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE


def _warm_up(weights: Weights, rng: random.Random) -> None:
    """Compiles the program of every shape that can come up; failed lines are drawn again in smaller batches."""
    for characters in (MIN_TEXT, MAX_CHARACTERS):
        for num_lines in (1, 3, MAX_BATCH):
            _write(weights, rng, num_lines, characters)


def _write(weights: Weights, rng: random.Random, num_lines: int, characters: int) -> int:
    """Lines of random letters; how many."""
    texts = ["x" + "".join(rng.choices(CHARACTERS, k=characters - 1)) for _ in range(num_lines)]
    keys = [jax.random.key(rng.getrandbits(32)) for _ in texts]
    ink_to_svg([line.ink for line in write_lines(weights, texts, keys=keys, bias=0.5)])
    return num_lines
