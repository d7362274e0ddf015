"""Checkpoints by Orbax: the newest and the best, each enough on its own to train on, to load and to write.

workdir/checkpoints/STEP/state        all arrays of the TrainState
                        /progress     JSON: the position in the data
                        /description  JSON: network, training, alphabet, normalisation, provenance
                        /metrics      JSON: validation nats, where this step was validated
"""

import json
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import orbax.checkpoint as ocp
from orbax.checkpoint.checkpoint_managers import AnyPreservationPolicy, BestN, LatestN

from graves_jax.errors import InputError
from graves_jax.model.weights import Weights, check_shapes, described
from graves_jax.training.step import TrainState

METRIC = "nats_per_point"


def open_checkpoints(workdir: pathlib.Path) -> ocp.CheckpointManager:
    """The checkpoints of a run: the two newest, and the best by validation nats where there is one."""

    def validation_nats(metrics):
        return metrics[METRIC]

    options = ocp.CheckpointManagerOptions(
        best_fn=validation_nats,
        best_mode="min",
        preservation_policy=AnyPreservationPolicy(
            # Two, so that one is whole should the other be damaged.
            [LatestN(2), BestN(n=1, get_metric_fn=validation_nats, reverse=True)]
        ),
        cleanup_tmp_directories=True,
    )
    return ocp.CheckpointManager(workdir.absolute() / "checkpoints", options=options)


def save(
    checkpoints: ocp.CheckpointManager,
    state: TrainState,
    progress: dict[str, Any],
    description: dict[str, Any],
    validation_nats: float | None,
) -> None:
    """Starts to save; `checkpoints.wait_until_finished()` waits. Does nothing where this step is saved already."""
    step = int(state.step)
    if step in checkpoints.all_steps():
        return
    checkpoints.save(
        step,
        args=ocp.args.Composite(
            state=ocp.args.StandardSave(state._asdict()),
            progress=ocp.args.JsonSave(progress),
            description=ocp.args.JsonSave(description),
        ),
        metrics=None if validation_nats is None else {METRIC: validation_nats},
    )


def restore(checkpoints: ocp.CheckpointManager, like: TrainState) -> tuple[TrainState, dict[str, Any]]:
    """The newest state and its progress.

    Args:
      like: a state of the run's shapes, such as `init_state` gives.
    """
    restored = checkpoints.restore(
        checkpoints.latest_step(),
        args=ocp.args.Composite(
            state=ocp.args.StandardRestore(jax.tree.map(ocp.utils.to_shape_dtype_struct, like._asdict())),
            progress=ocp.args.JsonRestore(),
        ),
    )
    return TrainState(**restored["state"]), restored["progress"]


def read_description(workdir: pathlib.Path) -> dict[str, Any] | None:
    """What the run in a workdir is, from its newest checkpoint; None where there is no checkpoint."""
    step = _newest(workdir)
    return None if step is None else _read_json(step / "description")


def load_checkpoint(path: pathlib.Path) -> Weights:
    """The averaged weights of a checkpoint.

    Args:
      path: a workdir, of which the best checkpoint by validation is taken, or the newest where none was validated;
        or one checkpoint in it.
    Raises:
      InputError: there is no checkpoint, or it is damaged.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise InputError(f"Expected a checkpoint at {path}, found nothing there.")
    step = path if (path / "state").is_dir() else _best(path)
    if step is None:
        raise InputError(f"Expected a checkpoint or a folder with checkpoints at {path}, found none.")
    description = _read_json(step / "description")
    try:
        with ocp.StandardCheckpointer() as checkpointer:
            state = checkpointer.restore(step.absolute() / "state")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"Expected a whole checkpoint at {step}, found a damaged one: {_first_line(error)}") from error
    params = jax.tree.map(jnp.asarray, state["ema_params"])
    keys = ("network", "alphabet", "normalisation", "provenance")
    weights = described({key: description.get(key) for key in keys}, params)
    check_shapes(weights)
    return weights


def _steps(workdir: pathlib.Path) -> list[pathlib.Path]:
    """The finished checkpoints of a workdir, oldest first."""
    folder = workdir / "checkpoints"
    finished = [step for step in folder.glob("[0-9]*") if step.name.isdigit()] if folder.is_dir() else []
    return sorted(finished, key=lambda step: int(step.name))


def _newest(workdir: pathlib.Path) -> pathlib.Path | None:
    return max(_steps(workdir), key=lambda step: int(step.name), default=None)


def _best(workdir: pathlib.Path) -> pathlib.Path | None:
    """The checkpoint with the lowest validation nats; the newest where none has any."""
    validated = {}
    for step in _steps(workdir):
        if (step / "metrics" / "metrics").is_file():
            validated[step] = _read_json(step / "metrics")[METRIC]
    return min(validated, key=validated.get) if validated else _newest(workdir)


def _read_json(item: pathlib.Path) -> dict[str, Any]:
    """A JSON item as Orbax stores it: a folder with one file."""
    file = item / ("metrics" if item.name == "metrics" else "metadata")
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"Expected a whole checkpoint at {item.parent}, found a damaged {item.name}.") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no reason given."])[0]
