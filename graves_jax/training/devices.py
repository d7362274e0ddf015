"""Many devices, many hosts: which there are, how arrays lie on them, and how their processes come to agree.

Every process runs the same program. A batch is divided among all devices by its lines, weights and optimiser stand on
each, and one sum over all devices an update keeps them equal. The first process alone locks the workdir, validates,
draws and writes metrics.
"""

import collections
import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from graves_jax.errors import InputError

LINES = "lines"
# A process without a heartbeat for so long counts as dead, and the others end; JAX's default is 100.
HEARTBEAT_SECONDS = 10
# How long processes wait for one another at the start.
CONNECT_SECONDS = 120
# That of the commands after bad input.
BAD_INPUT_EXIT_CODE = 2
# Of a message from the first process to the others.
_MAX_BYTES = 8_192

_Tree = TypeVar("_Tree")


class Rows(NamedTuple):
    """Which rows of the whole batch are at hand. What is drawn for a row follows from its place in the whole batch."""

    first: jax.Array | int
    total: int

    def own(self, keys: jax.Array, count: int) -> jax.Array:
        """Of the keys of all rows, [..., B], those of the `count` that are at hand."""
        return keys if count == self.total else jax.lax.dynamic_slice_in_dim(keys, self.first, count, axis=-1)


def connect(hosts: str) -> None:
    """Joins the other processes of a run, before JAX is used for anything else.

    Args:
      hosts: auto asks the environment (SLURM, MPI, Kubernetes, Cloud TPU); or ADDRESS:PORT,COUNT,INDEX: the first
        process's address, how many processes there are, and which this is, from 0.
    Raises:
      InputError: nothing says who takes part, or the others were not reached.
    """
    options: dict[str, Any] = {
        "heartbeat_timeout_seconds": HEARTBEAT_SECONDS,
        "initialization_timeout": 2 * CONNECT_SECONDS,  # the deadline below comes first
    }
    if hosts != "auto":
        address, count, index = _parse(hosts)
        options |= {"coordinator_address": address, "num_processes": count, "process_id": index}
        options |= {"cluster_detection_method": "deactivate"}
    meet = f"Expected all processes to meet at --hosts={hosts}"
    try:
        with _deadline(CONNECT_SECONDS, f"{meet} within {CONNECT_SECONDS} seconds, found that some did not."):
            jax.distributed.initialize(**options)
    except ValueError as error:
        raise InputError(
            f"Expected SLURM, MPI, Kubernetes or Cloud TPU to say who takes part, found none of them "
            f"({_one_line(error)}); --hosts=ADDRESS:PORT,COUNT,INDEX says it too."
        ) from None
    except RuntimeError as error:
        raise InputError(f"{meet}, found a fault: {_one_line(error)}.") from None


@contextlib.contextmanager
def _deadline(seconds: float, sentence: str) -> Iterator[None]:
    """Ends the process with a sentence where a block takes too long: JAX itself would abort it, with a stack trace."""

    def end():
        print(f"error: {sentence}", file=sys.stderr, flush=True)
        os._exit(BAD_INPUT_EXIT_CODE)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _parse(hosts: str) -> tuple[str, int, int]:
    address, *numbers = hosts.split(",")
    host, _, port = address.rpartition(":")
    if len(numbers) == 2 and host and all(number.isdecimal() for number in (port, *numbers)):
        count, index = map(int, numbers)
        if index < count and 0 < int(port) < 65_536:
            return address, count, index
    raise InputError(
        f"Expected --hosts=auto or --hosts=ADDRESS:PORT,COUNT,INDEX with INDEX below COUNT, found {hosts!r}."
    )


def make_mesh(num_devices: int | None = None) -> Mesh | None:
    """The devices of all processes in a row, process after process; None where there is but one of each.

    Args:
      num_devices: so many of every process; None takes all.
    Raises:
      InputError: a process has fewer.
    """
    found = jax.local_device_count()
    if num_devices is not None and num_devices > found:
        raise InputError(f"Expected {num_devices} devices, found {found} of the kind {jax.devices()[0].device_kind!r}.")
    by_process = collections.defaultdict(list)
    for device in jax.devices():
        by_process[device.process_index].append(device)
    row = [device for process in sorted(by_process) for device in by_process[process][:num_devices]]
    return None if len(row) == 1 else Mesh(np.array(row), (LINES,))


def check_batch_size(batch_size: int, mesh: Mesh | None) -> None:
    """Raises InputError where a batch cannot be divided evenly."""
    if mesh is not None and batch_size % mesh.size:
        raise InputError(
            f"Expected a batch size that is a multiple of the {mesh.size} devices, found {batch_size}: change "
            "--batch_size, or use fewer --devices."
        )


def put_batch(batch: _Tree, mesh: Mesh | None) -> _Tree:
    """This process's rows on their devices, as its part of the whole batch."""
    if mesh is None:
        return jax.device_put(batch)
    rows = NamedSharding(mesh, P(LINES))
    return jax.tree.map(lambda field: jax.make_array_from_process_local_data(rows, np.asarray(field)), batch)


def put_flag(flag: bool, mesh: Mesh) -> jax.Array:
    """A flag of this process, once for each of its devices. Shape [devices]."""
    flags = np.full(mesh.local_mesh.size, float(flag), np.float32)
    return jax.make_array_from_process_local_data(NamedSharding(mesh, P(LINES)), flags)


def replicate(tree: _Tree, mesh: Mesh | None) -> _Tree:
    """Values that every process has, on every device."""
    if mesh is None:
        return jax.tree.map(jnp.array, tree)
    everywhere = NamedSharding(mesh, P())

    def put(leaf):
        leaf = np.asarray(leaf)
        return jax.make_array_from_callback(leaf.shape, everywhere, lambda index: leaf[index])

    return jax.tree.map(put, tree)


def own(tree: _Tree, mesh: Mesh | None) -> _Tree:
    """Replicated values as arrays of one device, with which one process may compute what the others do not."""
    return tree if mesh is None else jax.tree.map(lambda leaf: leaf.addressable_data(0), tree)


def is_first() -> bool:
    """Whether this process does what is done once."""
    return jax.process_index() == 0


def agree(decide: Callable[[], Any]) -> Any:
    """What the first process decides, a JSON value, on all of them: also that its input cannot be used.

    Raises:
      InputError: `decide` raised one.
    """
    if jax.process_count() == 1:
        return decide()
    told: dict[str, Any] = {}
    if is_first():
        try:
            told = {"value": decide()}
        except InputError as error:
            told = {"error": str(error)}
    message = json.dumps(told).encode()[:_MAX_BYTES]
    told = json.loads(_broadcast(np.frombuffer(message.ljust(_MAX_BYTES), np.uint8)).tobytes())
    if "error" in told:
        raise InputError(told["error"])
    return told["value"]


def _broadcast(message: np.ndarray) -> np.ndarray:
    return np.asarray(multihost_utils.broadcast_one_to_all(message), np.uint8)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")[:300]
