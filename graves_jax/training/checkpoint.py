"""Checkpoints by Orbax: the newest and the best, each enough on its own to train on, to load and to write.

workdir/checkpoints/STEP/state        all arrays of the TrainState
                        /progress     JSON: the position in the data
                        /description  JSON: network, training, alphabet, normalisation, provenance
                        /SHA256SUMS   of all these files
       /damaged/STEP                  checkpoints found to be damaged, kept as they were found
"""

import contextlib
import errno
import functools
import json
import logging
import os
import pathlib
import re
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from jax.sharding import Mesh
from orbax.checkpoint.checkpoint_managers import (
    AnyPreservationPolicy,
    LatestN,
    PolicyCheckpointInfo,
    PreservationContext,
)

from graves_jax.errors import InputError
from graves_jax.files import is_file, is_folder
from graves_jax.model.network import NetworkConfig
from graves_jax.model.weights import Weights, check_shapes, from_config
from graves_jax.training import devices
from graves_jax.training.config import TrainingConfig
from graves_jax.training.integrity import fault_of, seal, set_aside
from graves_jax.training.step import TrainState, init_state
from graves_jax.training.style_posteriors import Hands, standardise
from graves_jax.training.workdir import validation_nats

# What a checkpoint takes besides its arrays, with room to spare.
_OVERHEAD_BYTES = 1 << 20

_log = logging.getLogger(__name__)


class _BestValidated:
    """Keeps the checkpoint with the lowest validation nats, which stand in the workdir's metrics file."""

    def __init__(self, workdir: pathlib.Path):
        self._workdir = workdir

    def should_preserve(
        self, checkpoints: Sequence[PolicyCheckpointInfo], *, context: PreservationContext
    ) -> Sequence[bool]:
        best = best_step([info.step for info in checkpoints], self._workdir)
        return [info.step == best for info in checkpoints]


def open_checkpoints(workdir: pathlib.Path) -> ocp.CheckpointManager:
    """The checkpoints of a run: the two newest, and the best by validation where one was validated."""
    folder = workdir.absolute() / "checkpoints"
    options = ocp.CheckpointManagerOptions(
        # Two, so that one is whole should the other be damaged.
        preservation_policy=AnyPreservationPolicy([LatestN(2), _BestValidated(workdir)]),
        cleanup_tmp_directories=True,
        async_options=ocp.options.AsyncOptions(post_finalization_callback=functools.partial(_seal_all, folder)),
    )
    return ocp.CheckpointManager(folder, options=options)


def _seal_all(folder: pathlib.Path) -> None:
    """Orbax calls this when a checkpoint's files are written, just before it gets its name."""
    for checkpoint in folder.iterdir():
        if checkpoint.is_dir():
            seal(checkpoint)


def save(
    checkpoints: ocp.CheckpointManager, state: TrainState, progress: dict[str, Any], description: dict[str, Any]
) -> None:
    """Starts to save, once the save before is finished. Does nothing where this step is saved already.

    Raises:
      OSError: the disk is full, or has another fault; also where it came up in the save before.
    """
    step = int(state.step)
    if step in checkpoints.all_steps():
        return
    wait(checkpoints)
    _check_room(checkpoints, state)
    with _disk_faults():
        checkpoints.save(
            step,
            args=ocp.args.Composite(
                state=ocp.args.StandardSave(state._asdict()),
                progress=ocp.args.JsonSave(progress),
                description=ocp.args.JsonSave(description),
            ),
        )


def wait(checkpoints: ocp.CheckpointManager) -> None:
    """Waits until everything is saved. Raises OSError like `save`."""
    with _disk_faults():
        checkpoints.wait_until_finished()


@contextlib.contextmanager
def closing(checkpoints: ocp.CheckpointManager) -> Iterator[None]:
    """Waits at its end until everything is saved, and closes. Raises OSError like `save`."""
    try:
        yield
    finally:
        with _disk_faults():
            checkpoints.close()


def _check_room(checkpoints: ocp.CheckpointManager, state: TrainState) -> None:
    """Raises OSError where the disk has too little room; Orbax's threads would print pages of tracebacks."""
    needed = sum(leaf.nbytes for leaf in jax.tree.leaves(state)) + _OVERHEAD_BYTES
    if shutil.disk_usage(checkpoints.directory).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextlib.contextmanager
def _disk_faults() -> Iterator[None]:
    """TensorStore, which writes the arrays for Orbax, tells a fault of the disk as a ValueError with its number."""
    try:
        yield
    except ValueError as error:
        number = re.search(r"os_error_code='(\d+)'", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error


def restore(
    checkpoints: ocp.CheckpointManager, network: NetworkConfig, training: TrainingConfig, mesh: Mesh | None = None
) -> tuple[TrainState, dict[str, Any]]:
    """The newest state of a run, on the devices of a mesh or this process's own whichever it was saved from, and its
    progress."""
    shapes = jax.eval_shape(lambda: init_state(network, training))
    as_numpy = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), shapes._asdict())
    restored = checkpoints.restore(
        checkpoints.latest_step(),
        args=ocp.args.Composite(state=ocp.args.StandardRestore(as_numpy), progress=ocp.args.JsonRestore()),
    )
    # By way of NumPy: an array that Orbax put on a device is tied to it, which would be another program to compile.
    return devices.replicate(TrainState(**restored["state"]), mesh), restored["progress"]


def find_whole(workdir: pathlib.Path) -> tuple[pathlib.Path | None, dict[pathlib.Path, str]]:
    """The newest whole checkpoint of a workdir, None in a new one; and what is wrong with those that are newer.

    Raises:
      InputError: there was a run here, but none of its checkpoints is whole.
    """
    faults = {}
    for step in reversed(_steps(workdir)):
        fault = fault_of(step)
        if fault is None:
            return step, faults
        faults[step] = fault
    lost = [f"{step} ({fault})" for step, fault in faults.items()]
    lost += [str(path) for path in sorted((workdir / "damaged").glob("*"))]
    if lost or (workdir / "metrics.jsonl").exists():
        raise InputError(
            f"Expected a whole checkpoint of the run in {workdir}, found {'only damaged ones' if lost else 'none'}"
            f"{': ' if lost else ''}{', '.join(lost)}; to train from the start, choose another --workdir."
        )
    return None, {}


def set_damaged_aside(workdir: pathlib.Path, faults: dict[pathlib.Path, str]) -> None:
    """Moves damaged checkpoints to workdir/damaged and says so."""
    for step, fault in faults.items():
        kept = set_aside(step, workdir / "damaged")
        _log.warning("Checkpoint %s is damaged: %s. It is kept as %s; going on from an older one.", step, fault, kept)


def load_checkpoint(path: pathlib.Path) -> Weights:
    """The averaged weights of a checkpoint, in whose style vectors, if any, N(0, 1) is the training writers' hands.

    Args:
      path: a workdir, of which the best checkpoint by validation is taken, or the newest where none was validated;
        or one checkpoint in it.
    Raises:
      InputError: there is no checkpoint, or it is damaged.
    """
    path = pathlib.Path(path)
    if not (is_folder(path) or is_file(path)):
        raise InputError(f"Expected a checkpoint at {path}, found nothing there.")
    step = path if (path / "state").is_dir() else _best(path)
    if step is None:
        raise InputError(f"Expected a checkpoint or a folder with checkpoints at {path}, found none.")
    if step.name == "0":
        raise InputError(
            f"Expected a checkpoint of a network that has learned, found only {step}, from before training."
        )
    fault = fault_of(step)
    if fault is not None:
        raise InputError(f"Expected a whole checkpoint at {step}, found a damaged one: {fault}.")
    description = read_description(step)
    params = jax.tree.map(jnp.asarray, read_arrays(step, "ema_params"))
    if description["training"].get("num_writers"):
        params = standardise(params, Hands(**read_arrays(step, "params")["hands"]))
    keys = ("network", "alphabet", "normalisation", "provenance")
    weights = from_config({key: description.get(key) for key in keys}, params)
    check_shapes(weights)
    return weights


def read_description(step: pathlib.Path) -> dict[str, Any]:
    """What the run of a whole checkpoint is."""
    return json.loads((step / "description" / "metadata").read_text(encoding="utf-8"))


def read_arrays(step: pathlib.Path, field: str) -> Any:
    """One field of a checkpoint's TrainState, as NumPy arrays: on whatever device it was saved."""
    handler = ocp.CompositeCheckpointHandler(
        state=ocp.PyTreeCheckpointHandler(),
        progress=ocp.JsonCheckpointHandler(),
        description=ocp.JsonCheckpointHandler(),
    )
    with ocp.Checkpointer(handler) as checkpointer:
        wanted = {field: checkpointer.metadata(step.absolute()).item_metadata["state"][field]}
        as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), wanted)
        restore_field = ocp.args.PyTreeRestore(item=wanted, restore_args=as_numpy, partial_restore=True)
        return checkpointer.restore(step.absolute(), args=ocp.args.Composite(state=restore_field))["state"][field]


def best_step(steps: Sequence[int], workdir: pathlib.Path) -> int | None:
    """The step with the lowest validation nats; None where none was validated."""
    nats = validation_nats(workdir)
    return min((step for step in steps if step in nats), key=lambda step: nats[step], default=None)


def _steps(workdir: pathlib.Path) -> list[pathlib.Path]:
    """The finished checkpoints of a workdir, oldest first."""
    folder = workdir / "checkpoints"
    finished = [step for step in folder.glob("[0-9]*") if step.name.isdigit()] if folder.is_dir() else []
    return sorted(finished, key=lambda step: int(step.name))


def _best(workdir: pathlib.Path) -> pathlib.Path | None:
    """The checkpoint with the lowest validation nats; the newest where none was validated."""
    steps = {int(step.name): step for step in _steps(workdir)}
    best = best_step(list(steps), workdir)
    return steps[max(steps) if best is None else best] if steps else None
