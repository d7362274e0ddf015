"""Measures training and sampling against the limits of the machine they run on.

    python experiments/benchmark.py --what=train
    python experiments/benchmark.py --what=train --precision=bfloat16
    python experiments/benchmark.py --what=sample

Every figure is the median of --repeats runs after a first one that compiles. Measure on a machine that does nothing
else. A table goes to standard output, and on its last line the same as JSON.
"""

import functools
import statistics
import time
from collections.abc import Callable

import command_line

if __name__ == "__main__":
    command_line.use_huge_pages()  # before JAX, whose import takes seconds

import jax
import jax.numpy as jnp
import numpy as np
import tqdm
from absl import flags

from graves_jax.data.batches import Batch
from graves_jax.errors import InputError
from graves_jax.model.matmul import PRECISIONS, matmul
from graves_jax.model.network import CELLS, NetworkConfig, init_params, num_parameters
from graves_jax.sampling.sampler import sample_batch
from graves_jax.training.config import TrainingConfig
from graves_jax.training.losses import summed_nats
from graves_jax.training.step import init_state, train_step

WHAT = flags.DEFINE_enum("what", "train", ["train", "sample"], "What is measured.")
PRECISION = flags.DEFINE_enum("precision", "float32", list(PRECISIONS), "Of the matrix products' operands.")
CELL = flags.DEFINE_enum("cell", "lstm", list(CELLS), "Recurrent cell.")
HIDDEN_SIZE = flags.DEFINE_integer("hidden_size", 400, "Cells in each of the three layers.", 1, 16_384)
POINTS = flags.DEFINE_integer("points", 256, "Training: T, points of a line.", 1, 65_536)
CHARACTERS = flags.DEFINE_integer("characters", 32, "Training: U, characters of a text.", 1, 65_536)
BATCH_SIZES = flags.DEFINE_list("batch_sizes", None, "Lines at once; 16,32,64 for training, 8,64,256 for sampling.")
REPEATS = flags.DEFINE_integer("repeats", 5, "Runs of which the median is taken.", 1, 10_000)
SAMPLED_POINTS = flags.DEFINE_integer("sampled_points", 512, "Sampling: points of each line.", 1, 65_536)

MAX_BATCH_SIZE = 65_536


def main() -> None:
    batch_sizes = read_batch_sizes()
    head = {"backend": jax.default_backend(), "device": jax.devices()[0].device_kind, "precision": PRECISION.value}
    report = head | (benchmark_training(batch_sizes) if WHAT.value == "train" else benchmark_sampling(batch_sizes))
    print_table(report)
    command_line.print_json(report)


def read_batch_sizes() -> list[int]:
    """The numbers of --batch_sizes."""
    words = BATCH_SIZES.value or (["16", "32", "64"] if WHAT.value == "train" else ["8", "64", "256"])
    if not all(word.isdecimal() and len(word) <= 5 and 0 < int(word) <= MAX_BATCH_SIZE for word in words):
        raise InputError(
            f"Expected --batch_sizes as whole numbers from 1 to {MAX_BATCH_SIZE:,}, found {','.join(words)!r:.200}."
        )
    return [int(word) for word in words]


def median_seconds(function: Callable, *arguments) -> float:
    """Median time of a call, the first one, which compiles, left out."""
    jax.block_until_ready(function(*arguments))
    seconds = []
    for _ in range(REPEATS.value):
        started = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def network(implementation: str) -> NetworkConfig:
    """The synthesis network that is measured."""
    return NetworkConfig(
        cell=CELL.value, hidden_size=HIDDEN_SIZE.value, precision=PRECISION.value, implementation=implementation
    )


# --- Training.


def benchmark_training(batch_sizes: list[int]) -> dict:
    """Points per second of the reference and the fast scan, and their share of the measured matrix-product peak."""
    peak = matmul_peak()
    report = {"matmul_peak_gflops": round(peak / 1e9, 1), "flops_per_point": round(flops_per_point())}
    for batch_size in tqdm.tqdm(batch_sizes, unit="batch size"):
        batch, points = random_batch(batch_size), batch_size * POINTS.value
        row = {}
        for implementation in ("reference", "fused"):
            config = network(implementation)
            params = init_params(jax.random.key(0), config)
            loss = functools.partial(summed_nats, config=config, batch=batch)
            forward, both = jax.jit(loss), jax.jit(jax.value_and_grad(loss))
            row[f"{implementation}_forward_points_per_s"] = points / median_seconds(forward, params)
            row[f"{implementation}_points_per_s"] = points / median_seconds(both, params)
        row["fused_over_reference"] = row["fused_points_per_s"] / row["reference_points_per_s"]
        row["fused_fraction_of_peak"] = row["fused_points_per_s"] * flops_per_point() / peak
        row["step_points_per_s"] = points / step_seconds(network("fused"), batch)
        report[str(batch_size)] = {name: round(value, 3 if value < 100 else 0) for name, value in row.items()}
    return report


def flops_per_point() -> float:
    """Floating-point operations of forward and backward: a multiply and an add for each weight, three times."""
    return 6.0 * num_parameters(init_params(jax.random.key(0), network("fused")))


def matmul_peak() -> float:
    """The best rate of a large square matrix product at the chosen precision, operations per second."""
    size = 2_048 if jax.default_backend() == "cpu" else 8_192
    a, b = (jax.random.normal(jax.random.key(seed), (size, size)) for seed in range(2))
    if PRECISION.value == "bfloat16":
        a, b = a.astype(jnp.bfloat16), b.astype(jnp.bfloat16)
        product = jax.jit(lambda a, b: jnp.matmul(a, b, preferred_element_type=jnp.float32))
    else:
        product = jax.jit(functools.partial(matmul, precision=PRECISION.value))
    return 2.0 * size**3 / median_seconds(product, a, b)


def random_batch(batch_size: int) -> Batch:
    """Lines of full length with random ink and text."""
    rng = np.random.default_rng(0)
    offsets = rng.standard_normal((batch_size, POINTS.value, 3)).astype(np.float32)
    offsets[..., 2] = rng.random((batch_size, POINTS.value)) < 0.05
    codes = rng.integers(0, network("fused").num_characters, (batch_size, CHARACTERS.value)).astype(np.int32)
    batch = Batch(offsets, np.ones(offsets.shape[:2], bool), codes, np.ones(codes.shape, bool))
    return jax.device_put(batch)


def step_seconds(config: NetworkConfig, batch: Batch) -> float:
    """Median time of a whole training step: gradient, optimiser, average of the weights."""
    training = TrainingConfig(ema_decay=0.999)
    update = jax.jit(functools.partial(train_step, network=config, training=training), donate_argnums=0)
    state = [init_state(config, training)]

    def step():
        state[0] = update(state[0], batch)
        return state[0].totals

    return median_seconds(step)


# --- Sampling.


def benchmark_sampling(batch_sizes: list[int]) -> dict:
    """Points per second of one line and of many, and the share of what reading the weights once a point allows."""
    config = network("fused")
    params = init_params(jax.random.key(0), config)
    limit = read_bandwidth(params) / weight_bytes(params)
    one = sampling_rate(config, params, 1)
    report = {
        "one_line_points_per_s": round(one, 1),
        "bandwidth_limit_points_per_s": round(limit, 1),
        "one_line_fraction_of_limit": round(one / limit, 3),
    }
    for batch_size in tqdm.tqdm(batch_sizes, unit="batch size"):
        rate = sampling_rate(config, params, batch_size)
        report[str(batch_size)] = {"batch_points_per_s": round(rate, 1), "over_one_line": round(rate / one, 2)}
    return report


def weight_bytes(params) -> int:
    """Bytes of weights that one point needs, at float32."""
    return sum(leaf.nbytes for leaf in jax.tree.leaves(params))


def read_bandwidth(params) -> float:
    """Bytes per second at which as many bytes as the weights have are read again and again, like a point does."""
    buffers = jnp.ones((weight_bytes(params) // 4,))
    repeats = 200

    @jax.jit
    def read(buffers):
        # The sum feeds back into what is read, so that no turn of the loop can be left out.
        return jax.lax.fori_loop(0, repeats, lambda i, total: jnp.sum(buffers * (1.0 + 0.0 * total)), 0.0)

    return repeats * weight_bytes(params) / median_seconds(read, buffers)


def sampling_rate(config: NetworkConfig, params, batch_size: int) -> float:
    """Points per second of lines of --sampled_points each. Texts are so long that no line ends before."""
    params = jax.tree.map(lambda leaf: leaf, params)
    # An untrained window would leave a short text too early: hold it still.
    params["window"]["bias"] = params["window"]["bias"].at[-config.num_window :].set(-20.0)
    characters = CHARACTERS.value
    arguments = {
        "keys": jax.random.split(jax.random.key(0), batch_size),
        "codes": jnp.zeros((batch_size, characters), jnp.int32),
        "text_lengths": jnp.full(batch_size, characters, jnp.int32),
        "max_points": SAMPLED_POINTS.value,
        "bias": jnp.zeros(batch_size),
    }
    sampled = sample_batch(params, config, **arguments)
    points = int(jnp.sum(sampled.num_points))
    return points / median_seconds(lambda: sample_batch(params, config, **arguments))


def print_table(report: dict) -> None:
    """The report for people."""
    for name, value in report.items():
        if isinstance(value, dict):
            print(f"batch {name}: " + ", ".join(f"{key} {number:,}" for key, number in value.items()))
        else:
            print(f"{name}: {value:,}" if isinstance(value, int | float) else f"{name}: {value}")


if __name__ == "__main__":
    command_line.run(main)
