"""The same seed gives the same bytes, in another process too."""

import os
import pathlib
import subprocess
import sys

import numpy as np

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


def run(folder, script, *flags):
    # Compiled once, and not as well as for a long run.
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(folder / "cache")}
    environment |= {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    command = [sys.executable, EXPERIMENTS / script, *flags]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_pictures_are_equal_to_the_byte(tmp_path):
    for name in ("one.svg", "again.svg"):
        run(tmp_path, "sample.py", "--text=Snow", "--weights=hershey", "--seed=3", f"--output={name}")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "again.svg").read_bytes()


def test_training_is_equal_to_the_bit(tmp_path):
    rng = np.random.default_rng(0)
    bits = np.arange(30) % 4 == 3
    bits[-1] = True
    inks = [Ink(np.column_stack([rng.integers(-9, 20, (30, 2)), bits]), "ab c") for _ in range(12)]
    lines = [Line(ink, f"line-{n}", split="validation" if n > 9 else "training") for n, ink in enumerate(inks)]
    Corpus.from_lines(lines).save(tmp_path / "corpus.npz")
    for name in ("one", "again"):
        run(tmp_path, "train.py", *TINY, "--data=corpus.npz", f"--workdir={name}", "--seed=3")
    one, again = (trained(tmp_path / name) for name in ("one", "again"))
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
