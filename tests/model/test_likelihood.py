"""The loss: against SciPy's densities, a line at a time, and whatever stands on padding."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from graves_jax.data.batches import Batch
from graves_jax.model import likelihood
from graves_jax.model.likelihood import nats_per_line, outputs, previous_points, summed_nats
from graves_jax.model.mixture import mixture_from_outputs
from graves_jax.model.network import NetworkConfig, init_params

NETWORK = NetworkConfig(
    num_characters=3, num_window=2, num_layers=1, hidden_size=8, num_components=2, cell="lstm", points_per_character=4.0
)
PREDICTION = dataclasses.replace(NETWORK, num_characters=0, num_window=0)


def make_batch(lengths=(9, 4, 1), text_lengths=(3, 1, 2), points=12, characters=5, seed=0):
    rng = np.random.default_rng(seed)
    mask = np.arange(points) < np.array(lengths)[:, None]
    text_mask = np.arange(characters) < np.array(text_lengths)[:, None]
    offsets = np.concatenate([rng.normal(size=(*mask.shape, 2)), rng.integers(0, 2, (*mask.shape, 1))], axis=-1)
    codes = rng.integers(0, 3, text_mask.shape)
    return Batch(
        offsets=np.where(mask[..., None], offsets, 0).astype(np.float32),
        mask=mask,
        codes=np.where(text_mask, codes, 0).astype(np.int32),
        text_mask=text_mask,
    )


def with_padding(batch, value):
    """The same lines with something else on the padding."""
    return batch._replace(
        offsets=np.where(batch.mask[..., None], batch.offsets, np.float32(value)),
        codes=np.where(batch.text_mask, batch.codes, 2),
    )


init = jax.jit(init_params, static_argnums=1)


def only(batch, line):
    """A batch of one line, padded as before."""
    return jax.tree.map(lambda field: field[line : line + 1], batch)


@pytest.fixture(scope="module")
def params():
    return init(jax.random.key(0), NETWORK)


# One compilation each for all tests; eagerly, a scan and its derivative take seconds.
loss_and_gradient = jax.jit(jax.value_and_grad(summed_nats), static_argnums=1)
jit_nats_per_line = jax.jit(nats_per_line, static_argnums=1)
jit_outputs = jax.jit(outputs, static_argnums=1)


def assert_trees_equal(found, expected):
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_each_point_is_predicted_from_the_one_before():
    offsets = jnp.arange(12.0).reshape(4, 1, 3)
    expected = [[0, 0, 0], [0, 1, 2], [3, 4, 5], [6, 7, 8]]
    np.testing.assert_array_equal(previous_points(offsets)[:, 0], expected)


def test_no_point_sees_itself_or_what_follows(params):
    batch = make_batch(lengths=(12, 12, 12))
    y_hat = jit_outputs(params, NETWORK, batch)
    changed = batch.offsets.copy()
    changed[:, 5:] += 1.0
    other = jit_outputs(params, NETWORK, batch._replace(offsets=changed))
    np.testing.assert_array_equal(y_hat[:6], other[:6])
    assert (np.asarray(y_hat[6:]) != np.asarray(other[6:])).any(axis=(1, 2)).all()


def test_nats_are_minus_the_log_density_of_equation_26(params):
    """Gaussians from SciPy, summed over the real points of each line."""
    batch = make_batch()
    mixture = mixture_from_outputs(jit_outputs(params, NETWORK, batch))
    pi, mu, sigma, rho, end = (
        np.asarray(field, np.float64)
        for field in (mixture.pi, mixture.mu, mixture.sigma, mixture.rho, mixture.end_probability)
    )
    for line, length in enumerate(batch.mask.sum(axis=1)):
        nats = 0.0
        for t in range(length):
            x, bit = batch.offsets[line, t, :2], batch.offsets[line, t, 2]
            density = 0.0
            for weight, mean, (s1, s2), r in zip(pi[t, line], mu[t, line], sigma[t, line], rho[t, line], strict=True):
                covariance = [[s1 * s1, r * s1 * s2], [r * s1 * s2, s2 * s2]]
                density += weight * scipy.stats.multivariate_normal.pdf(x, mean, covariance)
            nats -= np.log(density) + np.log(end[t, line] if bit else 1 - end[t, line])
        np.testing.assert_allclose(jit_nats_per_line(params, NETWORK, batch)[line], nats, rtol=1e-5)


@pytest.mark.parametrize("value", [0.3, -1e6, np.inf, np.nan])
def test_what_stands_on_padding_counts_in_neither_loss_nor_gradient(params, value):
    batch = make_batch()
    nats, gradient = loss_and_gradient(params, NETWORK, batch)
    assert np.isfinite(nats)
    other_nats, other_gradient = loss_and_gradient(params, NETWORK, with_padding(batch, value))
    assert nats == other_nats
    assert_trees_equal(other_gradient, gradient)


def test_what_the_network_says_on_padding_does_not_poison_the_gradient(params, monkeypatch):
    """Past the end of the lines ρ̂ is driven to 500, where the density overflows: a gradient of NaN, were it counted."""
    batch = make_batch(lengths=(3, 3, 3))
    past_the_end = (jnp.arange(12) >= 3)[:, None, None]
    rho_hat = (jnp.arange(13) >= 11)[None, None]

    def wild_outputs(params, config, batch, **options):
        return outputs(params, config, batch, **options) + 500.0 * past_the_end * rho_hat

    expected = loss_and_gradient(params, NETWORK, batch)
    monkeypatch.setattr(likelihood, "outputs", wild_outputs)

    found = jax.jit(jax.value_and_grad(lambda params: summed_nats(params, NETWORK, batch)))(params)
    assert_trees_equal(found, expected)


def test_the_gradient_is_that_of_finite_differences(float64):
    batch = make_batch()._replace(offsets=make_batch().offsets.astype(np.float64))
    params = jax.tree.map(lambda p: jnp.asarray(p, jnp.float64), init(jax.random.key(0), NETWORK))
    direction = jax.tree.map(lambda p: jnp.asarray(np.random.default_rng(1).normal(size=p.shape)), params)
    _, gradient = loss_and_gradient(params, NETWORK, batch)

    def moved(step):
        return loss_and_gradient(jax.tree.map(lambda p, d: p + step * d, params, direction), NETWORK, batch)[0]

    slope = sum(jax.tree.leaves(jax.tree.map(lambda g, d: np.vdot(g, d), gradient, direction)))
    np.testing.assert_allclose((moved(1e-6) - moved(-1e-6)) / 2e-6, slope, rtol=1e-6)


@pytest.mark.parametrize("config", [NETWORK, PREDICTION], ids=["synthesis", "prediction"])
def test_a_batch_is_the_sum_of_its_lines(config):
    """In company, and alone without any padding."""
    params = init(jax.random.key(0), config)
    batch = make_batch()
    together = jit_nats_per_line(params, config, batch)
    assert together.shape == (3,)
    bare = Batch(batch.offsets[:1, :9], batch.mask[:1, :9], batch.codes[:1, :3], batch.text_mask[:1, :3])
    np.testing.assert_allclose(jit_nats_per_line(params, config, bare), together[:1], rtol=1e-5)


def test_the_gradient_of_a_batch_is_the_sum_of_its_lines(params):
    batch = make_batch()
    _, gradient = loss_and_gradient(params, NETWORK, batch)
    alone = [loss_and_gradient(params, NETWORK, only(batch, line))[1] for line in range(3)]
    total = jax.tree.map(lambda *gradients: sum(gradients), *alone)
    jax.tree.map(lambda g, t: np.testing.assert_allclose(g, t, rtol=1e-4, atol=1e-5), gradient, total)


def test_a_row_that_is_all_padding_costs_nothing(params):
    batch = make_batch(lengths=(9, 0, 4), text_lengths=(3, 0, 2))
    nats = jit_nats_per_line(params, NETWORK, batch)
    assert nats[1] == 0
    assert (nats[jnp.array([0, 2])] != 0).all()
    assert jax.tree.all(jax.tree.map(lambda g: jnp.isfinite(g).all(), loss_and_gradient(params, NETWORK, batch)[1]))


def test_what_is_not_finite_on_a_real_point_is_not_hidden(params):
    batch = make_batch()
    batch.offsets[1, 2, 0] = np.nan
    nats = jit_nats_per_line(params, NETWORK, batch)
    assert np.isfinite(nats[0]) and np.isnan(nats[1]) and np.isfinite(nats[2])


def test_a_point_at_ten_thousand_sigma_costs_finite_nats(params):
    batch = make_batch()
    batch.offsets[0, 8, :2] = 1e4
    nats, gradient = loss_and_gradient(params, NETWORK, batch)
    assert np.isfinite(nats) and nats > 1e6
    assert jax.tree.all(jax.tree.map(lambda g: jnp.isfinite(g).all(), gradient))
