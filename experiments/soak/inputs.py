"""Feeds damaged and random inputs to whatever reads something, and looks what comes of each: part of soak.py.

An input has to be refused with an InputError of one sentence, or read correctly; and soon, and in little memory. Each
family of inputs is fed in a process of its own, so that a crash is noticed, told and gone on from. An input depends on
nothing but the seed, its family and its number; this feeds a single one again and lets its error through:

    cd experiments && python -m soak.inputs FAMILY SEED NUMBER
"""

import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import tqdm

from graves_jax.errors import InputError

# Of the processor, so that another program's load is not taken for a hang.
MAX_SECONDS = 20.0
# A process without progress for so long hangs where signals do not arrive, and is killed.
MAX_SILENCE = 1_800.0
# Beyond what a process has when all is imported and compiled.
MAX_BYTES = 2 << 30
MAX_MESSAGE = 2_000
EXPERIMENTS = pathlib.Path(__file__).parents[1]
WORKER = (sys.executable, "-m", "soak.inputs")


@dataclasses.dataclass(frozen=True)
class Family:
    """A kind of input.

    Attributes:
      share: of all inputs.
      prepare: makes, in a folder, what the inputs are made from.
      feed: makes an input out of that and has it read. Raises InputError where it is refused, and anything else where
        that which came of it is wrong.
    """

    share: float
    prepare: Callable[[pathlib.Path], Any]
    feed: Callable[[Any, random.Random], None]


class TooSlowError(Exception):
    """An input took longer than `MAX_SECONDS`."""


def families() -> dict[str, Family]:
    """All families. The first takes what rounding leaves of the inputs."""
    from soak import archives, corpora, models, settings

    parts = (archives, corpora, models, settings)
    return {name: Family(*family) for part in parts for name, family in part.FAMILIES.items()}


def feed(inputs: int, seed: int, folder: pathlib.Path) -> tuple[dict[str, Any], list[str]]:
    """Feeds so many inputs.

    Returns:
      For each family how many were tried, refused, accepted, and failed; and what went wrong.
    """
    counts = {name: round(family.share * inputs) for name, family in families().items()}
    first = next(iter(counts))
    counts[first] += inputs - sum(counts.values())
    table, faults = {}, []
    with tqdm.tqdm(total=inputs, desc="inputs", unit="input", dynamic_ncols=True) as bar:
        for name, count in counts.items():
            if count:
                table[name], found = _feed_family(name, count, seed, folder, bar)
                faults += [f"{fault} (python -m soak.inputs {name} {seed} NUMBER)" for fault in found]
    return {"inputs": sum(row["tried"] for row in table.values()), "families": table}, faults


def _feed_family(name: str, count: int, seed: int, folder: pathlib.Path, bar: tqdm.tqdm) -> tuple[dict, list[str]]:
    """Feeds one family; a process that dies is followed by another, which starts at the next input."""
    total, faults, megabytes, start = collections.Counter(), [], 0, 0
    while start < count:
        place = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}_", dir=folder))
        death = _watch(name, seed, start, count, place, bar)
        note = Note.read(place)
        if death is not None:
            note.faults.append(f"{note.number}: {death}")
        total.update(refused=note.refused, accepted=note.accepted, failures=len(note.faults))
        faults += [f"{name}, seed {seed}, number {fault}" for fault in note.faults]
        megabytes = max(megabytes, note.megabytes)
        start = count if death is None else max(start, note.number) + 1
    return {"tried": total.total(), **total, "megabytes": megabytes}, faults


def _watch(name: str, seed: int, start: int, stop: int, place: pathlib.Path, bar: tqdm.tqdm) -> str | None:
    """Runs `work` in a process of its own; how it died, None if it did not."""
    command = [*WORKER, name, str(seed), str(start), str(stop), str(place)]
    with (place / "errors").open("w") as errors:
        process = subprocess.Popen(command, cwd=EXPERIMENTS, stdout=errors, stderr=errors)
    shown, since = start, time.monotonic()
    while process.poll() is None:
        time.sleep(0.2)
        number = max(shown, Note.read(place).number)
        if number > shown:
            bar.update(number - shown)
            shown, since = number, time.monotonic()
        elif time.monotonic() > since + MAX_SILENCE:
            process.kill()
            process.wait()
    if process.returncode == 0:
        bar.update(stop - shown)
        return None
    return f"the process ended with {process.returncode}: {(place / 'errors').read_text(errors='replace')[-500:]}"


@dataclasses.dataclass
class Note:
    """How far a process is, in a file, where it is found also when the process has died.

    Attributes:
      number: of the input that is being fed; -1 before the first.
      refused, accepted: how many were.
      faults: what went wrong, each with its number.
      megabytes: that the process has held at most.
    """

    number: int = -1
    refused: int = 0
    accepted: int = 0
    faults: list[str] = dataclasses.field(default_factory=list)
    megabytes: int = 0

    def write(self, place: pathlib.Path) -> None:
        # Not getrusage: a process there begins with what its parent held.
        [kilobytes] = re.findall(r"VmHWM:\s*(\d+)", pathlib.Path("/proc/self/status").read_text())
        self.megabytes = int(kilobytes) // 1_000
        (place / "note.tmp").write_text(json.dumps(dataclasses.asdict(self)))
        (place / "note.tmp").replace(place / "note.json")

    @classmethod
    def read(cls, place: pathlib.Path) -> "Note":
        note = place / "note.json"
        return cls(**json.loads(note.read_text())) if note.exists() else cls()


def work(name: str, seed: int, start: int, stop: int, place: pathlib.Path) -> None:
    """Feeds the inputs `start` to `stop` of a family, with a note of each."""
    family, note = families()[name], Note()
    (place / "material").mkdir()
    material = family.prepare(place / "material")
    _limit_memory()
    for number in range(start, stop):
        note.number = number
        note.write(place)
        outcome = _outcome(family, material, random.Random(f"{seed} {name} {number}"))
        note.accepted += outcome == "accepted"
        note.refused += outcome == "refused"
        if outcome not in ("accepted", "refused"):
            note.faults.append(f"{number}: {outcome}")
    note.write(place)


def _outcome(family: Family, material: Any, rng: random.Random) -> str:
    """accepted, refused, or what went wrong."""
    try:
        with _time_limit():
            family.feed(material, rng)
    except InputError as error:
        message = str(error)
        one_sentence = "\n" not in message and len(message) <= MAX_MESSAGE
        return "refused" if one_sentence else f"a message that is not one sentence: {message[:200]!r}"
    except Exception as error:  # noqa: BLE001 (whatever it is, it is what is looked for here)
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {str(error)[:300]!r} in {place.filename}:{place.lineno}"
    return "accepted"


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    """Raises TooSlowError in a block that takes more than `MAX_SECONDS` of the processor."""

    def stop(*_):
        raise TooSlowError(f"over {MAX_SECONDS:g} s")

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _limit_memory() -> None:
    """From here on, memory beyond `MAX_BYTES` more is not given: a MemoryError."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + MAX_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def once(name: str, seed: int, number: int) -> None:
    """Feeds one input; whatever it raises comes out."""
    family = families()[name]
    with tempfile.TemporaryDirectory() as folder:
        family.feed(family.prepare(pathlib.Path(folder)), random.Random(f"{seed} {name} {number}"))


if __name__ == "__main__":
    # What NumPy warns of is a number that went wrong unnoticed.
    warnings.simplefilter("error", RuntimeWarning)
    name, seed, first, *rest = sys.argv[1:]
    if not rest:
        once(name, int(seed), int(first))
    else:
        work(name, int(seed), int(first), int(rest[0]), pathlib.Path(rest[1]))
