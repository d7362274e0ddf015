"""Kills, damages and feeds rubbish to the training script, and counts what it does not survive.

    python experiments/soak.py --kills=20
    python experiments/soak.py --kills=100 --seed=1 --folder=/dev/shm

A tiny network is trained once without disturbance. Then the same run is killed with SIGKILL at random moments, half of
them aimed at saves, and started again until it ends: weights, optimiser, averages, data order, metrics and samples have
to be equal to the bit. Then its checkpoints are damaged, its disk filled, its process stopped. What goes wrong is told
on standard error; the last line of standard output is the count as JSON.
"""

import logging
import pathlib
import sys
import tempfile
import time

import command_line
from absl import flags

KILLS = flags.DEFINE_integer("kills", 20, "SIGKILLs at random moments.", lower_bound=0)
SEED = flags.DEFINE_integer("seed", 0, "Of the moments and of the places that are damaged.", lower_bound=0)
FOLDER = flags.DEFINE_string("folder", None, "Where to work; without it, a temporary folder.")


def main() -> None:
    from soak_damage import survive_damages
    from soak_training import make_bench, survive_kills

    # Orbax tells at length about every file that it reads.
    logging.getLogger("absl").setLevel(logging.ERROR)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="soak_", dir=FOLDER.value) as folder:
        bench = make_bench(pathlib.Path(folder), SEED.value)
        expected = bench.folder / "undisturbed"
        bench.finish(expected)
        inside, kill_faults = survive_kills(bench, KILLS.value, expected)
        damages, damage_faults = survive_damages(bench, expected)
    faults = kill_faults + damage_faults
    for fault in faults:
        print(f"failure: {fault}", file=sys.stderr)
    print(f"{KILLS.value} kills, {inside} of them in a save; {damages} damages; {len(faults)} failures")
    command_line.print_json(
        {
            "kills": KILLS.value,
            "kills_in_a_save": inside,
            "bit_equal": not kill_faults,
            "damages": damages,
            "failures": len(faults),
            "seconds": round(time.perf_counter() - started),
        }
    )


if __name__ == "__main__":
    command_line.run(main)
