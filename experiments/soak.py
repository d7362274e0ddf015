"""Stress test: kills training, damages its files, feeds random input to every reader, and counts the failures.

    python experiments/soak.py --kills=20 --inputs=100000
    python experiments/soak.py --kills=0 --inputs=1000000 --seed=1         input alone
    python experiments/soak.py --kills=0 --inputs=0 --minutes=60           memory alone
    python experiments/soak.py --kills=0 --inputs=0 --drivers=10 --hosts=10        many processes alone

  - Training (unless --kills=0): a tiny network is trained once without disturbance. Then the same run is killed with
    SIGKILL at random moments, half of them aimed at saves, and started again until it ends: weights, optimiser,
    averages, data order, metrics and samples have to be equal to the bit. Then its checkpoints are damaged, its disk
    filled, its process stopped, its learning rate set far too high.
  - Input: random damage to every kind of file, text and flag. Each has to be read correctly or refused as documented.
  - Memory: lines are written for --minutes.
  - Many processes: a data set is written while its driver is killed, and two processes train one run while one or the
    other is; the data set has to be the same to the byte, the run that of one process on two devices.

Needs Linux; the full disk needs a superuser, who may mount one. What goes wrong is told on standard error; the last
line of standard output is the count as JSON.
"""

import logging
import pathlib
import sys
import tempfile
import time
from typing import Any

import command_line
from absl import flags

KILLS = flags.DEFINE_integer("kills", 20, "SIGKILLs at random moments; 0 leaves training out.", lower_bound=0)
INPUTS = flags.DEFINE_integer("inputs", 100_000, "Damaged and random inputs; 0 leaves them out.", lower_bound=0)
MINUTES = flags.DEFINE_float("minutes", 0, "Write lines for so long and watch the memory; 0 is off.", 0, 10_000)
DRIVERS = flags.DEFINE_integer("drivers", 0, "SIGKILLs of a process that writes lines, 100 lines each; 0: off.", 0)
HOSTS = flags.DEFINE_integer("hosts", 0, "SIGKILLs of one of two processes that train together; 0 is off.", 0)
SEED = flags.DEFINE_integer("seed", 0, "Of the moments, of the places that are damaged and of the inputs.", 0)
FOLDER = flags.DEFINE_string("folder", None, "Where to work; without it, a temporary folder.")

Part = tuple[dict[str, Any], list[str]]


def main() -> None:
    # Orbax tells at length about every file that it reads.
    logging.getLogger("absl").setLevel(logging.ERROR)
    started = time.perf_counter()
    report, failures = {"kills": KILLS.value, "bit_equal": None, "damages": 0, "inputs": 0}, []
    with tempfile.TemporaryDirectory(prefix="soak_", dir=FOLDER.value) as folder:
        parts = {training: KILLS, inputs: INPUTS, memory: MINUTES, drivers: DRIVERS, hosts: HOSTS}
        for part, wanted in parts.items():
            if wanted.value:
                figures, faults = part(pathlib.Path(folder).resolve())
                report |= figures
                failures += faults
                print_part(part.__name__, figures)
    for failure in failures:
        print(f"failure: {failure}", file=sys.stderr)
    print(f"{len(failures)} failures")
    report |= {"failures": len(failures), "seconds": round(time.perf_counter() - started)}
    command_line.print_json(report)


def training(folder: pathlib.Path) -> Part:
    """Kills and damages."""
    from soak.damage import survive_damages
    from soak.training import make_bench, survive_kills

    bench = make_bench(folder, SEED.value)
    expected = bench.folder / "undisturbed"
    bench.finish(expected)
    inside, kill_faults = survive_kills(bench, KILLS.value, expected)
    damages, damage_faults = survive_damages(bench, expected)
    figures = {"kills_in_a_save": inside, "bit_equal": not kill_faults, "damages": damages}
    return figures, kill_faults + damage_faults


def inputs(folder: pathlib.Path) -> Part:
    """Damaged and random inputs."""
    from soak.inputs import feed

    return feed(INPUTS.value, SEED.value, folder)


def memory(folder: pathlib.Path) -> Part:
    """Memory, while lines are written."""
    del folder
    from soak.memory import sample_for

    figures, faults = sample_for(MINUTES.value, SEED.value)
    return {"memory": figures}, faults


def drivers(folder: pathlib.Path) -> Part:
    """Data sets whose driver is killed."""
    from soak.scale import survive_lost_drivers
    from soak.training import make_bench

    figures, faults = survive_lost_drivers(make_bench(folder / "drivers", SEED.value), DRIVERS.value)
    return {"drivers": figures}, faults


def hosts(folder: pathlib.Path) -> Part:
    """Two hosts, of which one is killed."""
    from soak.scale import survive_lost_hosts
    from soak.training import make_bench

    figures, faults = survive_lost_hosts(make_bench(folder / "hosts", SEED.value), HOSTS.value)
    return {"hosts": figures}, faults


def print_part(name: str, figures: dict[str, Any]) -> None:
    """A part's figures, for people."""
    print(f"{name}:")
    for figure, value in figures.items():
        print(f"  {figure}: {value}")


if __name__ == "__main__":
    command_line.run(main)
