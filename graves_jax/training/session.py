"""What happens between updates: metrics are reported, checkpoints saved, weights validated and drawn."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import grain
import jax
import numpy as np
import orbax.checkpoint as ocp
from jax.sharding import Mesh

from graves_jax.data.batches import Batch, evaluation_batches
from graves_jax.data.corpus import Corpus
from graves_jax.model.likelihood import log_loss
from graves_jax.model.weights import Weights
from graves_jax.training import checkpoint as checkpoint_lib
from graves_jax.training import devices
from graves_jax.training.optimizer import learning_rate_schedule
from graves_jax.training.progress import Progress
from graves_jax.training.run import Run
from graves_jax.training.step import TrainState, no_totals
from graves_jax.training.stopping import Stop, StopRequestedError
from graves_jax.training.style_posteriors import NetworkAndHands, divergence
from graves_jax.training.weight_noise import Posterior, complexity
from graves_jax.training.workdir import VALIDATION_NATS, Metrics, TrainingStoppedError

# A run that is killed loses at most so much of its first minutes, however rarely it saves.
FIRST_SAVE_SECONDS = 90.0
# So many updates in a row without a finite loss and gradient end the run.
MAX_SKIPPED_IN_A_ROW = 50


@dataclasses.dataclass(frozen=True)
class Intervals:
    """Every how many updates something happens; 0 is never. All happen after the last update."""

    report: int = 20
    validate: int = 1_000
    save: int = 500
    draw: int = 500


@dataclasses.dataclass(frozen=True)
class Session:
    """A run under way: what it has open, and what is done with its state, each thing at its interval."""

    run: Run
    corpus: Corpus
    workdir: pathlib.Path
    stop: Stop
    batches: grain.DatasetIterator
    checkpoints: ocp.CheckpointManager
    metrics: Metrics
    progress: Progress
    mesh: Mesh | None
    intervals: Intervals
    draw: Callable[[Weights, pathlib.Path], None]
    validation_lines: int | None

    def report(self, state: TrainState, step: int) -> TrainState:
        """Writes the totals as a row; the state comes back with new ones."""
        if not self._due(step, self.intervals.report):
            return state
        row = _row(state, self.run)
        self.metrics.write(row)
        self.progress.reported(row)
        return state._replace(totals=no_totals() if self.mesh is None else devices.replicate(no_totals(), self.mesh))

    def check(self, skipped_in_a_row: jax.Array) -> None:
        """Waits for the update that this number comes from; ends the run where too many were skipped."""
        if skipped_in_a_row >= MAX_SKIPPED_IN_A_ROW:
            raise TrainingStoppedError(
                f"Loss or gradient was not finite in {int(skipped_in_a_row)} updates in a row, so the run stopped; "
                f"{self.workdir} keeps the checkpoints from before. Train again in another --workdir with a lower "
                "--learning_rate or --max_gradient_norm, or with a higher --sigma_floor."
            )

    def save(self, state: TrainState, step: int, *, now: bool = False) -> None:
        """Starts to save; training goes on meanwhile."""
        due = self._due(step, self.intervals.save) or self._due(step, self.intervals.validate)
        if now or due or self._first_is_due():
            with self.progress.paused():
                progress = {"batches": self.batches.get_state()}
                checkpoint_lib.save(self.checkpoints, state, progress, self.run.to_config())

    def _first_is_due(self) -> bool:
        """Whether this process has run for a while and saved nothing. Hosts, whose clocks differ, save together."""
        return (
            self.progress.seconds > FIRST_SAVE_SECONDS
            and jax.process_count() == 1
            and self.checkpoints.latest_step() == self.progress.first_step
        )

    def look(self, state: TrainState, step: int) -> bool:
        """Validates and draws what has not been yet; a stop signal ends it early. Of several processes the first does.

        Returns:
          Whether there was anything that could be due.
        """
        due = self._due(step, self.intervals.validate) or self._due(step, self.intervals.draw)
        if due and devices.is_first():
            self._look(state._replace(ema_params=devices.own(state.ema_params, self.mesh)), step)
        return due

    def _look(self, state: TrainState, step: int) -> None:
        with self.progress.paused(), contextlib.suppress(StopRequestedError):
            if self._due(step, self.intervals.validate) and not self.metrics.validated(step):
                self._validate(state, step)
            picture = self.workdir / "samples" / f"step_{step:07d}"
            drawn = any(picture.parent.glob(f"{picture.name}.*"))
            if self._due(step, self.intervals.draw) and not drawn and not self.stop:
                self.draw(self.run.weights(state.ema_params), picture)

    def _validate(self, state: TrainState, step: int) -> None:
        batches = validation_batches(self.run, self.corpus, self.validation_lines)
        num_lines = len(self.corpus.indices("validation"))
        num_lines = num_lines if self.validation_lines is None else min(num_lines, self.validation_lines)

        def counted() -> Iterator[Batch]:
            done = 0
            for batch, rows in self.stop.interrupts(batches):
                self.progress.validating(done, num_lines)
                yield batch
                done += int((rows >= 0).sum())

        loss = log_loss(state.ema_params, self.run.network, counted())
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


def validation_batches(run: Run, corpus: Corpus, num_lines: int | None) -> Iterator[tuple[Batch, np.ndarray]]:
    """What a run is validated on; `evaluation_batches` says what is raised, which is at once."""
    return evaluation_batches(
        corpus,
        "validation",
        alphabet=run.alphabet,
        normalisation=run.normalisation,
        batch_size=run.training.batch_size,
        num_lines=num_lines,
    )


def _row(state: TrainState, run: Run) -> dict[str, Any]:
    """The totals since the last row. What had no finite update to be measured on is None."""
    totals = jax.device_get(state.totals)
    updates_made = int(state.step) - int(state.skipped)

    def mean(total, count):
        return float(total) / float(count) if count else None

    row = {
        "step": int(state.step),
        "nats_per_point": mean(totals.nats, totals.points),
        "nats_per_line": mean(totals.nats, totals.lines),
        "gradient_norm": mean(totals.gradient_norm, totals.updates),
        # Of the last update that was made.
        "learning_rate": float(np.asarray(learning_rate_schedule(run.training)(max(updates_made - 1, 0)))),
        "skipped": int(state.skipped),
    }
    if isinstance(state.params, NetworkAndHands):
        row["divergence_per_writer"] = float(_divergence(state.params.hands)) / run.training.num_writers
    if isinstance(state.params, Posterior):
        row["complexity_nats_per_line"] = float(_complexity(state.params)) / run.training.pass_lines
    return row


_complexity = jax.jit(complexity)
_divergence = jax.jit(divergence)
