"""The training loop: batch, update, report, save, validate, draw; stopped at any moment, it goes on from there.

Everything that an update depends on is in the checkpoint: weights, optimiser, running averages, the sums of the row
of metrics that is under way, the number of the next batch. So a run that is killed goes back to its last checkpoint,
drops the rows of metrics that were written after it, and does again, to the bit, what it had done.

A state is saved before it is validated and drawn. Whoever stops a run in the middle of a validation loses nothing: the
next start finds that this step's row is missing and makes up for it.
"""

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import grain
import jax
import orbax.checkpoint as ocp
from jax.sharding import Mesh

from graves_jax.data.augmentation import Augmentation
from graves_jax.data.batches import training_batches
from graves_jax.data.corpus import Corpus
from graves_jax.errors import InputError
from graves_jax.model.weights import Weights
from graves_jax.training import checkpoint as checkpoint_lib
from graves_jax.training import devices
from graves_jax.training.progress import Progress
from graves_jax.training.run import Run, check_same_run
from graves_jax.training.session import Intervals, Session, validation_batches
from graves_jax.training.step import TrainState, init_state, update, update_on_mesh
from graves_jax.training.stopping import SharedStop, Stop, stop_signals
from graves_jax.training.workdir import Metrics, disk_faults_stop_the_run, locked


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
      step: updates made in all.
      stopped_by: SIGINT or SIGTERM where one arrived, as a number; else None.
      rows: the newest value of every metric; empty if none was written.
      points_per_second: training speed of this process, validation and drawing left out; 0 where none was measured.
      updates: made by this process; 0 where the run was finished before.
    """

    step: int
    stopped_by: int | None
    rows: dict[str, Any]
    points_per_second: float
    updates: int


def train(
    run: Run,
    corpus: Corpus,
    workdir: str | os.PathLike,
    *,
    intervals: Intervals = Intervals(),  # noqa: B008, it is frozen
    draw: Callable[[Weights, pathlib.Path], None] | None = None,
    validation_lines: int | None = None,
    initial_params: dict | None = None,
    num_devices: int | None = None,
) -> Outcome:
    """Trains until the run's last update, or until SIGINT or SIGTERM; goes on where the workdir's last save was.

    Where `devices.connect` has joined several processes, all of them call this alike; a signal to any one stops all of
    them after the same update.

    Args:
      intervals: every how many updates something is reported, validated, saved and drawn.
      draw: draws samples of the weights into a file without suffix; None draws nothing.
      validation_lines: validates on so many lines spread evenly over the split; None on all.
      initial_params: what a new run starts from; None draws them from its seed.
      num_devices: so many of every process take part; None takes all.
    Raises:
      InputError: the workdir holds another run, is in use, or has no whole checkpoint of the run that was there; or
        the corpus has lines that cannot be used, or none; or the devices do not divide the batch.
      TrainingStoppedError: too many updates in a row were not finite, or the workdir cannot be written.
    """
    workdir = pathlib.Path(workdir)
    intervals = dataclasses.replace(intervals, draw=0) if draw is None else intervals
    mesh = devices.make_mesh(num_devices)
    devices.check_batch_size(run.training.batch_size, mesh)
    # What is wrong with the corpus shall be found out now, before anything is written, and not hours into the run.
    _check_writers(run, corpus)
    batches = _training_batches(run, corpus)
    if intervals.validate:
        validation_batches(run, corpus, validation_lines)
    options = {"intervals": intervals, "draw": draw, "validation_lines": validation_lines}
    with (
        _locked_once(workdir),
        disk_faults_stop_the_run(workdir),
        stop_signals() as stop,
        _open(run, corpus, workdir, stop, batches, initial_params, mesh, **options) as (session, state),
    ):
        step, skipped_in_a_row = int(state.step), state.skipped_in_a_row
        asked = SharedStop(stop, mesh)
        asked.after_look(session.look(state, step))  # at what a stop cut off
        while step < run.training.num_steps and not asked:
            batch = next(session.batches)
            on_device = devices.put_batch(batch, mesh)  # on its way while the update before is still computed
            session.check(skipped_in_a_row)  # of the update before: Python is never further ahead of the device
            if mesh is None:
                state, skipped_in_a_row = update(state, on_device, run.network, run.training)
            else:
                state, skipped_in_a_row, flags = update_on_mesh(
                    state, on_device, asked.flags(), run.network, run.training, mesh
                )
                asked.after_update(flags)
            step += 1
            session.progress.updated(int(batch.mask.sum()) * jax.process_count())
            state = session.report(state, step)
            session.save(state, step)
            asked.after_look(session.look(state, step))
        session.save(state, step, now=True)
        progress = session.progress
        return Outcome(
            step, asked.signal, session.metrics.last(), progress.points_per_second, updates=step - progress.first_step
        )


@contextlib.contextmanager
def _locked_once(workdir: pathlib.Path) -> Iterator[None]:
    """The first process holds the workdir for all."""
    with contextlib.ExitStack() as stack:
        devices.agree(lambda: stack.enter_context(locked(workdir)))
        yield


@contextlib.contextmanager
def _open(
    run: Run,
    corpus: Corpus,
    workdir: pathlib.Path,
    stop: Stop,
    batches: grain.DatasetIterator,
    initial_params: dict | None,
    mesh: Mesh | None,
    **options: Any,
) -> Iterator[tuple[Session, TrainState]]:
    """The session of a run and the state that it goes on from; all saves are finished when it is left."""
    checkpoints, state = _start(run, workdir, batches, initial_params, mesh)
    with checkpoint_lib.closing(checkpoints):
        metrics = Metrics(workdir, int(state.step))
        with contextlib.closing(Progress(int(state.step), run.training.num_steps)) as progress:
            yield Session(run, corpus, workdir, stop, batches, checkpoints, metrics, progress, mesh, **options), state


def _start(
    run: Run,
    workdir: pathlib.Path,
    batches: grain.DatasetIterator,
    initial_params: dict | None,
    mesh: Mesh | None,
) -> tuple[ocp.CheckpointManager, TrainState]:
    """The run's checkpoints and its newest state; `batches` is set to go on from there. A new run is saved first."""
    step = devices.agree(lambda: _find_step(run, workdir))
    if step is None:
        checkpoints = checkpoint_lib.open_checkpoints(workdir)
        state = init_state(run.network, run.training, initial_params)
        state = state if mesh is None else devices.replicate(state, mesh)
        checkpoint_lib.save(checkpoints, state, {"batches": batches.get_state()}, run.to_config())
        checkpoint_lib.wait(checkpoints)
    else:
        checkpoints = checkpoint_lib.open_checkpoints(workdir)
        state, progress = checkpoint_lib.restore(checkpoints, run.network, run.training, mesh)
        batches.set_state(progress["batches"])
    return checkpoints, state


def _find_step(run: Run, workdir: pathlib.Path) -> int | None:
    """The step of the newest whole checkpoint, None in a new workdir; damaged ones are set aside."""
    newest, faults = checkpoint_lib.find_whole(workdir)
    if newest is None:
        return None
    check_same_run(run, checkpoint_lib.read_description(newest), workdir)
    checkpoint_lib.set_damaged_aside(workdir, faults)
    return int(newest.name)


def _training_batches(run: Run, corpus: Corpus) -> grain.DatasetIterator:
    training = run.training
    augmentation = None
    if training.scale or training.slant:
        augmentation = Augmentation(scale=training.scale, slant=training.slant)
    return training_batches(
        corpus,
        "training",
        alphabet=run.alphabet,
        normalisation=run.normalisation,
        batch_size=training.batch_size,
        seed=training.seed,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
        max_points=training.max_points,
        augmentation=augmentation,
        rethin=training.rethin,
        oversample=training.oversample,
        writers=writers_of(corpus) if training.num_writers else None,
    )


def _check_writers(run: Run, corpus: Corpus) -> None:
    """Raises InputError unless all writers of the corpus have a style vector of their own, or none has."""
    found = run.training.num_writers
    expected = len(writers_of(corpus)) if run.network.style_size else 0
    if found not in (0, expected):
        raise InputError(
            f"Expected num_writers 0 or {expected}, from the corpus' writers and style_size {run.network.style_size}, "
            f"found {found}."
        )


def writers_of(corpus: Corpus) -> list[str]:
    """The writers of the training lines by name, in the order in which a run numbers them."""
    return sorted({corpus.writers[line] for line in corpus.indices("training")} - {""})
