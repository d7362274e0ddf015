"""The training loop: batch, update, report, save, validate, draw; stopped at any moment, it goes on from there.

Everything that an update depends on is in the checkpoint: weights, optimiser, running averages, the sums of the row
of metrics that is under way, the number of the next batch. So a run that is killed goes back to its last checkpoint,
drops the rows of metrics that were written after it, and does again, to the bit, what it had done.

A state is saved before it is validated and drawn. Whoever stops a run in the middle of a validation loses nothing: the
next start finds that this step's row is missing and makes up for it.
"""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import grain
import jax
import orbax.checkpoint as ocp

from graves_jax.data.augmentation import Augmentation
from graves_jax.data.batches import evaluation_batches, training_batches
from graves_jax.data.corpus import Corpus
from graves_jax.evaluation.likelihood import log_loss
from graves_jax.model.weights import Weights
from graves_jax.training import checkpoint as checkpoint_lib
from graves_jax.training.optimizer import learning_rate_schedule
from graves_jax.training.progress import Progress
from graves_jax.training.run import Run, check_same_run
from graves_jax.training.signals import Stop, StopRequestedError, stop_signals
from graves_jax.training.step import TrainState, init_state, no_totals, update
from graves_jax.training.workdir import VALIDATION_NATS, Metrics, locked

# So many updates in a row without a finite loss and gradient end the run.
MAX_SKIPPED_IN_A_ROW = 50


class TrainingStoppedError(RuntimeError):
    """The run could not go on; the message says why and where its last checkpoint is."""


@dataclasses.dataclass(frozen=True)
class Intervals:
    """Every how many updates something happens; 0 is never. All happen after the last update."""

    report: int = 20
    validate: int = 1_000
    save: int = 500
    draw: int = 500


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
      step: updates made in all.
      stopped_by: SIGINT or SIGTERM where one arrived, as a number; else None.
      rows: the newest value of every metric; empty if none was written.
      points_per_second: training speed of this process, validation and drawing left out.
    """

    step: int
    stopped_by: int | None
    rows: dict[str, Any]
    points_per_second: float


def train(
    run: Run,
    corpus: Corpus,
    workdir: pathlib.Path,
    *,
    intervals: Intervals,
    draw: Callable[[Weights, pathlib.Path], None],
    validation_lines: int | None = None,
) -> Outcome:
    """Trains until the run's last update, or until SIGINT or SIGTERM; goes on where the workdir's last save was.

    Args:
      draw: draws samples of the weights into a file without suffix.
      validation_lines: validates on so many lines spread evenly over the split; None on all.
    Raises:
      InputError: the workdir holds another run, is in use, or has no whole checkpoint of the run that was there.
      TrainingStoppedError: too many updates in a row were not finite, or the workdir cannot be written.
    """
    with locked(workdir), stop_signals() as stop, contextlib.ExitStack() as stack:
        checkpoints, state, batches = _start(run, corpus, workdir)
        stack.callback(checkpoints.close)
        step = int(state.step)
        metrics, progress = Metrics(workdir, step), Progress(step, run.training.num_steps)
        stack.callback(progress.close)
        desk = _Desk(
            run, corpus, workdir, intervals, draw, validation_lines, checkpoints, batches, metrics, progress, stop
        )
        done = None
        desk.look_at(state, step)  # at what a stop cut off
        while step < run.training.num_steps and not stop:
            batch = next(batches)
            jax.block_until_ready(done)  # no more than one update ahead of the device: a stop shall not wait for more
            (state, done), step = update(state, batch, run.network, run.training), step + 1
            progress.updated(int(batch.mask.sum()))
            state = desk.report(state, step)
            desk.save(state, step)
            desk.look_at(state, step)
        desk.save(state, step, now=True)
        return Outcome(step, stop.signal, metrics.last(), progress.points_per_second)


def _start(run: Run, corpus: Corpus, workdir: pathlib.Path):
    """The run's checkpoints, its newest state, and its batches from there on. A new run is saved before it begins."""
    batches = _training_batches(run, corpus)
    newest, faults = checkpoint_lib.find_whole(workdir)
    if newest is None:
        checkpoints, state = checkpoint_lib.open_checkpoints(workdir), init_state(run.network, run.training)
        checkpoint_lib.save(checkpoints, state, {"batches": batches.get_state()}, run.description())
        checkpoints.wait_until_finished()
    else:
        check_same_run(run, checkpoint_lib.read_description(newest), workdir)
        checkpoint_lib.set_damaged_aside(workdir, faults)
        checkpoints = checkpoint_lib.open_checkpoints(workdir)
        state, progress = checkpoint_lib.restore(checkpoints, run.network, run.training)
        batches.set_state(progress["batches"])
    return checkpoints, state, batches


@dataclasses.dataclass(frozen=True)
class _Desk:
    """What happens around the updates, each at its interval; the arguments of `train` and what it has opened."""

    run: Run
    corpus: Corpus
    workdir: pathlib.Path
    intervals: Intervals
    draw: Callable[[Weights, pathlib.Path], None]
    validation_lines: int | None
    checkpoints: ocp.CheckpointManager
    batches: grain.DatasetIterator
    metrics: Metrics
    progress: Progress
    stop: Stop

    def report(self, state: TrainState, step: int) -> TrainState:
        """Writes the totals as a row; the state comes back with new ones."""
        if not self._due(step, self.intervals.report):
            return state
        row = _row(state, self.run)
        self.metrics.write(row)
        self.progress.reported(row)
        _check_finite(state, self.workdir)
        return state._replace(totals=no_totals())

    def save(self, state: TrainState, step: int, *, now: bool = False) -> None:
        """Starts to save; training goes on meanwhile."""
        if now or self._due(step, self.intervals.save) or self._due(step, self.intervals.validate):
            with self.progress.paused():
                progress = {"batches": self.batches.get_state()}
                checkpoint_lib.save(self.checkpoints, state, progress, self.run.description())

    def look_at(self, state: TrainState, step: int) -> None:
        """Validates and draws what has not been yet; a stop signal ends it early."""
        with self.progress.paused(), contextlib.suppress(StopRequestedError):
            if self._due(step, self.intervals.validate) and not self.metrics.validated(step):
                self._validate(state, step)
            picture = self.workdir / "samples" / f"step_{step:07d}"
            drawn = any(picture.parent.glob(f"{picture.name}.*"))
            if self._due(step, self.intervals.draw) and not drawn and not self.stop:
                self.draw(self.run.weights(state.ema_params), picture)

    def _validate(self, state: TrainState, step: int) -> None:
        batches = evaluation_batches(
            self.corpus,
            "validation",
            alphabet=self.run.alphabet,
            normalisation=self.run.normalisation,
            batch_size=self.run.training.batch_size,
            num_lines=self.validation_lines,
        )
        lines = (batch for batch, _ in self.stop.interrupts(batches))
        loss = log_loss(state.ema_params, self.run.network, lines)
        self.metrics.write(
            {
                "step": step,
                VALIDATION_NATS: loss.nats_per_point,
                "validation_nats_per_line": loss.nats_per_line,
                "validation_lines": len(loss.nats),
            }
        )

    def _due(self, step: int, interval: int) -> bool:
        return bool(interval and step) and (step % interval == 0 or step == self.run.training.num_steps)


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
        max_points=training.max_points,
        augmentation=augmentation,
    )


def _row(state: TrainState, run: Run) -> dict[str, Any]:
    """The totals since the last row. What had no finite update to be measured on is None."""
    totals = jax.device_get(state.totals)
    updates_made = int(state.step) - int(state.skipped)

    def mean(total, count):
        return float(total) / float(count) if count else None

    return {
        "step": int(state.step),
        "nats_per_point": mean(totals.nats, totals.points),
        "nats_per_line": mean(totals.nats, totals.lines),
        "gradient_norm": mean(totals.gradient_norm, totals.updates),
        # Of the last update that was made.
        "learning_rate": float(learning_rate_schedule(run.training)(max(updates_made - 1, 0))),
        "skipped": int(state.skipped),
    }


def _check_finite(state: TrainState, workdir: pathlib.Path) -> None:
    in_a_row = int(state.skipped_in_a_row)
    if in_a_row >= MAX_SKIPPED_IN_A_ROW:
        raise TrainingStoppedError(
            f"Loss or gradient was not finite in {in_a_row} updates in a row, so the run stopped; {workdir} keeps the "
            "checkpoints from before. Train again in another --workdir with a lower --learning_rate or "
            "--max_gradient_norm, or a higher --sigma_floor."
        )
