"""Checkpoints as files: what is loaded from them, from which of them, and that training meanwhile does not disturb."""

import dataclasses
import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graves_jax.errors import InputError
from graves_jax.sampling.write import write_lines
from graves_jax.training.checkpoint import closing, load_checkpoint, open_checkpoints, restore, save, wait
from graves_jax.training.integrity import fault_of
from graves_jax.training.step import init_state, update
from graves_jax.training.style_posteriors import standardise
from graves_jax.training.workdir import Metrics

from .conftest import NETWORK, TRAINING
from .test_step import make_batch


def state_at(step, ema=0.0):
    """A state with a step of its own, and weights that tell it."""
    state = init_state(NETWORK, TRAINING)
    ema_params = jax.tree.map(lambda leaf: leaf + ema + step, state.params)
    return state._replace(step=jnp.int32(step), ema_params=ema_params)


@pytest.fixture
def workdir(tmp_path, run):
    """Checkpoints after 0, 10, 20 and 30 updates, validated best after 10."""
    workdir = tmp_path / "run"
    workdir.mkdir()
    metrics = Metrics(workdir, 0)
    checkpoints = open_checkpoints(workdir)
    with closing(checkpoints):
        for step, nats in ((0, None), (10, -2.0), (20, -1.0), (30, -1.5)):
            save(checkpoints, state_at(step), {"batches": {"next_index": step}}, run.to_config())
            if nats is not None:
                metrics.write({"step": step, "validation_nats_per_point": nats})
    return workdir


def weight(weights):
    """By how much they differ from fresh ones."""
    fresh = init_state(NETWORK, TRAINING).params["output_bias"]
    return round(float((weights.params["output_bias"] - fresh).mean()), 3)


def test_writers_of_a_checkpoint_are_draws_from_the_unit_gaussian(tmp_path, run):
    """Whoever loads weights with styles draws hands like those that were learned."""
    network = dataclasses.replace(run.network, style_size=2)
    training = dataclasses.replace(run.training, num_writers=3, lines_per_pass=9)
    state = init_state(network, training)
    config = dataclasses.replace(run, network=network, training=training).to_config()
    checkpoints = open_checkpoints(tmp_path)
    with closing(checkpoints):
        save(checkpoints, state._replace(step=jnp.int32(5)), {}, config)
    found = load_checkpoint(tmp_path / "checkpoints" / "5").params
    expected = standardise(state.ema_params, state.params.hands)
    jax.tree.map(np.testing.assert_array_equal, found, expected)
    assert not np.allclose(found["layers_0"]["style"], state.ema_params["layers_0"]["style"])


def test_styles_that_no_writer_learned_are_loaded_as_they_are(tmp_path, run):
    network = dataclasses.replace(run.network, style_size=2)
    state = init_state(network, run.training)
    checkpoints = open_checkpoints(tmp_path)
    with closing(checkpoints):
        save(checkpoints, state._replace(step=jnp.int32(5)), {}, dataclasses.replace(run, network=network).to_config())
    found = load_checkpoint(tmp_path / "checkpoints" / "5").params
    jax.tree.map(np.testing.assert_array_equal, found, state.ema_params)


def test_the_two_newest_and_the_best_are_there_and_whole(workdir):
    assert sorted(path.name for path in (workdir / "checkpoints").iterdir()) == ["10", "20", "30"]
    assert [fault_of(path) for path in (workdir / "checkpoints").iterdir()] == [None] * 3


def test_a_checkpoint_alone_is_enough_to_write(workdir, run, tmp_path):
    """Moved away from its run, with nothing else."""
    moved = shutil.move(workdir / "checkpoints" / "20", tmp_path / "elsewhere")
    weights = load_checkpoint(moved)
    assert weight(weights) == 20
    assert (weights.network, weights.alphabet, weights.normalisation) == (run.network, run.alphabet, run.normalisation)
    assert weights.provenance == run.provenance
    fresh = init_state(NETWORK, TRAINING).params
    [written] = write_lines(run.weights(fresh), ["abc"], keys=[jax.random.key(0)], bias=0.5)
    assert written.ink.text == "abc"


def test_of_a_workdir_the_best_is_loaded(workdir):
    assert weight(load_checkpoint(workdir)) == 10
    assert weight(load_checkpoint(str(workdir))) == 10


def test_without_validation_the_newest_is_loaded(workdir):
    (workdir / "metrics.jsonl").unlink()
    assert weight(load_checkpoint(workdir)) == 30


def test_what_is_loaded_are_the_averaged_weights_to_the_bit(tmp_path, run):
    state = state_at(7, ema=0.1)
    checkpoints = open_checkpoints(tmp_path)
    with closing(checkpoints):
        save(checkpoints, state, {}, run.to_config())
    jax.tree.map(np.testing.assert_array_equal, load_checkpoint(tmp_path).params, state.ema_params)


def test_a_step_is_saved_once(workdir, run):
    checkpoints = open_checkpoints(workdir)
    with closing(checkpoints):
        save(checkpoints, state_at(30, ema=5.0), {}, run.to_config())
        assert restore(checkpoints, NETWORK, TRAINING)[1] == {"batches": {"next_index": 30}}


def test_no_checkpoint(tmp_path):
    with pytest.raises(InputError, match=r"Expected a checkpoint at .*gone, found nothing there\."):
        load_checkpoint(tmp_path / "gone")
    (tmp_path / "file").write_text("no checkpoint")
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(InputError, match="Expected a checkpoint or a folder with checkpoints at"):
            load_checkpoint(path)


def test_a_network_that_has_not_learned_is_not_loaded(tmp_path, run):
    checkpoints = open_checkpoints(tmp_path)
    with closing(checkpoints):
        save(checkpoints, state_at(0), {}, run.to_config())
    with pytest.raises(InputError, match="Expected a checkpoint of a network that has learned"):
        load_checkpoint(tmp_path)


def test_a_damaged_checkpoint_is_not_loaded(workdir):
    """Not even where another one is whole: the weights would be other ones than were asked for."""
    (workdir / "checkpoints" / "10" / "description" / "metadata").write_text("{}")
    message = r"Expected a whole checkpoint at .*10, found a damaged one: description/metadata is not what was saved\."
    with pytest.raises(InputError, match=message):
        load_checkpoint(workdir)
    assert weight(load_checkpoint(workdir / "checkpoints" / "30")) == 30


def test_weights_and_description_have_to_fit(tmp_path, run):
    """Sealed, but of another network."""
    description = run.to_config()
    description["network"] = description["network"] | {"hidden_size": 9}
    checkpoints = open_checkpoints(tmp_path)
    with closing(checkpoints):
        save(checkpoints, state_at(1), {}, json.loads(json.dumps(description)))
    with pytest.raises(InputError, match="Expected the parameters of the network"):
        load_checkpoint(tmp_path)


def test_training_goes_on_while_a_checkpoint_is_written(tmp_path, run):
    """The update takes the memory of the state that is being saved: what is on disk must be the state of before."""
    checkpoints = open_checkpoints(tmp_path)
    with closing(checkpoints):
        state = init_state(NETWORK, TRAINING)
        for _ in range(5):
            state, _ = update(state, make_batch(), NETWORK, TRAINING)
            expected = jax.tree.map(np.array, state)
            save(checkpoints, state, {}, run.to_config())
            for _ in range(20):
                state, _ = update(state, make_batch(), NETWORK, TRAINING)
            wait(checkpoints)
            found, _ = restore(checkpoints, NETWORK, TRAINING)
            jax.tree.map(np.testing.assert_array_equal, found, expected)
