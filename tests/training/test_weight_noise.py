"""Adaptive weight noise against closed forms, finite differences, and the plain model at its zero-variance limit."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from graves_jax.model.likelihood import summed_nats
from graves_jax.model.network import init_params
from graves_jax.training.config import TrainingConfig
from graves_jax.training.step import init_state, train_step
from graves_jax.training.weight_noise import Posterior, complexity, draw, noisy_nats_and_gradient, posterior_around

from .conftest import NETWORK, TRAINING, make_batch

# Of a pass so long that the complexity weighs nothing.
NO_SHARE = 10**15
KEY = jax.random.key(3)
NOISY = dataclasses.replace(TRAINING, weight_noise="batch", lines_per_pass=10, warmup_steps=0, max_gradient_norm=None)

# Without jit each operation would be compiled alone.
noisy = jax.jit(noisy_nats_and_gradient, static_argnums=2, static_argnames=("drawn_per", "lines_per_pass"))
plain = jax.jit(jax.value_and_grad(summed_nats), static_argnums=1)


def make_posterior(seed=0):
    """A posterior over two arrays of weights."""
    rng = np.random.default_rng(seed)
    mean = {"a": jnp.asarray(rng.normal(size=5)), "b": {"c": jnp.asarray(2 + rng.normal(size=(2, 3)))}}
    log_std = jax.tree.map(lambda m: jnp.asarray(rng.uniform(-4, 0, m.shape)), mean)
    return Posterior(mean, log_std)


def network_posterior(std):
    return posterior_around(init_params(jax.random.key(0), NETWORK), std)


def flat(tree):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])


def divergence(posterior, prior_mean, prior_std):
    """Σ KL(N(m, s²) ‖ N(μ, σ²)) as in every textbook."""
    m, s = flat(posterior.mean), np.exp(flat(posterior.log_std))
    ratio = (s**2 + (m - prior_mean) ** 2) / (2 * prior_std**2)
    return np.sum(np.log(prior_std / s) + ratio - 0.5)


def test_complexity_is_the_divergence_from_the_best_prior(float64):
    posterior = make_posterior()
    best = scipy.optimize.minimize(lambda p: divergence(posterior, p[0], np.exp(p[1])), [0.0, 0.0], tol=1e-12)
    np.testing.assert_allclose(jax.jit(complexity)(posterior), best.fun, rtol=1e-9)


def test_complexity_of_one_weight_is_nothing(float64):
    """The prior can be the posterior itself."""
    one = Posterior({"a": jnp.array([1.7])}, {"a": jnp.array([-2.0])})
    np.testing.assert_allclose(complexity(one), 0.0, atol=1e-12)


def test_complexity_of_millions_of_weights_in_float32():
    """KL(Q ‖ P) = N [½ log(s² + t²) - log s] where the means themselves are spread with a deviation of t."""
    mean = 0.1 * jax.random.normal(KEY, (2_000, 2_000))
    expected = 4e6 * (0.5 * np.log(0.075**2 + 0.1**2) - np.log(0.075))
    np.testing.assert_allclose(complexity(posterior_around({"a": mean}, 0.075)), expected, rtol=2e-3)


def test_draws_have_the_posteriors_moments():
    posterior = Posterior({"a": jnp.array([1.0, -2.0])}, {"a": jnp.log(jnp.array([0.1, 3.0]))})
    draws = jax.vmap(lambda key: draw(key, posterior)["a"])(jax.random.split(KEY, 20_000))
    np.testing.assert_allclose((draws.mean(axis=0) - np.array([1.0, -2.0])) / np.array([0.1, 3.0]), 0.0, atol=0.03)
    np.testing.assert_allclose(draws.std(axis=0), [0.1, 3.0], rtol=0.03)
    np.testing.assert_allclose(np.corrcoef(draws.T)[0, 1], 0.0, atol=0.03)


def test_arrays_of_one_shape_get_noise_of_their_own():
    weights = draw(KEY, posterior_around({"a": jnp.zeros(4), "b": jnp.zeros(4)}, 1.0))
    assert not np.intersect1d(weights["a"], weights["b"]).size


@pytest.mark.parametrize("drawn_per", ["batch", "line"])
def test_without_variance_it_is_the_plain_model(drawn_per, float64):
    posterior = network_posterior(1e-30)
    nats, gradient = noisy(
        KEY, posterior, NETWORK, make_batch(dtype=np.float64), drawn_per=drawn_per, lines_per_pass=NO_SHARE
    )
    plain_nats, plain_gradient = plain(posterior.mean, NETWORK, make_batch(dtype=np.float64))
    np.testing.assert_allclose(nats, plain_nats, rtol=1e-10)
    np.testing.assert_allclose(flat(gradient.mean), flat(plain_gradient), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(flat(gradient.log_std), 0.0, atol=1e-9)


def test_a_draw_per_line_is_a_loop_over_lines(float64):
    posterior, batch = network_posterior(0.2), make_batch(dtype=np.float64)
    found = noisy(KEY, posterior, NETWORK, batch, drawn_per="line", lines_per_pass=NO_SHARE)
    nats, gradient = 0.0, 0.0
    for row, key in enumerate(jax.random.split(KEY, 3)):
        line = jax.tree.map(lambda field, row=row: field[row : row + 1], batch)
        weights = draw(key, posterior)
        line_nats, d_weights = plain(weights, NETWORK, line)
        # ∂w/∂mean = 1 and ∂w/∂log s = w - mean.
        nats, gradient = (
            nats + line_nats,
            gradient + np.concatenate([flat(d_weights), flat(d_weights) * (flat(weights) - flat(posterior.mean))]),
        )
    np.testing.assert_allclose(found[0], nats, rtol=1e-10)
    np.testing.assert_allclose(flat(found[1]), gradient, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("drawn_per", ["batch", "line"])
def test_the_gradient_is_that_of_nats_and_their_share_of_the_complexity(drawn_per, float64):
    """Along random directions, against central differences."""
    posterior, batch = network_posterior(0.1), make_batch(dtype=np.float64)
    options = {"drawn_per": drawn_per, "lines_per_pass": 12}
    _, gradient = noisy(KEY, posterior, NETWORK, batch, **options)

    @jax.jit
    def loss(posterior):
        nats, _ = noisy(KEY, posterior, NETWORK, batch, **options)
        return nats + 3 / 12 * complexity(posterior)

    for seed in range(3):
        rng = np.random.default_rng(seed)
        direction = jax.tree.map(lambda leaf, rng=rng: jnp.asarray(rng.normal(size=leaf.shape)), posterior)
        step = 1e-5
        ahead, behind = (jax.tree.map(lambda p, d, s=s: p + s * d, posterior, direction) for s in (step, -step))
        numeric = (loss(ahead) - loss(behind)) / (2 * step)
        np.testing.assert_allclose(flat(gradient) @ flat(direction), numeric, rtol=1e-6)


def test_rows_that_are_all_padding_bear_no_complexity(float64):
    batch = make_batch(dtype=np.float64)
    fuller = jax.tree.map(lambda field: np.concatenate([field, np.zeros_like(field[:1])]), batch)
    options = {"drawn_per": "batch", "lines_per_pass": 5}
    found, expected = (noisy(KEY, network_posterior(0.1), NETWORK, b, **options) for b in (fuller, batch))
    np.testing.assert_allclose(flat(found), flat(expected), rtol=1e-9, atol=1e-12)


def run_updates(training, number):
    state = init_state(NETWORK, training)
    step = jax.jit(train_step, static_argnums=(2, 3))
    for seed in range(number):
        state = step(state, make_batch(seed), NETWORK, training)
    return state


def test_training_moves_means_and_deviations_and_evaluates_the_means():
    start, state = init_state(NETWORK, NOISY), run_updates(NOISY, 3)
    np.testing.assert_allclose(flat(start.params.log_std), np.log(0.075), rtol=1e-6)
    for field in Posterior._fields:
        assert (flat(getattr(state.params, field)) != flat(getattr(start.params, field))).mean() > 0.9
    assert state.step == 3 and state.skipped == 0
    latest = run_updates(dataclasses.replace(NOISY, ema_decay=0.0), 3)
    np.testing.assert_array_equal(flat(latest.ema_params), flat(latest.params.mean))


def test_complexity_alone_makes_weights_less_sure():
    """Without data to tell, the posterior goes to the prior: all deviations rise."""
    posterior = make_posterior()
    gradient = jax.grad(complexity)(posterior)
    assert (flat(gradient.log_std) < 0).sum() > 0

    def step(_, posterior):
        return jax.tree.map(lambda p, g: p - 0.05 * g, posterior, jax.grad(complexity)(posterior))

    assert complexity(jax.jit(lambda posterior: jax.lax.fori_loop(0, 2_000, step, posterior))(posterior)) < 0.1


def test_each_update_draws_anew():
    same = [make_batch()] * 2
    state = init_state(NETWORK, NOISY)
    frozen = dataclasses.replace(NOISY, learning_rate=1e-30)
    totals = [0.0]
    for batch in same:
        state = jax.jit(train_step, static_argnums=(2, 3))(state, batch, NETWORK, frozen)
        totals.append(float(state.totals.nats))
    assert totals[1] != totals[2] - totals[1]


def test_starting_from_weights():
    weights = jax.tree.map(lambda p: p + 1, init_params(jax.random.key(0), NETWORK))
    for training in (TRAINING, NOISY):
        state = init_state(NETWORK, training, weights)
        found = state.params.mean if training is NOISY else state.params
        np.testing.assert_array_equal(flat(found), flat(weights))
        np.testing.assert_array_equal(flat(state.ema_params), flat(weights))


@pytest.mark.parametrize("options", [{"weight_noise": "point"}, {"weight_noise": "line"}])
def test_a_configuration_that_cannot_be(options):
    with pytest.raises(ValueError, match="Expected"):
        TrainingConfig(**options)
