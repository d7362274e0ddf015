"""The same seed gives the same bytes, in another process too."""

import numpy as np
import pytest

from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.ink import Ink

from .conftest import TINY, run_script

FLAGS = (*TINY, "--scale=0.1", "--validate_every=10", "--draw_every=10", "--num_steps=20")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("determinism")


def run(folder, environment, script, *flags):
    done = run_script(script, *flags, cwd=folder, env=environment)
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
        run(folder, environment, "train.py", *FLAGS, "--data=corpus.npz", f"--workdir={name}", "--seed=3")
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
