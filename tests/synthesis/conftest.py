"""Plans whose lines come from a generator of numbers and not from a network: what is tested here is the rest."""

import numpy as np
import pytest

from graves_jax.data.ink import Ink
from graves_jax.sampling.write import Written
from graves_jax.synthesis import shards
from graves_jax.synthesis.plan import Plan
from graves_jax.synthesis.texts import Sentences


@pytest.fixture
def plan():
    return Plan(lines=23, per_shard=5, seed=7, weights="hershey", texts=Sentences(3, 12))


@pytest.fixture
def pen(monkeypatch):
    """In place of the stream: ink that depends on the request alone, the last lines first. Counts what it wrote."""
    written = []

    def write_stream(weights, requests, *, key, **options):
        for request in reversed(list(requests)):
            rng = np.random.default_rng(request.number)
            offsets = np.column_stack([rng.normal(size=(6, 2)), [0, 1, 0, 0, 0, 1]])
            written.append(request.number)
            fault = "it is upside down" if request.number == 3 else None
            yield request, Written(Ink(offsets, request.text), np.zeros(6, int), 0.5, attempts=1, fault=fault)

    monkeypatch.setattr(shards, "write_stream", write_stream)
    return written
