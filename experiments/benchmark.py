"""Measures training and sampling against the limits of the machine they run on.

    python experiments/benchmark.py --what=train
    python experiments/benchmark.py --what=train --precision=bfloat16
    python experiments/benchmark.py --what=sample

    python experiments/benchmark.py --what=train --points=512 --batch_sizes=64,256 --precision=bfloat16       on a GPU
    python experiments/benchmark.py --what=sample --batch_sizes=64,4096                                       on a GPU

Every figure is the median of --repeats runs after a first one that compiles; those that are compared are run in turn. A
limit of the machine is the best of its runs, before and after all else. Measure on a machine that does nothing else. A
table goes to standard output, and on its last line the same as JSON.
"""

import concurrent.futures
import functools
import os
import statistics
import time
from collections.abc import Callable
from typing import cast

import command_line

if __name__ == "__main__":
    command_line.use_huge_pages()  # before JAX, whose import takes seconds

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from graves_jax.bars import Bar
from graves_jax.data.batches import Batch
from graves_jax.errors import InputError
from graves_jax.model.likelihood import summed_nats
from graves_jax.model.matmul import PRECISIONS, Precision, matmul
from graves_jax.model.network import CELLS, Implementation, NetworkConfig, init_params, num_parameters
from graves_jax.sampling.sampler import sample_batch
from graves_jax.training.config import TrainingConfig
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
# Of the 10,741 lines that the paper trains on.
IAM_ONDB_POINTS = 6_746_000


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


def seconds_of(*functions: Callable) -> list[list[float]]:
    """Times of --repeats calls of each function, in turn, so that drift affects all; a call before compiles."""
    for function in functions:
        jax.block_until_ready(function())
    seconds = [[] for _ in functions]
    for _ in range(REPEATS.value):
        for function, times in zip(functions, seconds, strict=True):
            started = time.perf_counter()
            jax.block_until_ready(function())
            times.append(time.perf_counter() - started)
    return seconds


def median_seconds(function: Callable) -> float:
    """Median time of a call."""
    return statistics.median(*seconds_of(function))


def network(implementation: Implementation) -> NetworkConfig:
    """The synthesis network that is measured."""
    return NetworkConfig(
        cell=CELL.value, hidden_size=HIDDEN_SIZE.value, precision=precision(), implementation=implementation
    )


def precision() -> Precision:
    """Of the flag, which has no other values."""
    return cast(Precision, PRECISION.value)


# --- Training.


def benchmark_training(batch_sizes: list[int]) -> dict:
    """Points per second of the reference and the fast scan, and their share of what the machine can do."""
    before = training_limits()
    rows = {str(size): training_row(size) for size in Bar(batch_sizes, unit="batch size")}
    after = training_limits()
    peak, bandwidth = max(before[0], after[0]), max(before[1], after[1])
    launch = min(before[2], after[2])
    report = {
        "matmul_peak_gflops": round(peak / 1e9, 1),
        "bandwidth_gb_per_s": round(bandwidth / 1e9, 1),
        "launch_us": round(launch * 1e6, 2),
        "flops_per_point": round(flops_per_point()),
    }
    for batch_size, row in rows.items():
        points = int(batch_size) * POINTS.value
        row["fused_over_reference"] = row["fused_points_per_s"] / row["reference_points_per_s"]
        row["fused_fraction_of_peak"] = row["fused_points_per_s"] * flops_per_point() / peak
        # The floor of a whole step: the largest of its operations, its memory written and read once, and one launch for
        # each step of each layer, forward and backward.
        floor = max(
            points * flops_per_point() / peak,
            2 * row.pop("temporary_bytes") / bandwidth,
            2 * network("fused").num_layers * POINTS.value * launch,
        )
        row["step_fraction_of_floor"] = floor * row["step_points_per_s"] / points
        row["iam_ondb_epoch_s"] = IAM_ONDB_POINTS / row["step_points_per_s"]
        report[batch_size] = {name: round(value, 3 if value < 100 else 0) for name, value in row.items()}
    return report


def training_row(batch_size: int) -> dict:
    """Rates of forward, of forward and backward, and of a whole training step."""
    batch, points = random_batch(batch_size), batch_size * POINTS.value
    calls, temporary_bytes = {}, None
    implementations: tuple[Implementation, ...] = ("reference", "fused")
    for implementation in implementations:
        config = network(implementation)
        params = init_params(jax.random.key(0), config)
        loss = functools.partial(summed_nats, config=config, batch=batch)
        calls[f"{implementation}_forward_points_per_s"] = functools.partial(jax.jit(loss), params)
        both = jax.jit(jax.value_and_grad(loss)).lower(params).compile()
        analysis = both.memory_analysis()
        temporary_bytes = None if analysis is None else analysis.temp_size_in_bytes
        calls[f"{implementation}_points_per_s"] = functools.partial(both, params)
    calls["step_points_per_s"] = training_step(network("fused"), batch)
    times = seconds_of(*calls.values())
    row = {name: points / statistics.median(seconds) for name, seconds in zip(calls, times, strict=True)}
    return row | {"temporary_bytes": temporary_bytes}


def training_limits() -> tuple[float, float, float]:
    """Operations per second, bytes per second and seconds per launched kernel, each at its best."""
    return matmul_peak(), read_bandwidth(2**28), launch_seconds()


def flops_per_point() -> float:
    """Floating-point operations of forward and backward: a multiply and an add for each weight, three times."""
    return 6.0 * num_parameters(init_params(jax.random.key(0), network("fused")))


def matmul_peak() -> float:
    """The best rate of a large square matrix product at the chosen precision, operations per second.

    On a CPU the better one of XLA's and, in float32, of NumPy's library.
    """
    on_cpu = jax.default_backend() == "cpu"
    size = 2_048 if on_cpu else 8_192
    a, b = (jax.random.normal(jax.random.key(seed), (size, size)) for seed in range(2))
    if PRECISION.value == "bfloat16":
        a, b = a.astype(jnp.bfloat16), b.astype(jnp.bfloat16)
        product = jax.jit(lambda a, b: jnp.matmul(a, b, preferred_element_type=jnp.float32))
    else:
        product = jax.jit(functools.partial(matmul, precision=precision()))
    products = [lambda: product(a, b)]
    if on_cpu and PRECISION.value != "bfloat16":
        a_numpy, b_numpy = np.asarray(a), np.asarray(b)
        products.append(lambda: np.matmul(a_numpy, b_numpy))
    return 2.0 * size**3 / min(min(times) for times in seconds_of(*products))


def read_bandwidth(num_bytes: int) -> float:
    """Bytes per second at which as many bytes are read again and again: as weights are, once for every point.

    The largest of the numbers is sought. On a CPU by NumPy, which takes whole vectors at a time, in a thread for each
    core: XLA's own reductions there are slower than its matrix products at reading.
    """
    numbers = np.random.default_rng(0).random(num_bytes // 4, np.float32)
    repeats = max(1, 2**30 // num_bytes)
    if jax.default_backend() == "cpu":
        parts = np.array_split(numbers, usable_cores())
        with concurrent.futures.ThreadPoolExecutor(len(parts)) as threads:
            [times] = seconds_of(lambda: list(threads.map(lambda part: [part.max() for _ in range(repeats)], parts)))
        return repeats * num_bytes / min(times)

    @jax.jit
    def read(numbers):
        # Each iteration depends on the one before, so that the compiler can leave none out.
        return jax.lax.fori_loop(0, repeats, lambda i, most: jnp.max(numbers + 0 * most), 0.0)

    on_device = jax.device_put(numbers)
    [times] = seconds_of(lambda: read(on_device))
    return repeats * num_bytes / min(times)


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def launch_seconds() -> float:
    """What one step of a loop costs that does next to nothing.

    On a GPU that is the launch of a kernel; on a CPU the loop is compiled as a whole, and launches nothing.
    """
    loop = jax.jit(lambda x: jax.lax.fori_loop(0, 1_000, lambda i, x: jnp.sin(x), x))
    x = jnp.ones(8)
    [times] = seconds_of(lambda: loop(x))
    return min(times) / 1_000


def random_batch(batch_size: int) -> Batch:
    """Lines of full length with random ink and text."""
    rng = np.random.default_rng(0)
    offsets = rng.standard_normal((batch_size, POINTS.value, 3)).astype(np.float32)
    offsets[..., 2] = rng.random((batch_size, POINTS.value)) < 0.05
    codes = rng.integers(0, network("fused").num_characters, (batch_size, CHARACTERS.value)).astype(np.int32)
    batch = Batch(offsets, np.ones(offsets.shape[:2], bool), codes, np.ones(codes.shape, bool))
    return jax.device_put(batch)


def training_step(config: NetworkConfig, batch: Batch) -> Callable:
    """A call that makes a training step: gradient, optimiser, average of the weights."""
    training = TrainingConfig(ema_decay=0.999)
    update = jax.jit(functools.partial(train_step, network=config, training=training), donate_argnums=0)
    state = [init_state(config, training)]

    def step():
        state[0] = update(state[0], batch)
        return state[0].totals

    return step


# --- Sampling.


def benchmark_sampling(batch_sizes: list[int]) -> dict:
    """Points per second of one line and of many, and the share of what reading the weights once a point allows."""
    config = network("fused")
    params = init_params(jax.random.key(0), config)
    sizes = [1, *batch_sizes]
    bandwidth = read_bandwidth(weight_bytes(params))
    # One after another: many lines between would put the weights of one out of the cache.
    one, *others = (
        size * SAMPLED_POINTS.value / median_seconds(sampling(config, params, size))
        for size in Bar(sizes, unit="batch size")
    )
    limit = max(bandwidth, read_bandwidth(weight_bytes(params))) / weight_bytes(params)
    report = {
        "one_line_points_per_s": round(one, 1),
        "bandwidth_limit_points_per_s": round(limit, 1),
        "one_line_fraction_of_limit": round(one / limit, 3),
    }
    for size, rate in zip(batch_sizes, others, strict=True):
        report[str(size)] = {"batch_points_per_s": round(rate, 1), "over_one_line": round(rate / one, 2)}
    return report


def weight_bytes(params) -> int:
    """Bytes of weights that one point needs, at float32."""
    return sum(leaf.nbytes for leaf in jax.tree.leaves(params))


def sampling(config: NetworkConfig, params, batch_size: int) -> Callable:
    """A call that draws lines of --sampled_points each."""
    # The window of untrained weights would run past a short text and end the line: its steps are made tiny.
    bias = params["window"]["bias"].at[-config.num_window :].set(-20.0)
    params = params | {"window": params["window"] | {"bias": bias}}
    characters = CHARACTERS.value
    arguments = {
        "keys": jax.random.split(jax.random.key(0), batch_size),
        "codes": jnp.zeros((batch_size, characters), jnp.int32),
        "text_lengths": jnp.full(batch_size, characters, jnp.int32),
        "max_points": SAMPLED_POINTS.value,
        "bias": jnp.zeros(batch_size),
    }
    drawn = sample_batch(params, config, **arguments).num_points
    if int(drawn.sum()) != batch_size * SAMPLED_POINTS.value:
        raise RuntimeError(f"Expected lines of {SAMPLED_POINTS.value} points each, found {drawn}.")
    return lambda: sample_batch(params, config, **arguments)


def print_table(report: dict) -> None:
    """The report for people."""
    for name, value in report.items():
        if isinstance(value, dict):
            print(f"batch {name}: " + ", ".join(f"{key} {number:,}" for key, number in value.items()))
        else:
            print(f"{name}: {value:,}" if isinstance(value, int | float) else f"{name}: {value}")


if __name__ == "__main__":
    command_line.run(main)
