"""The same seed gives the same bytes, in another process too."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.ink import Ink

EXPERIMENTS = pathlib.Path(__file__).parents[2] / "experiments"
TINY = (
    "--cell=lstm",
    "--hidden_size=8",
    "--num_layers=1",
    "--num_components=2",
    "--num_window=2",
    "--batch_size=4",
    "--max_points=16",
    "--scale=0.1",
    "--validate_every=10",
    "--draw_every=10",
    "--num_steps=20",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("determinism")


def run(folder, environment, script, *flags):
    command = [sys.executable, EXPERIMENTS / script, *flags]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_pictures_are_equal_to_the_byte(folder, environment):
    for name in ("one.svg", "again.svg"):
        run(folder, environment, "sample.py", "--text=Snow", "--weights=hershey", "--seed=3", f"--output={name}")
    assert (folder / "one.svg").read_bytes() == (folder / "again.svg").read_bytes()


def test_training_is_equal_to_the_bit(folder, environment):
    rng = np.random.default_rng(0)
    bits = np.arange(30) % 4 == 3
    bits[-1] = True
    inks = [Ink(np.column_stack([rng.integers(-9, 20, (30, 2)), bits]), "ab c") for _ in range(12)]
    lines = [Line(ink, f"line-{n}", split="validation" if n > 9 else "training") for n, ink in enumerate(inks)]
    Corpus.from_lines(lines).save(folder / "corpus.npz")
    for name in ("one", "again"):
        run(folder, environment, "train.py", *TINY, "--data=corpus.npz", f"--workdir={name}", "--seed=3")
    one, again = (trained(folder / name) for name in ("one", "again"))
    assert [name for name in one if one[name] != again[name]] == []


def trained(workdir):
    """Weights, metrics and pictures of a run."""
    # Imported here: it takes a while, and the other test needs it not.
    import jax

    from graves_jax.training.checkpoint import read_arrays

    params = jax.tree.leaves(read_arrays(workdir / "checkpoints" / "20", "params"))
    return {
        "weights": b"".join(leaf.tobytes() for leaf in params),
        "metrics": (workdir / "metrics.jsonl").read_bytes(),
        "picture": (workdir / "samples" / "step_0000020.png").read_bytes(),
    }
