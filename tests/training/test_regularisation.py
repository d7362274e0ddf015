"""What training leaves out: how much, from what, constant along what, and nothing of it where nothing is asked for."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graves_jax.model.likelihood import summed_nats
from graves_jax.model.network import Dropout, NetworkConfig, init_params
from graves_jax.training.config import TrainingConfig
from graves_jax.training.regularisation import draw_dropout, drop_weights
from graves_jax.training.step import init_state, train_step

from .conftest import NETWORK, TRAINING, make_batch

TWO_LAYERS = dataclasses.replace(NETWORK, num_layers=2)
KEYS = jax.random.split(jax.random.key(2), 3)


def test_masks_keep_the_expected_output():
    masks = draw_dropout(jax.random.split(jax.random.key(0), 500), TWO_LAYERS, 0.3)
    assert masks.between.shape == (500, 1, 8) and masks.output.shape == (500, 16)
    for mask in masks:
        np.testing.assert_allclose(np.unique(mask), [0, 1 / 0.7], rtol=1e-6)
        assert abs((mask == 0).mean() - 0.3) < 0.02
    assert not (masks.between[:, 0] == masks.output[:, :8]).all()


def test_a_mask_depends_on_its_line_alone():
    together = draw_dropout(KEYS, TWO_LAYERS, 0.5)
    alone = draw_dropout(KEYS[1:2], TWO_LAYERS, 0.5)
    jax.tree.map(lambda a, t: np.testing.assert_array_equal(a[0], t[1]), alone, together)


def test_masks_of_ones_change_nothing_and_of_zeros_leave_the_output_its_bias():
    params = init_params(jax.random.key(0), TWO_LAYERS)
    ones = Dropout(jnp.ones((3, 1, 8)), jnp.ones((3, 16)))
    np.testing.assert_array_equal(
        summed_nats(params, TWO_LAYERS, make_batch(), dropout=ones), summed_nats(params, TWO_LAYERS, make_batch())
    )
    silent = Dropout(jnp.ones((3, 1, 8)), jnp.zeros((3, 16)))
    without = params | {"output_kernel": jnp.zeros_like(params["output_kernel"])}
    np.testing.assert_allclose(
        summed_nats(params, TWO_LAYERS, make_batch(), dropout=silent),
        summed_nats(without, TWO_LAYERS, make_batch()),
        rtol=1e-6,
    )


def test_a_cell_that_is_left_out_between_layers_is_one_without_weights_above():
    """Cell 3 of the lower layer, which still reaches the output: the upper layer's weights for it set to 0."""
    params = init_params(jax.random.key(0), TWO_LAYERS)
    masks = Dropout(jnp.ones((3, 1, 8)).at[:, 0, 3].set(0.0), jnp.ones((3, 16)))
    upper = params["layers_1"]
    row = 3 + TWO_LAYERS.num_characters + 3
    without = params | {"layers_1": upper | {"input": upper["input"].at[row].set(0.0)}}
    found = summed_nats(params, TWO_LAYERS, make_batch(), dropout=masks)
    np.testing.assert_allclose(found, summed_nats(without, TWO_LAYERS, make_batch()), rtol=1e-6)
    assert abs(found - summed_nats(params, TWO_LAYERS, make_batch())) > 1e-4


@pytest.mark.parametrize("implementation", ["reference", "fused"])
def test_gradients_under_dropout_are_numeric_derivatives(float64, implementation):
    config = dataclasses.replace(TWO_LAYERS, implementation=implementation)
    params = jax.tree.map(lambda p: p.astype(jnp.float64), init_params(jax.random.key(0), config))
    masks, batch = draw_dropout(KEYS, config, 0.5), make_batch(dtype=np.float64)
    loss = jax.jit(lambda params: summed_nats(params, config, batch, dropout=masks))
    rng = np.random.default_rng(0)
    direction = jax.tree.map(lambda leaf: jnp.asarray(rng.normal(size=leaf.shape)), params)
    ahead, behind = (loss(jax.tree.map(lambda p, d, s=s: p + s * d, params, direction)) for s in (1e-5, -1e-5))
    slope = sum(jnp.vdot(g, d) for g, d in zip(*map(jax.tree.leaves, (jax.grad(loss)(params), direction)), strict=True))
    np.testing.assert_allclose(slope, (ahead - behind) / 2e-5, rtol=1e-6)


def test_weight_drop_takes_recurrent_weights_alone():
    params = init_params(jax.random.key(0), NetworkConfig(hidden_size=40))
    dropped = drop_weights(jax.random.key(1), params, 0.25)
    for number in range(3):
        before, after = params[f"layers_{number}"], dropped[f"layers_{number}"]
        gone = after["recurrent"] == 0
        assert abs(gone.mean() - 0.25) < 0.02
        np.testing.assert_allclose(after["recurrent"], jnp.where(gone, 0, before["recurrent"] / 0.75), rtol=1e-6)
        assert all((after[name] == before[name]).all() for name in before if name != "recurrent")
    assert (dropped["layers_1"]["recurrent"] == 0).tolist() != (dropped["layers_2"]["recurrent"] == 0).tolist()
    assert all(dropped[name] is params[name] for name in params if not name.startswith("layers_"))


@pytest.mark.parametrize("option", ["dropout", "weight_drop"])
def test_each_update_leaves_out_others_and_none_by_default(option):
    frozen = dataclasses.replace(TRAINING, learning_rate=1e-30, **{option: 0.5})
    plain = dataclasses.replace(frozen, **{option: 0.0})

    def nats_of_updates(training):
        state, nats = init_state(NETWORK, training), [0.0]
        for _ in range(3):
            state = jax.jit(train_step, static_argnums=(2, 3))(state, make_batch(), NETWORK, training)
            nats.append(float(state.totals.nats))
        return np.diff(nats)

    found, expected = nats_of_updates(frozen), nats_of_updates(plain)
    assert len(np.unique(found.round(3))) == 3
    nats = summed_nats(init_state(NETWORK, plain).params, NETWORK, make_batch())
    np.testing.assert_allclose(expected, nats, rtol=1e-5)


@pytest.mark.parametrize("options", [{"dropout": 1.0}, {"weight_drop": -0.1}])
def test_a_share_that_cannot_be(options):
    with pytest.raises(ValueError, match="Expected"):
        TrainingConfig(**options)
