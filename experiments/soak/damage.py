"""Damages what a run has saved, as disks and users do, and checks how train.py goes on.

Each case begins with a copy of a workdir half way. It returns what went wrong, nothing if all is well.
"""

import json
import pathlib
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator

import numpy as np
import tqdm

from graves_jax.training.integrity import SEAL, fault_of
from soak.training import HALF, NUM_STEPS, Bench, differences, ended, newest_checkpoint, wait_for_progress

# Ten times the rate at which this network, with nothing clipped, learns fastest: its loss grows to thousands of nats.
TOO_HIGH = ("--learning_rate=0.1", "--max_gradient_norm=1e30", "--warmup_steps=0")
TOO_HIGH += ("--validate_every=0", "--draw_every=0", "--report_every=100", "--save_every=500")
LONG_RUN = 10_000

Damage = Callable[[pathlib.Path, np.random.Generator], None]


def _files(step: pathlib.Path) -> list[pathlib.Path]:
    return sorted(file for file in step.rglob("*") if file.is_file() and file.stat().st_size)


def _largest(step: pathlib.Path) -> pathlib.Path:
    return max(_files(step), key=lambda file: file.stat().st_size)


def _flip(file: pathlib.Path, rng: np.random.Generator) -> None:
    content = bytearray(file.read_bytes())
    content[rng.integers(len(content))] ^= 1 << rng.integers(8)
    file.write_bytes(content)


def _truncate(file: pathlib.Path, rng: np.random.Generator) -> None:
    file.write_bytes(file.read_bytes()[: rng.integers(file.stat().st_size)])


def _empty(step: pathlib.Path, rng: np.random.Generator) -> None:
    shutil.rmtree(step)
    step.mkdir()


def _zeros(step: pathlib.Path, rng: np.random.Generator) -> None:
    """What some file systems leave after a power cut: the right sizes, nothing in them."""
    for file in _files(step):
        file.write_bytes(bytes(file.stat().st_size))


# Names and ways to damage the newest checkpoint.
DAMAGES: dict[str, Damage] = {
    "arrays truncated": lambda step, rng: _truncate(_largest(step), rng),
    "arrays with a bit flipped": lambda step, rng: _flip(_largest(step), rng),
    "arrays missing": lambda step, rng: _largest(step).unlink(),
    "any file truncated": lambda step, rng: _truncate(_any_sealed(step, rng), rng),
    "any file with a bit flipped": lambda step, rng: _flip(_any_sealed(step, rng), rng),
    "any file missing": lambda step, rng: _any_sealed(step, rng).unlink(),
    "index with a bit flipped": lambda step, rng: _flip(step / "state" / "manifest.ocdbt", rng),
    "description with a bit flipped": lambda step, rng: _flip(step / "description" / "metadata", rng),
    "place in the data missing": lambda step, rng: shutil.rmtree(step / "progress"),
    "seal with a bit flipped": lambda step, rng: _flip(step / SEAL, rng),
    "seal missing": lambda step, rng: (step / SEAL).unlink(),
    "Orbax's own record truncated": lambda step, rng: _truncate(step / "_CHECKPOINT_METADATA", rng),
    "an empty folder": _empty,
    "all files full of zeros": _zeros,
}


def _any_sealed(step: pathlib.Path, rng: np.random.Generator) -> pathlib.Path:
    sealed = [file for file in _files(step) if file.parent != step]
    return sealed[rng.integers(len(sealed))]


def survive_damages(bench: Bench, expected: pathlib.Path) -> tuple[int, list[str]]:
    """Tries all cases.

    Args:
      expected: the workdir of a run that was left alone.
    Returns:
      How many cases there were, and what went wrong.
    """
    half = bench.folder / "half"
    bench.finish(half, HALF)
    cases = [(name, _goes_back(damage)) for name, damage in DAMAGES.items()]
    cases += [
        ("the two newest damaged", _two_damaged),
        ("every checkpoint damaged", _all_damaged),
        ("every checkpoint gone", _all_gone),
        ("a row of metrics cut off", _torn_row),
        ("an unfinished save left behind", _unfinished_save),
        ("a second run in the workdir", _second_run),
        ("a run of another configuration", _other_run),
        ("SIGTERM", _stopped_by(signal.SIGTERM)),
        ("SIGINT", _stopped_by(signal.SIGINT)),
        ("a rate that no loss survives", _diverges),
        ("a rate ten times too high", _ten_times_too_high),
    ]
    if _can_mount(bench.folder):
        cases.append(("a full disk", _full_disk))
    faults = []
    for number, (name, case) in enumerate(tqdm.tqdm(cases, desc="damages", unit="case")):
        workdir = pathlib.Path(shutil.copytree(half, bench.folder / f"damaged_{number}"))
        faults += [f"{name}: {fault}" for fault in case(bench, workdir, expected)]
    return len(cases), faults


def _ends_well(bench: Bench, workdir: pathlib.Path, expected: pathlib.Path) -> Iterator[str]:
    """Goes on with a run; it has to end like the one that was left alone. Yields what it said, last."""
    result = bench.finish(workdir)
    yield from _exit_code(result, 0)
    if result.returncode == 0:
        yield from (f"{difference} differs" for difference in differences(workdir, expected))


def _exit_code(result: subprocess.CompletedProcess, code: int) -> Iterator[str]:
    if result.returncode != code:
        yield f"exit code {result.returncode} instead of {code}: {result.stderr[-300:]}"
    if "Traceback" in result.stderr:
        yield f"a traceback: {result.stderr[-1_000:]}"


def _goes_back(damage: Damage):
    """The newest checkpoint is damaged: an older one is used, the damaged one named and kept."""

    def case(bench, workdir, expected):
        newest = newest_checkpoint(workdir)
        damage(newest, bench.rng)
        kept = _contents(newest)
        result = bench.finish(workdir)
        yield from _exit_code(result, 0)
        if f"{newest} is damaged" not in result.stderr:
            yield "it is not named"
        if _contents(workdir / "damaged" / newest.name) != kept:
            yield "it is not kept as it was"
        yield from (f"{difference} differs" for difference in differences(workdir, expected))

    return case


def _contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def _steps(workdir: pathlib.Path) -> list[pathlib.Path]:
    return sorted((workdir / "checkpoints").iterdir(), key=lambda step: int(step.name))


def _two_damaged(bench, workdir, expected):
    for step in _steps(workdir)[-2:]:
        _flip(_largest(step), bench.rng)
    yield from _ends_well(bench, workdir, expected)


def _refuses(bench: Bench, workdir: pathlib.Path, *more: str) -> Iterator[str]:
    """One sentence, exit code 2, and nothing changed."""
    before = _contents(workdir)
    result = bench.finish(workdir, NUM_STEPS, *more)
    yield from _exit_code(result, 2)
    if sum(line.startswith("error: ") for line in result.stderr.splitlines()) != 1:
        yield "not one sentence"
    if _contents(workdir) != before:
        yield "something was changed"


def _all_damaged(bench, workdir, expected):
    for step in _steps(workdir):
        _flip(_largest(step), bench.rng)
    for _ in range(2):
        yield from _refuses(bench, workdir)


def _all_gone(bench, workdir, expected):
    shutil.rmtree(workdir / "checkpoints")
    yield from _refuses(bench, workdir)


def _other_run(bench, workdir, expected):
    yield from _refuses(bench, workdir, "--learning_rate=1e-2")


def _second_run(bench, workdir, expected):
    first = bench.start(workdir, 100 * NUM_STEPS)
    wait_for_progress(workdir, first)
    result = bench.finish(workdir)
    yield from _exit_code(result, 2)
    if "another run training in it" not in result.stderr:
        yield "the second run is not told about the first"
    if first.poll() is not None:
        yield "the first run was disturbed"
    first.kill()
    first.communicate()


def _torn_row(bench, workdir, expected):
    with (workdir / "metrics.jsonl").open("a") as file:
        file.write('{"step": 203, "nats_per_po')
    yield from _ends_well(bench, workdir, expected)


def _unfinished_save(bench, workdir, expected):
    shutil.copytree(newest_checkpoint(workdir), workdir / "checkpoints" / "205.orbax-checkpoint-tmp")
    yield from _ends_well(bench, workdir, expected)


def _stopped_by(number: signal.Signals):
    """A stop signal once training is under way; then it goes on."""

    def case(bench, workdir, expected):
        process = bench.start(workdir)
        wait_for_progress(workdir, process)
        process.send_signal(number)
        result = ended(process)
        yield from _exit_code(result, 128 + number)
        if f"{number.name}: saving a checkpoint" not in result.stderr or '"interrupted": true' not in result.stdout:
            yield "it does not say so"
        yield from _ends_well(bench, workdir, expected)

    return case


def _diverges(bench, workdir, expected):
    """A rate that no loss survives: it stops, with a sentence, before a weight is not finite."""
    shutil.rmtree(workdir)
    result = bench.finish(workdir, NUM_STEPS, "--learning_rate=1e25", "--max_gradient_norm=1e30", "--warmup_steps=0")
    yield from _exit_code(result, 1)
    if "lower --learning_rate" not in result.stderr:
        yield "it does not say what to lower"
    yield from (f"{field} is not finite" for field in _not_finite(newest_checkpoint(workdir)))


def _ten_times_too_high(bench, workdir, expected):
    """It goes on to its end or stops with its sentence; either way it counts what it skipped, and keeps its weights."""
    shutil.rmtree(workdir)
    result = bench.finish(workdir, LONG_RUN, *TOO_HIGH)
    rows = [json.loads(row) for row in (workdir / "metrics.jsonl").read_text().splitlines()]
    yield from (f"no count of skipped updates in row {row}" for row in rows if not isinstance(row.get("skipped"), int))
    if result.returncode == 0 and max(row["step"] for row in rows) != LONG_RUN:
        yield "it ended early, and does not say so"
    if result.returncode == 1 and not ("lower" in result.stderr and "keeps the checkpoints" in result.stderr):
        yield f"it does not say what to do: {result.stderr[-300:]}"
    yield from _exit_code(result, min(result.returncode, 1))
    for step in _steps(workdir):
        yield from (f"{fault} in checkpoint {step.name}" for fault in [fault_of(step)] if fault)
        yield from (f"{field} is not finite in checkpoint {step.name}" for field in _not_finite(step))


def _not_finite(step: pathlib.Path) -> list[str]:
    import jax

    from graves_jax.training.checkpoint import read_arrays

    fields = ("params", "ema_params", "opt_state")
    return [
        field
        for field in fields
        if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(read_arrays(step, field)))
    ]


def _can_mount(folder: pathlib.Path) -> bool:
    """Whether a small file system can be had; only the superuser may."""
    place = folder / "mount"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True).returncode:
        return False
    subprocess.run(["umount", place], check=True)
    return True


def _full_disk(bench, workdir, expected):
    """A file system fills up while it is trained in; given room, the run goes on."""
    place = bench.folder / "mount"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], check=True)
    try:
        small = pathlib.Path(shutil.copytree(workdir, place / "run"))
        process = bench.start(small)
        wait_for_progress(small, process)
        filler = (place / "filler").open("wb", buffering=0)
        with filler:
            try:
                while True:
                    filler.write(bytes(4_096))
            except OSError:
                pass
        result = ended(process)
        yield from _exit_code(result, 1)
        if "No space left on device" not in result.stderr:
            yield "it does not say so"
        (place / "filler").unlink()
        yield from _ends_well(bench, small, expected)
    finally:
        subprocess.run(["umount", place], check=True)
