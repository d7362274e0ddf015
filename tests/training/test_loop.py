"""Runs of thirty updates: stopped, broken off, damaged and gone on with, they end like one that was left alone."""

import dataclasses
import errno
import json
import os
import pathlib
import shutil
import signal

import jax
import numpy as np
import pytest

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.augmentation import Augmentation
from graves_jax.data.corpus import Corpus
from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.model.network import init_params
from graves_jax.training import loop, progress, session
from graves_jax.training.checkpoint import open_checkpoints, read_arrays, restore
from graves_jax.training.integrity import SEAL, seal
from graves_jax.training.loop import train
from graves_jax.training.session import Intervals
from graves_jax.training.workdir import TrainingStoppedError, locked, read_metrics

from .conftest import make_line

# None divides another, so that each thing also happens without the others.
INTERVALS = Intervals(report=4, validate=10, save=3, draw=7)


class Crash(Exception):
    """Breaks a run off without letting it save."""


def draw(weights, path):
    path.parent.mkdir(exist_ok=True)
    path.with_suffix(".txt").write_text(str(np.asarray(weights.params["output_kernel"]).sum()))


@pytest.fixture(scope="module")
def start(run, corpus):
    """Trains in a workdir; keywords replace the arguments."""

    def train_in(workdir, of=run, **options):
        return train(of, corpus, workdir, **({"intervals": INTERVALS, "draw": draw} | options))

    return train_in


@pytest.fixture(scope="module")
def whole(start, tmp_path_factory):
    """The workdir of a run that was left alone."""
    workdir = tmp_path_factory.mktemp("whole") / "run"
    start(workdir)
    return workdir


@pytest.fixture
def copy(whole, tmp_path):
    """A copy of that workdir."""
    return pathlib.Path(shutil.copytree(whole, tmp_path / "copy"))


@pytest.fixture
def at_update(monkeypatch):
    """Does something in the middle of the update from a certain step on."""

    def arrange(step, action):
        def update(state, *rest):
            if int(state.step) == step:
                action()
            return original(state, *rest)

        monkeypatch.setattr(loop, "update", update)

    original = loop.update
    return arrange


def newest(workdir, of):
    """The last state that was saved, and where in the data."""
    checkpoints = open_checkpoints(workdir)
    try:
        return restore(checkpoints, of.network, of.training)
    finally:
        checkpoints.close()


def steps(workdir):
    return sorted(int(path.name) for path in (workdir / "checkpoints").iterdir() if path.name.isdigit())


def assert_equal_runs(found, expected, run):
    """To the bit: all arrays, the place in the data, metrics and samples."""
    (state, progress), (other, other_progress) = newest(found, run), newest(expected, run)
    jax.tree.map(np.testing.assert_array_equal, state, other)
    assert progress == other_progress
    assert (found / "metrics.jsonl").read_bytes() == (expected / "metrics.jsonl").read_bytes()
    assert {file.name: file.read_text() for file in (found / "samples").iterdir()} == {
        file.name: file.read_text() for file in (expected / "samples").iterdir()
    }


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def send(number):
    return lambda: signal.raise_signal(number)


def crash():
    raise Crash


def test_weights_to_start_from_are_those_of_a_new_run_alone(start, run, tmp_path):
    """A run that goes on has weights of its own."""
    initial = jax.tree.map(np.ones_like, run.weights(init_params(jax.random.key(0), run.network)).params)
    for warmth in (1.0, 2.0):
        start(tmp_path / "warm", initial_params=jax.tree.map(lambda p, warmth=warmth: warmth * p, initial))
    saved = read_arrays(tmp_path / "warm" / "checkpoints" / "30", "params")
    again = tmp_path / "again"
    start(again, initial_params=initial)
    jax.tree.map(np.testing.assert_array_equal, saved, read_arrays(again / "checkpoints" / "30", "params"))
    assert abs(np.mean(saved["output_kernel"]) - 1.0) < 0.1


def test_an_update_waits_for_no_transfer(start, tmp_path, monkeypatch):
    """Its batch is on the device before it is called."""

    def guarded(*arguments):
        with jax.transfer_guard("disallow"):
            return original(*arguments)

    original = loop.update
    monkeypatch.setattr(loop, "update", guarded)
    assert start(tmp_path / "run").step == 30


@pytest.mark.parametrize(("style_size", "num_writers"), [(0, 2), (2, 3)])
def test_writers_are_those_of_the_corpus(run, tmp_path, style_size, num_writers):
    rng = np.random.default_rng(0)
    lines = [make_line(rng, number, "training") for number in range(4)]
    corpus = Corpus.from_lines([dataclasses.replace(line, writer="ab"[n % 2]) for n, line in enumerate(lines)])
    training = dataclasses.replace(run.training, num_writers=num_writers, lines_per_pass=4)
    run = dataclasses.replace(run, network=dataclasses.replace(run.network, style_size=style_size), training=training)
    with pytest.raises(InputError, match=rf"num_writers 0 or {style_size and 2}, .*, found {num_writers}\."):
        train(run, corpus, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_run_with_weight_noise_goes_on_to_the_bit(start, run, at_update, tmp_path):
    noisy = dataclasses.replace(
        run, training=dataclasses.replace(run.training, weight_noise="batch", lines_per_pass=11)
    )
    start(tmp_path / "whole", noisy)
    at_update(17, crash)
    with pytest.raises(Crash):
        start(tmp_path / "broken", noisy)
    at_update(-1, crash)
    start(tmp_path / "broken", noisy)
    assert_equal_runs(tmp_path / "broken", tmp_path / "whole", noisy)
    assert all(row["complexity_nats_per_line"] > 0 for row in read_metrics(tmp_path / "whole") if "skipped" in row)


def test_a_checkpoint_from_before_a_field_was_there_is_gone_on_with(start, run, copy):
    """It stands for the field's default."""
    for step in (copy / "checkpoints").iterdir():
        file = step / "description" / "metadata"
        description = json.loads(file.read_text())
        del description["training"]["weight_noise"]
        file.write_text(json.dumps(description))
        (step / SEAL).unlink()
        seal(step)
    longer = dataclasses.replace(run, training=dataclasses.replace(run.training, num_steps=31))
    assert start(copy, longer).step == 31


def test_what_a_run_leaves(whole, run):
    rows = read_metrics(whole)
    training = [row for row in rows if "nats_per_point" in row]
    assert [row["step"] for row in training] == [4, 8, 12, 16, 20, 24, 28, 30]
    assert [row["step"] for row in rows if "validation_nats_per_point" in row] == [10, 20, 30]
    assert sorted(path.name for path in (whole / "samples").iterdir()) == [
        f"step_{step:07d}.txt" for step in (7, 14, 21, 28, 30)
    ]
    state, progress = newest(whole, run)
    assert (state.step, progress) == (30, {"batches": {"next_index": 30}})
    assert steps(whole)[-2:] == [27, 30]
    assert all("seconds" not in name and "per_second" not in name for row in rows for name in row)


def test_it_learns(whole):
    nats = [row["nats_per_point"] for row in read_metrics(whole) if "nats_per_point" in row]
    assert nats[-1] < nats[0]


def test_the_rate_in_a_row_is_that_of_its_last_update(whole):
    """Warm-up over 5 updates to 1e-3: the fourth update is made at 3/5 of it."""
    assert read_metrics(whole)[0]["learning_rate"] == pytest.approx(6e-4)


def test_the_best_checkpoint_is_kept_beside_the_two_newest(start, run, tmp_path, monkeypatch):
    """As if the weights had been best after update 10."""

    class LogLoss:
        nats_per_line, nats = 0.0, [0.0]

    losses = iter([-2.0, -1.0, 0.0])

    def log_loss(*_):
        LogLoss.nats_per_point = next(losses)
        return LogLoss

    monkeypatch.setattr(session, "log_loss", log_loss)
    start(tmp_path / "run")
    assert steps(tmp_path / "run") == [10, 27, 30]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_saves_at_once_and_loses_nothing(start, run, whole, tmp_path, at_update, number, capfd):
    """Between two reports: the sums of the row under way are in the checkpoint."""
    workdir = tmp_path / "run"
    at_update(13, send(number))
    outcome = start(workdir)
    assert (outcome.step, outcome.stopped_by) == (14, number)
    assert steps(workdir)[-1] == 14
    assert f"{number.name}: saving a checkpoint, then leaving." in capfd.readouterr().err
    assert start(workdir).stopped_by is None
    assert_equal_runs(workdir, whole, run)


def test_the_handlers_of_before_are_back_after_a_run(start, tmp_path, at_update):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    at_update(2, crash)
    with pytest.raises(Crash):
        start(tmp_path / "run")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_second_ctrl_c_does_not_wait(start, tmp_path, at_update):
    def twice():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    at_update(4, twice)
    # A shell's background processes ignore it.
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            start(tmp_path / "run")
    finally:
        signal.signal(signal.SIGINT, previous)


def test_a_stop_in_the_middle_of_a_validation_is_made_up_for(start, run, whole, tmp_path, monkeypatch):
    workdir = tmp_path / "run"
    original = session.validation_batches

    def interrupted(*arguments, **options):
        for batch in original(*arguments, **options):
            signal.raise_signal(signal.SIGTERM)
            yield batch

    with monkeypatch.context() as patch:
        patch.setattr(session, "validation_batches", interrupted)
        outcome = start(workdir)
    assert (outcome.step, outcome.stopped_by) == (10, signal.SIGTERM)
    assert not any("validation_nats_per_point" in row for row in read_metrics(workdir))
    start(workdir)
    assert_equal_runs(workdir, whole, run)


def test_a_stop_while_drawing(start, run, whole, tmp_path):
    def interrupted(weights, path):
        signal.raise_signal(signal.SIGTERM)
        draw(weights, path)

    outcome = start(tmp_path / "run", draw=interrupted)
    assert outcome.step == 7
    start(tmp_path / "run")
    assert_equal_runs(tmp_path / "run", whole, run)


def test_a_run_that_breaks_off_goes_back_to_its_checkpoint(start, run, whole, tmp_path, at_update):
    """Twice; the second time before the first new save."""
    workdir = tmp_path / "run"
    for step in (17, 16):
        at_update(step, crash)
        with pytest.raises(Crash):
            start(workdir)
        assert steps(workdir)[-1] == 15
        assert read_metrics(workdir)[-1]["step"] == 16
    at_update(-1, crash)
    start(workdir)
    assert_equal_runs(workdir, whole, run)


def test_going_on_compiles_no_other_update(start, whole, tmp_path, at_update, caplog):
    """Arrays from a checkpoint are like those from an update, and totals like those after a row of metrics."""
    at_update(13, crash)
    with pytest.raises(Crash):
        start(tmp_path / "run")
    at_update(-1, crash)
    with jax.log_compiles():
        start(tmp_path / "run")
    assert "jit(update)" not in caplog.text


def test_a_run_that_breaks_off_at_once_has_a_checkpoint(start, run, whole, tmp_path, at_update):
    at_update(0, crash)
    with pytest.raises(Crash):
        start(tmp_path / "run")
    assert steps(tmp_path / "run") == [0]
    at_update(-1, crash)
    start(tmp_path / "run")
    assert_equal_runs(tmp_path / "run", whole, run)


def test_a_finished_run_is_left_as_it_is(start, copy, whole):
    before = contents(copy)
    outcome = start(copy)
    assert contents(copy) == before
    assert (outcome.step, outcome.stopped_by) == (30, None)
    rows = read_metrics(whole)
    assert outcome.rows == rows[-2] | rows[-1]


def test_more_updates_may_be_asked_of_a_run(start, run, copy):
    longer = dataclasses.replace(run, training=dataclasses.replace(run.training, num_steps=33))
    rows = read_metrics(copy)
    assert start(copy, of=longer).step == 33
    assert read_metrics(copy)[: len(rows)] == rows
    assert [row["step"] for row in read_metrics(copy)[len(rows) :]] == [32, 33, 33]


def test_fewer_updates_than_there_are_change_nothing(start, run, copy):
    shorter = dataclasses.replace(run, training=dataclasses.replace(run.training, num_steps=20))
    before = contents(copy)
    assert start(copy, of=shorter).step == 30
    assert contents(copy) == before


def test_another_run_is_refused_and_nothing_overwritten(start, run, copy):
    before = contents(copy)
    other = dataclasses.replace(run, training=dataclasses.replace(run.training, learning_rate=5.0, seed=3))
    message = r"to hold the same run, found training\.learning_rate 0\.001 there and 5\.0 here \(and 1 more\)"
    with pytest.raises(InputError, match=message):
        start(copy, of=other)
    assert contents(copy) == before


def test_other_data_is_another_run(start, run, copy):
    with pytest.raises(InputError, match=r"found provenance\.fingerprint"):
        start(copy, of=dataclasses.replace(run, provenance={"fingerprint": "another"}))


def test_a_later_version_may_go_on(start, run, copy):
    start(copy, of=dataclasses.replace(run, provenance=run.provenance | {"version": "9.9"}))


def test_a_workdir_in_use_is_refused(start, copy):
    before = contents(copy)
    with locked(copy), pytest.raises(InputError, match="another run training in it"):
        start(copy)
    assert contents(copy) == before


def flip(step):
    file = max((step / "state").rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def truncate(step):
    file = max((step / "state").rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
    file.write_bytes(file.read_bytes()[:100])


def lose(step):
    (step / "progress" / "metadata").unlink()


def empty(step):
    shutil.rmtree(step)
    step.mkdir()


@pytest.mark.parametrize("damage", [flip, truncate, lose, empty])
def test_a_damaged_checkpoint_is_named_and_kept_and_an_older_one_used(start, run, whole, copy, damage, caplog):
    newest_step = copy / "checkpoints" / "30"
    damage(newest_step)
    damaged = {path.relative_to(newest_step): content for path, content in contents(newest_step).items()}
    start(copy)
    assert f"Checkpoint {newest_step} is damaged" in caplog.text
    kept = copy / "damaged" / "30"
    assert {path.relative_to(kept): content for path, content in contents(kept).items()} == damaged
    assert_equal_runs(copy, whole, run)


def test_two_damaged_checkpoints(start, run, whole, copy):
    for step in steps(copy)[-2:]:
        flip(copy / "checkpoints" / str(step))
    start(copy)
    assert sorted(path.name for path in (copy / "damaged").iterdir()) == ["27", "30"]
    assert_equal_runs(copy, whole, run)


def test_without_a_whole_checkpoint_a_run_does_not_start_anew(start, copy):
    for step in (copy / "checkpoints").iterdir():
        flip(step)
    before = contents(copy)
    for _ in range(2):
        with pytest.raises(InputError, match=r"only damaged ones: .*30 .*is not what was saved.*another --workdir"):
            start(copy)
        assert contents(copy) == before


def test_without_any_checkpoint_a_run_does_not_start_anew(start, copy):
    shutil.rmtree(copy / "checkpoints")
    with pytest.raises(InputError, match=r"Expected a whole checkpoint of the run in .*, found none; to train from"):
        start(copy)
    assert read_metrics(copy)


def test_an_unfinished_save_is_cleared_away(start, run, whole, copy):
    """What a kill in the middle of one leaves."""
    unfinished = copy / "checkpoints" / "31.orbax-checkpoint-tmp"
    shutil.copytree(copy / "checkpoints" / "30" / "state", unfinished / "state.orbax-checkpoint-tmp")
    start(copy)
    assert not unfinished.exists()
    assert_equal_runs(copy, whole, run)


def test_too_many_skipped_updates_end_a_run_with_finite_weights(start, run, tmp_path, monkeypatch):
    """Far too large a rate for the loss to stay finite."""
    monkeypatch.setattr(session, "MAX_SKIPPED_IN_A_ROW", 5)
    training = dataclasses.replace(run.training, learning_rate=1e25, warmup_steps=0, max_gradient_norm=None)
    diverging = dataclasses.replace(run, training=training)
    with pytest.raises(TrainingStoppedError, match=r"not finite in 5 updates in a row.*lower --learning_rate"):
        start(tmp_path / "run", of=diverging)
    state, _ = newest(tmp_path / "run", diverging)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((state.params, state.ema_params, state.opt_state)))
    rows = [json.loads(row) for row in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert all(row["skipped"] > 0 for row in rows[1:] if "skipped" in row)


def test_a_full_disk_ends_a_run_and_leaves_what_was_saved(start, run, whole, tmp_path, monkeypatch):
    class Usage:
        free = 1_000

    workdir = tmp_path / "run"
    with monkeypatch.context() as patch:
        save = session.checkpoint_lib.save

        def save_until_full(checkpoints, state, *rest):
            if int(state.step) == 9:
                patch.setattr(shutil, "disk_usage", lambda path: Usage)
            save(checkpoints, state, *rest)

        patch.setattr(session.checkpoint_lib, "save", save_until_full)
        with pytest.raises(TrainingStoppedError, match=r"No space left on device.*the same command goes on"):
            start(workdir)
    assert steps(workdir)[-1] == 6
    start(workdir)
    assert_equal_runs(workdir, whole, run)


def test_a_fault_while_writing_metrics_ends_a_run(start, tmp_path, monkeypatch):
    def fail(file):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(TrainingStoppedError, match="Input/output error"):
        start(tmp_path / "run")


def test_a_corpus_that_cannot_be_validated_on_is_found_out_before_the_run(start, run, tmp_path):
    """The training lines have no b; nothing is written."""
    rng = np.random.default_rng(0)
    lines = [make_line(rng, number, "training" if number else "validation") for number in range(9)]
    texts = ["abc"] + ["aca"] * 8
    lines = [
        dataclasses.replace(line, ink=Ink(line.ink.offsets, text)) for line, text in zip(lines, texts, strict=True)
    ]
    other = dataclasses.replace(run, alphabet=Alphabet("ac"))
    with pytest.raises(InputError, match=r"Line 'id-0' cannot be used: The text has characters outside the alphabet"):
        train(other, Corpus.from_lines(lines), tmp_path / "run", intervals=INTERVALS, draw=draw)
    assert not (tmp_path / "run").exists()


def test_intervals_of_zero_are_never(start, tmp_path):
    start(tmp_path / "run", intervals=Intervals(report=30, validate=0, save=30, draw=0), draw=crash)
    assert [row["step"] for row in read_metrics(tmp_path / "run")] == [30]


def test_a_long_run_saves_early_however_rarely_it_does_later(start, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "FIRST_SAVE_SECONDS", 0.0)
    saved = []
    save = session.checkpoint_lib.save
    monkeypatch.setattr(
        session.checkpoint_lib, "save", lambda c, state, *rest: saved.append(int(state.step)) or save(c, state, *rest)
    )
    rarely = Intervals(report=30, validate=0, save=30, draw=0)
    start(tmp_path / "run", intervals=rarely)
    # 0 before the first update; at the end it asks once more.
    assert saved[:3] == [0, 1, 30] and set(saved) == {0, 1, 30}
    monkeypatch.setattr(session, "FIRST_SAVE_SECONDS", 90.0)
    del saved[:]
    start(tmp_path / "patient", intervals=rarely)
    assert set(saved) == {0, 30}


def test_validation_shows_its_progress(start, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(progress.Progress, "LOG_SECONDS", 0.0)
    start(tmp_path / "run", intervals=Intervals(report=30, validate=30, save=30, draw=0), validation_lines=4)
    shown = capsys.readouterr().err
    assert "validating 0 of 4 lines" in shown and "validating 3 of 4 lines" in shown


def test_an_outcome_knows_the_updates_of_this_process(start, copy, tmp_path, run):
    assert start(copy).updates == 0
    longer = dataclasses.replace(run, training=dataclasses.replace(run.training, num_steps=33))
    outcome = start(copy, of=longer)
    assert (outcome.step, outcome.updates) == (33, 3)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"seed": 3}, {"seed": 3}),
        ({"max_points": 9}, {"max_points": 9}),
        ({"batch_size": 2}, {"batch_size": 2}),
        ({"scale": 0.2}, {"augmentation": Augmentation(scale=0.2, slant=5.0)}),
        ({"slant": 7.0}, {"augmentation": Augmentation(scale=0.1, slant=7.0)}),
        ({"scale": 0.0}, {"augmentation": Augmentation(scale=0.0, slant=5.0)}),
        ({"slant": 0.0}, {"augmentation": Augmentation(scale=0.1, slant=0.0)}),
        ({"scale": 0.0, "slant": 0.0}, {"augmentation": None}),
    ],
)
def test_batches_are_those_that_the_configuration_describes(start, run, corpus, monkeypatch, change, expected):
    """Nothing of it is lost on the way to them."""

    class Enough(Exception):
        pass

    def training_batches(*arguments, **options):
        seen.update(options)
        raise Enough

    seen, usual = {}, {"seed": 0, "max_points": 14, "batch_size": 3, "augmentation": Augmentation(scale=0.1, slant=5.0)}
    monkeypatch.setattr(loop, "training_batches", training_batches)
    with pytest.raises(Enough):
        start(pathlib.Path("never"), of=dataclasses.replace(run, training=dataclasses.replace(run.training, **change)))
    assert {name: seen[name] for name in usual} == usual | expected
    assert (seen["alphabet"], seen["normalisation"]) == (run.alphabet, run.normalisation)
