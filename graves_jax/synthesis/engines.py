"""Who writes the shards: this process, the tasks of a cluster's array job, or Ray's workers.

A shard follows from the plan alone, and one that is there is passed over. So whatever is killed, and with whichever
engine it goes on, the files are the same to the byte.
"""

import logging
import os
import pathlib
import warnings
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax

from graves_jax.bars import Bar
from graves_jax.errors import InputError
from graves_jax.synthesis.plan import Plan
from graves_jax.synthesis.shards import check_folder, is_there, write_shards

ENGINES = ("serial", "ray", "array")
# Ray does a shard again whose worker, or node, was lost, so often.
_MAX_RETRIES = 10
# Shards that Ray is told of at once: enough to keep a cluster busy and to make it grow.
_MAX_WAITING = 1_000
# Ray keeps nothing in its object store here: shards go to the disk, and plans are small.
_OBJECT_STORE_BYTES = 100_000_000


class SynthesisStoppedError(RuntimeError):
    """The work could not go on; the message says why. The shards that are there are whole."""


class Task(NamedTuple):
    """Which of how many tasks this process is."""

    index: int
    count: int

    def shards(self, plan: Plan) -> range:
        """Every count-th shard."""
        return range(self.index, plan.shards, self.count)


def array_task(environment: Mapping[str, str], count: int | None = None) -> Task | None:
    """Which task of an array job this is, from what SLURM or Kubernetes tells its processes; None where neither does.

    Args:
      count: how many there are, where the cluster does not say: Kubernetes does not.
    Raises:
      InputError: the numbers do not fit together, or Kubernetes' tasks have not been counted.
    """
    if "SLURM_ARRAY_TASK_ID" in environment:
        number, first, step = (
            _whole(environment, f"SLURM_ARRAY_TASK_{name}", default)
            for name, default in (("ID", None), ("MIN", 0), ("STEP", 1))
        )
        task = Task((number - first) // step, count or _whole(environment, "SLURM_ARRAY_TASK_COUNT", None))
    elif "JOB_COMPLETION_INDEX" in environment:
        if count is None:
            raise InputError("Expected --tasks=N, the completions of the Kubernetes job, found none.")
        task = Task(_whole(environment, "JOB_COMPLETION_INDEX", None), count)
    else:
        return None
    if not 0 <= task.index < task.count:
        raise InputError(f"Expected a task below {task.count}, found {task.index}.")
    return task


def _whole(environment: Mapping[str, str], name: str, default: int | None) -> int:
    value = environment.get(name, default)
    try:
        number = int("" if value is None else value)
    except ValueError:
        raise InputError(f"Expected a whole number in the environment's {name}, found {value!r}.") from None
    return max(number, 1) if name.endswith("STEP") else number


def write_here(plan: Plan, folder: pathlib.Path, shards: Sequence[int]) -> None:
    """Writes shards in this process, in turn."""
    with _bar(plan, folder, shards) as bar:
        write_shards(plan, folder, shards, bar.update)


def write_by_ray(
    plan: Plan, folder: pathlib.Path, shards: Sequence[int], *, address: str = "local", num_gpus: float = 0.0
) -> None:
    """Writes shards by Ray's workers: one a core, or `1 / num_gpus` a GPU.

    Args:
      address: local starts Ray on this machine, auto or HOST:PORT joins one that runs; its machines have this package
        installed and see `folder` and whatever files the plan names.
      num_gpus: GPUs, or the share of one, that a worker needs.
    Raises:
      InputError: Ray is not installed.
      SynthesisStoppedError: a shard failed again and again.
    """
    try:
        import ray
        import ray.exceptions
    except ImportError:
        raise InputError("Expected the package ray for --engine=ray, found none: pip install '.[synthesis]'.") from None
    local = {"include_dashboard": False, "object_store_memory": _OBJECT_STORE_BYTES} if address == "local" else {}
    folder = folder.absolute()
    # Ray starts its processes from this one, which has JAX's threads; it does so at once by exec, which is safe.
    warnings.filterwarnings("ignore", message=r"os.fork\(\) was called")
    try:
        ray.init(
            address, logging_level=logging.WARNING, runtime_env={"env_vars": _worker_environment(num_gpus)}, **local
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(f"Expected to reach Ray at {address}, found a fault: {error!s:.200}.") from None
    # A worker keeps its process, and so its weights and programs (max_calls). A full disk may have room again.
    task = ray.remote(
        num_cpus=1,
        num_gpus=num_gpus,
        max_calls=0,
        max_retries=_MAX_RETRIES,
        # Ray takes a list of exceptions too, but its annotation is a bool.
        retry_exceptions=[OSError],  # pyright: ignore[reportArgumentType]
        scheduling_strategy="SPREAD",
    )(_write_for_ray)
    try:
        with _bar(plan, folder, shards) as bar:
            left = [shard for shard in shards if not is_there(plan, folder, shard)]
            waiting = {task.remote(plan, folder, shard): shard for shard in left[:_MAX_WAITING]}
            left = left[_MAX_WAITING:]
            while waiting:
                [done], _ = ray.wait(list(waiting), num_returns=1)
                ray.get(done)
                bar.update(len(plan.numbers(waiting.pop(done))))
                if left:
                    shard = left.pop(0)
                    waiting[task.remote(plan, folder, shard)] = shard
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        if isinstance(cause, InputError | OSError):
            raise cause from None
        raise
    except ray.exceptions.RayError as error:
        raise SynthesisStoppedError(
            f"Ray lost a shard's worker {_MAX_RETRIES + 1} times ({' '.join(str(error).split()):.200}); what is there "
            "is whole, and the same command goes on."
        ) from error
    finally:
        ray.shutdown()


def _write_for_ray(plan: Plan, folder: pathlib.Path, shard: int) -> None:
    check_folder(plan, folder)
    write_shards(plan, folder, [shard])


def _worker_environment(num_gpus: float) -> dict[str, str]:
    """What a worker's process has to know before it imports JAX."""
    # JAX makes its settings attributes where pyright does not see them.
    cache = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    names = {"JAX_COMPILATION_CACHE_DIR": cache or ""}
    if num_gpus:
        # Several processes may share a GPU: none takes most of its memory at once.
        return names | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    # One core each: a pool of threads for every core in every worker would oversubscribe the machine.
    xla_flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    return names | {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": xla_flags}


def _bar(plan: Plan, folder: pathlib.Path, shards: Sequence[int]) -> Bar:
    """Lines written and lines to go, on standard error."""
    there = sum(len(plan.numbers(shard)) for shard in shards if is_there(plan, folder, shard))
    total = sum(len(plan.numbers(shard)) for shard in shards)
    return Bar(total=total, initial=there, unit="line", desc="lines")
