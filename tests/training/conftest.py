"""A network and a corpus small enough that an update takes a millisecond."""

import numpy as np
import pytest

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.batches import Batch
from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.ink import Ink
from graves_jax.model.network import NetworkConfig
from graves_jax.training.config import TrainingConfig
from graves_jax.training.run import Run

NETWORK = NetworkConfig(
    num_characters=3,
    num_window=2,
    num_layers=1,
    hidden_size=8,
    num_components=2,
    cell="lstm",
    points_per_character=4.0,
)
# All at once, so that whatever belongs to the state is used: momentum, averages, warm-up, augmentation.
TRAINING = TrainingConfig(
    num_steps=30,
    batch_size=3,
    max_points=14,
    learning_rate=1e-3,
    warmup_steps=5,
    cooldown_steps=10,
    max_gradient_norm=1.0,
    ema_decay=0.9,
    scale=0.1,
    slant=5.0,
)


def make_line(rng, number, split):
    length = int(rng.integers(8, 17))
    bits = np.arange(length) % 5 == 4
    bits[-1] = True
    xy = np.column_stack([rng.integers(1, 20, length), rng.integers(-20, 20, length)])
    return Line(Ink(np.column_stack([xy, bits]), "".join(rng.choice(list("abc"), 3))), f"id-{number}", split=split)


@pytest.fixture(scope="session")
def corpus():
    rng = np.random.default_rng(0)
    return Corpus.from_lines([make_line(rng, n, "training" if n < 11 else "validation") for n in range(15)])


@pytest.fixture(scope="session")
def run(corpus):
    return Run(NETWORK, TRAINING, Alphabet("abc"), corpus.normalisation, {"fingerprint": corpus.fingerprint})


def make_batch(seed=0, dtype=np.float32):
    """Three lines of 6, 4 and 1 points."""
    rng = np.random.default_rng(seed)
    mask = np.arange(6) < np.array([[6], [4], [1]])
    offsets = rng.normal(size=(3, 6, 3)) * mask[..., None]
    offsets[..., 2] = offsets[..., 2] > 0
    return Batch(offsets.astype(dtype), mask, rng.integers(0, 3, (3, 4), np.int32), np.ones((3, 4), bool))
