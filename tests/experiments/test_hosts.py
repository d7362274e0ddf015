"""train.py in two processes that share one run, as two hosts do: the same bytes as two devices, stopped, killed."""

import json
import shutil
import signal
import socket
import time

import filelock
import numpy as np
import pytest

from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.ink import Ink

from .conftest import TINY, start_script

FLAGS = (
    *TINY, "--optimizer=adam", "--weight_noise=line", "--ema_decay=0.9", "--report_every=5",
    "--save_every=5", "--validate_every=20", "--draw_every=0", "--data=corpus.npz",
)  # fmt: skip
LAST = 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A corpus. All lines are of one shape, so that few programs are compiled."""
    folder = tmp_path_factory.mktemp("hosts")
    rng, bits = np.random.default_rng(0), np.arange(12) % 4 == 3
    lines = [
        Line(
            Ink(np.column_stack([rng.integers(-9, 20, (12, 2)), bits]), "abc"),
            f"line-{number}",
            split="validation" if number > 11 else "training",
        )
        for number in range(14)
    ]
    Corpus.from_lines(lines).save(folder / "corpus.npz")
    return folder


@pytest.fixture(scope="module")
def environment(environment):
    return environment | {"JAX_PLATFORMS": "cpu"}


def start(folder, environment, *flags):
    return start_script("train.py", *FLAGS, *flags, cwd=folder, env=environment)


def start_two(folder, environment, *flags):
    address = f"localhost:{free_port()}"
    return [start(folder, environment, *flags, f"--hosts={address},2,{index}") for index in range(2)]


def free_port():
    with socket.socket() as server:
        server.bind(("localhost", 0))
        return server.getsockname()[1]


def finish(*processes):
    """Exit codes, outputs and errors."""
    ends = [process.communicate(timeout=300) for process in processes]
    return [process.returncode for process in processes], *zip(*ends, strict=True)


def wait_for_step(workdir, step, process):
    while process.poll() is None and not (workdir / "checkpoints" / str(step)).exists():
        time.sleep(0.01)


def newest(workdir):
    return max(int(path.name) for path in (workdir / "checkpoints").iterdir() if path.name.isdigit())


def trained(workdir):
    """All that a run leaves, as bytes; and its weights as numbers."""
    import jax

    from graves_jax.training.checkpoint import read_arrays
    from graves_jax.training.step import TrainState

    step = workdir / "checkpoints" / str(newest(workdir))
    state = {field: jax.tree.leaves(read_arrays(step, field)) for field in TrainState._fields}
    found = {field: b"".join(np.asarray(leaf).tobytes() for leaf in leaves) for field, leaves in state.items()}
    return found | {"metrics": (workdir / "metrics.jsonl").read_bytes()}, state["params"]


@pytest.fixture(scope="module")
def two_devices(folder, environment):
    """A run of one process on two devices that nobody disturbed."""
    flags = f"{environment.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    process = start(folder, environment | {"XLA_FLAGS": flags}, "--workdir=devices", f"--num_steps={LAST}")
    [code], _, errors = finish(process)
    assert code == 0, errors
    return trained(folder / "devices")


def test_two_processes_are_two_devices_also_where_one_is_stopped_and_goes_on(two_devices, folder, environment):
    workdir = folder / "stopped"
    flags = ("--workdir=stopped", f"--num_steps={LAST}")
    processes = start_two(folder, environment, *flags)
    wait_for_step(workdir, 10, processes[0])
    processes[1].send_signal(signal.SIGTERM)
    codes, outputs, errors = finish(*processes)
    assert codes == [143, 143], errors
    report = json.loads(outputs[0].splitlines()[-1])
    assert report["interrupted"] and report["step"] == newest(workdir) < LAST
    assert "updates" not in outputs[1]  # the first process tells for all
    shutil.copytree(workdir, folder / "alone")
    processes = [*start_two(folder, environment, *flags), start(folder, environment, "--workdir=alone", flags[1])]
    codes, _, errors = finish(*processes)
    assert codes == [0, 0, 0], errors
    found, expected = trained(workdir)[0], two_devices[0]
    assert [name for name in expected if found[name] != expected[name]] == []
    # One process goes on with what two had begun, and comes to the same but for rounding.
    for leaf, expected in zip(trained(folder / "alone")[1], two_devices[1], strict=True):
        np.testing.assert_allclose(leaf, expected, rtol=1e-5, atol=1e-5)


def test_where_one_is_killed_the_other_ends(two_devices, folder, environment):
    processes = start_two(folder, environment, "--workdir=killed", "--num_steps=1_000_000")
    wait_for_step(folder / "killed", 5, processes[0])
    processes[1].kill()
    killed = time.monotonic()
    codes, _, _ = finish(*processes)
    assert codes[0] not in (0, None) and codes[1] == -signal.SIGKILL
    assert time.monotonic() - killed < 30


def test_what_cannot_be_is_one_sentence_of_every_process(two_devices, folder, environment):
    cases = [("--batch_size=3", "multiple of the 2"), ("--seed=5", "training.seed 0 there and 5 here")]
    before = (folder / "devices" / "metrics.jsonl").read_bytes()
    starts = [start_two(folder, environment, "--workdir=devices", "--num_steps=40", flag) for flag, _ in cases]
    ends = [(words, *finish(*processes)) for (_, words), processes in zip(cases, starts, strict=True)]
    with filelock.FileLock(folder / "devices" / "lock"):
        processes = start_two(folder, environment, "--workdir=devices", "--num_steps=40")
        ends.append(("found another run training in it", *finish(*processes)))
    for words, codes, _, errors in ends:
        assert codes == [2, 2], (words, errors)
        for error in errors:
            sentences = [line for line in error.splitlines() if line.startswith("error: ")]
            assert len(sentences) == 1 and words in sentences[0] and "Traceback" not in error, error
    assert (folder / "devices" / "metrics.jsonl").read_bytes() == before
