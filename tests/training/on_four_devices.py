"""What four devices do, for test_devices.py: they are counted when JAX starts, so this is a process of its own.

Prints a line of JSON for each kind of run: collectives in the compiled update, and how far gradient, loss and weights
are from those of one device.
"""

import dataclasses
import json
import re
import sys

import jax
import numpy as np

from graves_jax.data.batches import Batch
from graves_jax.model.network import NetworkConfig
from graves_jax.training import devices
from graves_jax.training.config import TrainingConfig
from graves_jax.training.step import init_state, update, update_on_mesh

NETWORK = NetworkConfig(
    num_characters=3, num_window=2, num_layers=1, hidden_size=8, num_components=2, points_per_character=4.0
)
# Adam's first moment after one update is the gradient, times 1 - momentum.
TRAINING = TrainingConfig(batch_size=8, optimizer="adam", learning_rate=1e-3, ema_decay=0.9, lines_per_pass=20)
KINDS = {
    "lstm": ("lstm", {}),
    "peephole_lstm": ("peephole_lstm", {}),
    "gru": ("gru", {}),
    "noise per batch": ("lstm", {"weight_noise": "batch"}),
    "noise per line": ("lstm", {"weight_noise": "line"}),
    "styles and dropout": ("lstm", {"num_writers": 3, "dropout": 0.3, "weight_drop": 0.3}),
}
NUM_UPDATES = 20
COLLECTIVES = ("all-reduce", "all-gather", "all-to-all", "reduce-scatter", "collective-permute", "collective-broadcast")


def make_batch(seed: int, has_writers: bool) -> Batch:
    """Eight lines of 4 to 12 points."""
    rng = np.random.default_rng(seed)
    mask = np.arange(12) < rng.integers(4, 13, 8)[:, None]
    offsets = rng.normal(size=(8, 12, 3)) * mask[..., None]
    offsets[..., 2] = offsets[..., 2] > 0
    codes, text_mask = rng.integers(0, 3, (8, 5), np.int32), np.ones((8, 5), bool)
    writers = rng.integers(-1, 3, 8, np.int32) if has_writers else None
    return Batch(offsets.astype(np.float32), mask, codes, text_mask, writers)


def relative(found, expected) -> float:
    """Norm of the difference, as a share of the norm."""
    leaves = [
        (np.asarray(one, np.float64).ravel(), np.asarray(other, np.float64).ravel())
        for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True)
    ]
    one, other = (np.concatenate(column) for column in zip(*leaves, strict=True))
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


def measure(kind: str, num_devices: int) -> dict:
    """One kind of run on so many devices, beside one."""
    cell, options = KINDS[kind]
    training = dataclasses.replace(TRAINING, **options)
    network = dataclasses.replace(NETWORK, cell=cell, style_size=2 if training.num_writers else 0)
    mesh = devices.make_mesh(num_devices)
    alone, together = (init_state(network, training) for _ in range(2))
    together = devices.replicate(together, mesh)
    gradient = None
    for number in range(NUM_UPDATES):
        batch = make_batch(number, bool(training.num_writers))
        alone, _ = update(alone, batch, network, training)
        # A flag that only the last device has raised.
        flags = devices.put_batch(np.arange(num_devices) == num_devices - 1, mesh).astype(np.float32)
        arguments = (together, devices.put_batch(batch, mesh), flags, network, training, mesh)
        if number == 0:
            compiled = update_on_mesh.lower(*arguments).compile()
            together, _, raised = compiled(*arguments[:3])
            gradient = relative(together.opt_state, alone.opt_state)
        else:
            together, _, raised = compiled(*arguments[:3])
    text = compiled.as_text()
    return {
        "kind": kind,
        "devices": num_devices,
        "collectives": {name: len(re.findall(rf" {name}(?:-start)?\(", text)) for name in COLLECTIVES},
        "gradient": gradient,
        "nats": abs(float(together.totals.nats) / float(alone.totals.nats) - 1),
        "params": relative(together.params, alone.params),
        "raised": float(raised),
    }


if __name__ == "__main__":
    for kind in KINDS:
        for num_devices in (2, 4) if kind == sys.argv[1] else (4,):
            print(json.dumps(measure(kind, num_devices)), flush=True)
