"""One update: what it changes, what it counts, and what it leaves alone when a number is not finite."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from graves_jax.model.likelihood import summed_nats
from graves_jax.training.step import init_state, train_step, update

from .conftest import NETWORK, TRAINING, make_batch

PLAIN = dataclasses.replace(TRAINING, warmup_steps=0, cooldown_steps=0, max_gradient_norm=None)

PER_POINT = dataclasses.replace(PLAIN, gradient_per="point", ema_decay=0.0)


def broken_batch(value):
    batch = make_batch()
    batch.offsets[1, 2, 0] = value
    return batch


@functools.cache
def compiled(training):
    return jax.jit(functools.partial(train_step, network=NETWORK, training=training))


def after(batches, training=PLAIN):
    state = init_state(NETWORK, training)
    for batch in batches:
        state = compiled(training)(state, batch)
    return state


def assert_same(found, expected):
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_the_seed_decides_the_first_weights():
    one, again = init_state(NETWORK, PLAIN), init_state(NETWORK, PLAIN)
    other = init_state(NETWORK, dataclasses.replace(PLAIN, seed=1))
    assert_same(one, again)
    assert_same(one.ema_params, one.params)
    assert (one.params["output_kernel"] != other.params["output_kernel"]).all()


def graves_first_update(start, gradient):
    """Δ = -η g / √(0.05 g² - (0.05 g)² + ε), equations (38)-(45) from n = m = 0."""
    return jax.tree.map(lambda p, g: p - 1e-3 * g / np.sqrt(0.0475 * g**2 + 1e-4), start, gradient)


@pytest.mark.parametrize("training, divisor", [(PLAIN, 3), (PER_POINT, 11)], ids=["line", "point"])
def test_an_update_is_the_optimisers_on_the_mean_gradient(training, divisor):
    start = init_state(NETWORK, training)
    gradient = jax.jit(jax.grad(summed_nats), static_argnums=1)(start.params, NETWORK, make_batch())
    mean = jax.tree.map(lambda g: np.asarray(g) / divisor, gradient)
    state = after([make_batch()], training)
    close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6)
    jax.tree.map(close, state.params, graves_first_update(start.params, mean))
    np.testing.assert_allclose(state.totals.gradient_norm, optax.tree.norm(mean), rtol=1e-5)


def test_totals_are_sums_over_updates():
    batches = [make_batch(seed) for seed in range(3)]
    state = after(batches)
    path = [after(batches[:number]) for number in range(3)]
    loss = jax.jit(summed_nats, static_argnums=1)
    nats = [loss(before.params, NETWORK, batch) for before, batch in zip(path, batches, strict=True)]
    np.testing.assert_allclose(state.totals.nats, sum(nats), rtol=1e-5)
    assert (state.totals.points, state.totals.lines, state.totals.updates) == (33, 9, 3)
    assert (state.step, state.skipped, state.skipped_in_a_row) == (3, 0, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_a_loss_that_is_not_finite_changes_no_weight_and_is_counted(value):
    before = after([make_batch()])
    state = after([make_batch(), broken_batch(value)])
    assert_same(state.params, before.params)
    assert_same(state.ema_params, before.ema_params)
    assert_same(state.opt_state, before.opt_state)
    assert_same(state.totals, before.totals)
    assert (state.step, state.skipped, state.skipped_in_a_row) == (2, 1, 1)


def test_weights_that_would_not_be_finite_are_not_taken():
    """Momentum that would throw the weights out of float32."""
    start = init_state(NETWORK, PLAIN)
    start = start._replace(opt_state=jax.tree.map(lambda leaf: jnp.full_like(leaf, 3e38), start.opt_state))
    state = compiled(PLAIN)(start, make_batch())
    assert_same(state.params, start.params)
    assert (state.skipped, state.skipped_in_a_row) == (1, 1)


def test_a_finite_update_ends_the_row_of_skipped_ones():
    bad = broken_batch(np.nan)
    assert after([bad, bad]).skipped_in_a_row == 2
    state = after([bad, bad, make_batch(), bad])
    assert (state.step, state.skipped, state.skipped_in_a_row) == (4, 3, 1)


def test_a_skipped_update_leaves_no_trace_in_what_follows():
    with_skip, without = (
        after([make_batch(0), broken_batch(np.nan), make_batch(1)]),
        after([make_batch(0), make_batch(1)]),
    )
    assert_same(with_skip.params, without.params)
    assert_same(with_skip.opt_state, without.opt_state)


@pytest.mark.parametrize("steps_before, decays", [(0, [1 / 10, 2 / 11, 3 / 12]), (1_000, [0.9, 0.9, 0.9])])
def test_the_running_average_of_the_weights(steps_before, decays):
    """EMA_n = d EMA_{n-1} + (1 - d) w_n with d = min(decay, (1 + n) / (10 + n)), n = 0, 1, ..."""
    state = init_state(NETWORK, PLAIN)._replace(step=jnp.int32(steps_before))
    average = np.asarray(state.params["output_kernel"], np.float64)
    for seed, decay in enumerate(decays):
        state = compiled(PLAIN)(state, make_batch(seed))
        average = decay * average + (1 - decay) * np.asarray(state.params["output_kernel"])
        np.testing.assert_allclose(state.ema_params["output_kernel"], average, rtol=1e-5, atol=1e-8)


def test_without_averaging_the_average_is_the_weights():
    state = after([make_batch()], PER_POINT)
    assert_same(state.ema_params, state.params)


def test_the_compiled_update_takes_the_memory_of_its_state():
    start = init_state(NETWORK, PLAIN)
    state, skipped = update(start, make_batch(), NETWORK, PLAIN)
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(start))
    assert_same(state, after([make_batch()]))
    again, skipped_then = update(state, broken_batch(np.nan), NETWORK, PLAIN)
    assert again.step == 2
    assert (skipped, skipped_then) == (0, 1)
