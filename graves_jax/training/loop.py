"""The training loop: batch, update, report, validate, draw, save; stopped at any moment, it goes on from there."""

import contextlib
import dataclasses
import functools
import pathlib
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import tqdm

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.augmentation import Augmentation
from graves_jax.data.batches import evaluation_batches, training_batches
from graves_jax.data.corpus import Corpus
from graves_jax.data.ink import Normalisation
from graves_jax.errors import InputError
from graves_jax.evaluation.likelihood import log_loss
from graves_jax.model.network import NetworkConfig
from graves_jax.model.weights import Weights
from graves_jax.training import checkpoint as checkpoint_lib
from graves_jax.training.config import TrainingConfig
from graves_jax.training.optimizer import learning_rate_schedule
from graves_jax.training.step import TrainState, init_state, no_totals, train_step
from graves_jax.training.workdir import Metrics, locked

# So many updates in a row without a finite loss and gradient end the run.
MAX_SKIPPED_IN_A_ROW = 50


class TrainingStoppedError(RuntimeError):
    """The run could not go on; the message says why and where its last checkpoint is."""


@dataclasses.dataclass(frozen=True)
class Run:
    """What is trained on what. Two runs with equal descriptions are the same run."""

    network: NetworkConfig
    training: TrainingConfig
    alphabet: Alphabet
    normalisation: Normalisation
    provenance: dict[str, Any]

    def weights(self, params) -> Weights:
        """The network as it is with these parameters."""
        return Weights(params, self.network, self.alphabet, self.normalisation, self.provenance)

    def description(self) -> dict[str, Any]:
        """JSON values; stands in every checkpoint."""
        return self.weights({}).description() | {"training": dataclasses.asdict(self.training)}


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
      interrupted: whether a signal ended it before its last update.
      rows: the last row of training metrics and the last of validation, merged; empty if none was written.
      points_per_second: training speed of this process, validation and drawing left out, the first updates (which
        compile) too where there were others.
    """

    step: int
    interrupted: bool
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
      InputError: the workdir holds another run, or is in use.
      TrainingStoppedError: too many updates in a row were not finite.
    """
    with locked(workdir), _stop_signals() as stop:
        checkpoints = checkpoint_lib.open_checkpoints(workdir)
        _check_same_run(run, checkpoint_lib.read_description(workdir), workdir)
        batches = _training_batches(run, corpus)
        state = init_state(run.network, run.training)
        if checkpoints.latest_step() is not None:
            state, progress = checkpoint_lib.restore(checkpoints, state)
            batches.set_state(progress["batches"])
        update = jax.jit(functools.partial(train_step, network=run.network, training=run.training), donate_argnums=0)
        metrics, last = Metrics(workdir, int(state.step)), {}
        clock, step = _Clock(), int(state.step)
        bar = tqdm.tqdm(total=run.training.num_steps, initial=step, unit="update", dynamic_ncols=True, smoothing=0.05)
        while step < run.training.num_steps and not stop:
            batch = next(batches)
            state, step = update(state, batch), step + 1
            clock.add(batch.mask.sum())
            bar.update()
            if _due(step, intervals.report, run):
                state, row = _report(state, run)
                clock.stop()
                last |= row
                metrics.write(row)
                bar.set_postfix_str(_summary(row, clock))
                _check_finite(state, workdir)
            nats = None
            if _due(step, intervals.validate, run):
                clock.pause()
                row = _validate(state, run, corpus, validation_lines)
                nats = row["validation_nats_per_point"]
                last |= row
                metrics.write(row)
            if _due(step, intervals.draw, run):
                clock.pause()
                draw(run.weights(state.ema_params), workdir / "samples" / f"step_{step:07d}")
            if nats is not None or stop or _due(step, intervals.save, run):
                clock.pause()
                progress = {"batches": batches.get_state()}
                checkpoint_lib.save(checkpoints, state, progress, run.description(), nats)
            clock.resume()
        bar.close()
        checkpoints.close()
        return Outcome(step, step < run.training.num_steps, last, clock.points_per_second)


def _training_batches(run: Run, corpus: Corpus):
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


def _due(step: int, interval: int, run: Run) -> bool:
    return bool(interval) and (step % interval == 0 or step == run.training.num_steps)


def _report(state: TrainState, run: Run) -> tuple[TrainState, dict[str, Any]]:
    """The totals as a row, and the state with new ones."""
    totals = jax.device_get(state.totals)
    updates = max(float(totals.updates), 1.0)
    row = {
        "step": int(state.step),
        "nats_per_point": float(totals.nats) / max(float(totals.points), 1.0),
        "nats_per_line": float(totals.nats) / max(float(totals.lines), 1.0),
        "gradient_norm": float(totals.gradient_norm) / updates,
        "learning_rate": float(learning_rate_schedule(run.training)(int(state.step))),
        "skipped": int(state.skipped),
    }
    return state._replace(totals=no_totals()), row


def _validate(state: TrainState, run: Run, corpus: Corpus, num_lines: int | None) -> dict[str, Any]:
    batches = evaluation_batches(
        corpus,
        "validation",
        alphabet=run.alphabet,
        normalisation=run.normalisation,
        batch_size=run.training.batch_size,
        num_lines=num_lines,
    )
    loss = log_loss(state.ema_params, run.network, (batch for batch, _ in batches))
    return {
        "step": int(state.step),
        "validation_nats_per_point": loss.nats_per_point,
        "validation_nats_per_line": loss.nats_per_line,
        "validation_lines": len(loss.nats),
    }


def _check_finite(state: TrainState, workdir: pathlib.Path) -> None:
    in_a_row = int(state.skipped_in_a_row)
    if in_a_row >= MAX_SKIPPED_IN_A_ROW:
        raise TrainingStoppedError(
            f"Loss or gradient was not finite in {in_a_row} updates in a row, so the run stopped with its last "
            f"checkpoint kept in {workdir}: lower --learning_rate or --max_gradient_norm."
        )


def _check_same_run(run: Run, found: dict[str, Any] | None, workdir: pathlib.Path) -> None:
    """A workdir is gone on with only by the run that it holds; more updates may be asked of it."""
    if found is None:
        return
    expected, found = _flat(run.description()), _flat(found)
    names = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    names = [name for name in names if name not in ("training.num_steps", "provenance.version")]
    if names:
        name = names[0]
        more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
        raise InputError(
            f"Expected {workdir} to hold the same run, found {name} {found.get(name)!r} there and "
            f"{expected.get(name)!r} here{more}: choose another --workdir."
        )


def _flat(description: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for name, value in description.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


@contextlib.contextmanager
def _stop_signals() -> Iterator[list[str]]:
    """Collects the names of the stop signals that arrive; a second one acts as it always does."""
    received: list[str] = []
    previous = {}

    def note(number, frame):
        received.append(signal.Signals(number).name)
        signal.signal(number, previous[number])
        print(f"\n{received[-1]}: saving a checkpoint, then leaving.", file=sys.stderr)

    for number in (signal.SIGINT, signal.SIGTERM):
        previous[number] = signal.signal(number, note)
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class _Clock:
    """Points per second of the updates alone. The first stretch, which compiles, counts only if it is the only one."""

    def __init__(self):
        self._points, self._since = 0, time.perf_counter()
        self._stretches: list[tuple[int, float]] = []

    def add(self, points: int) -> None:
        self._points += int(points)

    def stop(self) -> None:
        """Ends a stretch; call it when the device has caught up."""
        self._stretches.append((self._points, time.perf_counter() - self._since))
        self._points, self._since = 0, time.perf_counter()

    def pause(self) -> None:
        self._paused = time.perf_counter()

    def resume(self) -> None:
        if getattr(self, "_paused", None) is not None:
            self._since += time.perf_counter() - self._paused
            self._paused = None

    @property
    def points_per_second(self) -> float:
        stretches = self._stretches[1:] or self._stretches
        points, seconds = map(sum, zip(*stretches, strict=True)) if stretches else (0, 0.0)
        return points / seconds if seconds else 0.0


def _summary(row: dict[str, Any], clock: _Clock) -> str:
    return (
        f"{row['nats_per_point']:.3f} nats/point, {row['nats_per_line']:.0f} nats/line, "
        f"{clock.points_per_second:,.0f} points/s"
    )
