"""Style vectors of the training writers: divergence, draws, gradients."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from graves_jax.model.likelihood import summed_nats
from graves_jax.training.config import TrainingConfig
from graves_jax.training.step import init_state, train_step, update
from graves_jax.training.style_posteriors import (
    Hands,
    NetworkAndHands,
    divergence,
    draw_styles,
    initial_hands,
    standardise,
)

from ..conftest import random_params
from .conftest import NETWORK, TRAINING, make_batch

STYLED = dataclasses.replace(NETWORK, style_size=4)
WITH_WRITERS = dataclasses.replace(
    TRAINING, num_writers=2, lines_per_pass=11, warmup_steps=0, cooldown_steps=0, max_gradient_norm=None
)
KEYS = jax.random.split(jax.random.key(5), 3)


def batch_by(*writers, **options):
    return make_batch(**options)._replace(writers=np.array(writers, np.int32))


def random_hands(seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return Hands(*(jnp.asarray(rng.normal(size=(2, 4)), dtype) for _ in Hands._fields))


def test_divergence_is_the_integral_of_q_log_q_over_p(float64):
    hands = Hands(jnp.array([[0.7, -1.2]]), jnp.array([[-1.0, 0.3]]))
    expected = 0.0
    for mean, log_std in zip(hands.mean[0], hands.log_std[0], strict=True):
        q, p = scipy.stats.norm(float(mean), np.exp(float(log_std))), scipy.stats.norm()
        expected += scipy.integrate.quad(lambda z, q=q, p=p: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), -20, 20)[0]
    np.testing.assert_allclose(jax.jit(divergence)(hands), expected, rtol=1e-8)


def test_divergence_of_the_prior_is_nothing():
    assert divergence(Hands(jnp.zeros((3, 2)), jnp.zeros((3, 2)))) == 0


def test_lines_draw_from_their_writer_or_any():
    """Moments over many lines: writer 1's, and the vector "any" for lines without a writer."""
    hands, any_style = random_hands(), jnp.arange(4.0)
    keys = jax.random.split(jax.random.key(0), 20_000)
    z = draw_styles(keys, hands, any_style, jnp.full(20_000, 1), 0.0)
    np.testing.assert_allclose((z.mean(axis=0) - hands.mean[1]) / np.exp(hands.log_std[1]), 0.0, atol=0.04)
    np.testing.assert_allclose(z.std(axis=0), np.exp(hands.log_std[1]), rtol=0.03)
    assert (draw_styles(keys, hands, any_style, jnp.full(20_000, -1), 0.0) == any_style[None]).all()


def test_a_share_of_the_lines_is_written_without_a_style():
    keys = jax.random.split(jax.random.key(1), 10_000)
    z = draw_styles(keys, random_hands(), jnp.full(4, 9.0), jnp.zeros(10_000, int), 0.15)
    assert abs((z == 9.0).all(axis=1).mean() - 0.15) < 0.012


def test_a_line_draws_alike_whatever_stands_beside_it():
    hands, any_style, writers = random_hands(), jnp.zeros(4), jnp.array([1, 0, 1])
    together = draw_styles(KEYS, hands, any_style, writers, 0.5)
    for row in range(3):
        alone = draw_styles(KEYS[row : row + 1], hands, any_style, writers[row : row + 1], 0.5)
        np.testing.assert_array_equal(alone[0], together[row])


def test_without_variance_a_line_has_its_writers_mean():
    hands = Hands(random_hands().mean, jnp.full((2, 4), -jnp.inf))
    z = draw_styles(KEYS, hands, jnp.zeros(4), jnp.array([0, 1, 0]), 0.0)
    np.testing.assert_array_equal(z, hands.mean[np.array([0, 1, 0])])


def test_a_line_with_a_style_is_that_line_with_the_style_in_its_biases(float64):
    """z as a row of a batch against z folded in by hand: b_n + z W_n."""
    params, batch = random_params(STYLED, dtype=np.float64), make_batch(dtype=np.float64)
    z = jnp.asarray(np.random.default_rng(1).normal(size=(3, 4)))
    found = summed_nats(params, STYLED, batch, z=z)
    expected = 0.0
    for row in range(3):
        layer = dict(params["layers_0"])
        layer["bias"] = layer["bias"] + z[row] @ layer.pop("style")
        plain = {name: value for name, value in params.items() if name != "any_style"} | {"layers_0": layer}
        line = jax.tree.map(lambda field, row=row: field[row : row + 1], batch)
        expected += summed_nats(plain, NETWORK, line)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_gradients_are_numeric_derivatives(float64):
    """Of nats and the batch's share of the divergence, along random directions through network, means and stds."""
    params = NetworkAndHands(random_params(STYLED, dtype=np.float64), random_hands(dtype=np.float64))
    batch = batch_by(0, 1, -1, dtype=np.float64)

    @jax.jit
    def loss(params):
        z = draw_styles(KEYS, params.hands, params.network["any_style"], batch.writers, 0.3)
        return summed_nats(params.network, STYLED, batch, z=z) + 3 / 11 * divergence(params.hands)

    gradient = jax.jit(jax.grad(loss))(params)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        direction = jax.tree.map(lambda leaf, rng=rng: jnp.asarray(rng.normal(size=leaf.shape)), params)
        ahead, behind = (loss(jax.tree.map(lambda p, d, s=s: p + s * d, params, direction)) for s in (1e-5, -1e-5))
        slope = sum(jnp.vdot(g, d) for g, d in zip(*map(jax.tree.leaves, (gradient, direction)), strict=True))
        np.testing.assert_allclose(slope, (ahead - behind) / 2e-5, rtol=1e-6)


def test_standardised_writers_have_mean_0_and_covariance_1_and_write_as_before():
    rng = np.random.default_rng(3)
    hands = Hands(jnp.asarray(rng.normal(0.4, 0.7, (9, 4)), jnp.float32), jnp.asarray(rng.normal(-2, 0.5, (9, 4))))
    params, batch = random_params(STYLED), make_batch()
    changed = standardise(params, hands)
    # Many draws of the writers' posteriors, and what the same hands are called afterwards: w + z W = w' + z' W'.
    writers = rng.integers(9, size=200_000)
    z = np.asarray(hands.mean)[writers] + np.exp(hands.log_std)[writers] * rng.standard_normal((200_000, 4))
    before, after = params["layers_0"], changed["layers_0"]
    biases = np.asarray(before["bias"] - after["bias"], np.float64) + z @ np.asarray(before["style"], np.float64)
    renamed = np.linalg.lstsq(np.asarray(after["style"], np.float64).T, biases.T)[0].T
    np.testing.assert_allclose(renamed.mean(axis=0), np.zeros(4), atol=0.02)
    np.testing.assert_allclose(np.cov(renamed.T), np.eye(4), atol=0.02)
    for old, new in ((params["any_style"], changed["any_style"]), (z[0], renamed[0])):
        found = summed_nats(changed, STYLED, batch, z=jnp.asarray(new, jnp.float32))
        np.testing.assert_allclose(
            found, summed_nats(params, STYLED, batch, z=jnp.asarray(old, jnp.float32)), rtol=1e-4
        )


def test_an_update_charges_the_divergence_once_a_pass():
    """Plain gradient descent on lines that are written without their style: only the divergence moves the posteriors.

    Three lines of a pass of 11 bear 3/11 of it, divided, as the rest of the gradient, by the lines.
    """
    training = dataclasses.replace(
        WITH_WRITERS, any_style_share=1.0, centered=False, decay=0.0, momentum=0.0, epsilon=1e12,
        learning_rate=1e6, style_learning_rate=7.0, ema_decay=0.0,
    )  # fmt: skip
    start = init_state(STYLED, training)
    state = jax.jit(train_step, static_argnums=(2, 3))(start, batch_by(0, 1, 0), STYLED, training)
    gradient = jax.grad(divergence)(start.params.hands)
    expected = jax.tree.map(lambda p, g: p - 7.0 * 3 / 11 / 3 * g, start.params.hands, gradient)
    jax.tree.map(lambda f, e: np.testing.assert_allclose(f, e, rtol=1e-4, atol=1e-5), state.params.hands, expected)


def test_an_update_moves_network_and_hands_and_evaluates_the_network():
    start = init_state(STYLED, WITH_WRITERS)
    state, skipped = update(init_state(STYLED, WITH_WRITERS), batch_by(0, -1, 0), STYLED, WITH_WRITERS)
    assert skipped == 0 and state.step == 1
    assert jax.tree.structure(state.ema_params) == jax.tree.structure(start.params.network)
    changed = jax.tree.map(lambda f, e: bool((f != e).any()), state.params, start.params)
    assert all(jax.tree.leaves(changed))


def test_writers_start_apart_from_one_another():
    hands = initial_hands(jax.random.key(0), 50, 4)
    assert np.abs(np.corrcoef(hands.mean)[np.triu_indices(50, 1)]).mean() < 0.7
    assert abs(hands.mean.std() - 0.5) < 0.1


@pytest.mark.parametrize("options", [{}, {"lines_per_pass": 3, "weight_noise": "line"}])
def test_a_configuration_that_cannot_be(options):
    with pytest.raises(ValueError, match="Expected"):
        TrainingConfig(num_writers=2, **options)
