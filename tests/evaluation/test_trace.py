"""A trace against the network run as training runs it, and against hand-made sums."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.batches import Shape, pad
from graves_jax.data.ink import Ink, Normalisation
from graves_jax.errors import InputError
from graves_jax.evaluation.trace import trace
from graves_jax.model.likelihood import nats_per_line, outputs
from graves_jax.model.mixture import mixture_from_outputs
from graves_jax.model.network import NetworkConfig, init_params
from graves_jax.model.weights import Weights
from graves_jax.sampling.sampler import sample

ALPHABET = Alphabet("abc ", has_other=True)
NORMALISATION = Normalisation((2.0, -1.0), (4.0, 3.0))
TEXT = "a b,c"


@pytest.fixture(scope="module")
def weights():
    network = NetworkConfig(
        num_characters=len(ALPHABET),
        num_window=2,
        num_layers=3,
        hidden_size=6,
        num_components=3,
        points_per_character=4.0,
        sigma_floor=0.01,
    )
    return Weights(init_params(jax.random.key(3), network), network, ALPHABET, NORMALISATION, {})


@pytest.fixture(scope="module")
def ink():
    rng = np.random.default_rng(0)
    offsets = np.column_stack([rng.normal(2, 4, (21, 2)), rng.random(21) < 0.2])
    offsets[-1, 2] = 1
    return Ink(offsets, TEXT)


def test_its_mixture_is_the_one_that_training_sees(weights, ink):
    traced = trace(weights, ink)
    batch = pad([ink], Shape(len(ink), len(TEXT)), alphabet=ALPHABET, normalisation=NORMALISATION)
    mixture = mixture_from_outputs(outputs(weights.params, weights.network, batch)[:, 0], sigma_floor=0.01)
    np.testing.assert_allclose(traced.pi, mixture.pi, rtol=1e-4)
    np.testing.assert_allclose(traced.mu, np.asarray(mixture.mu) * [4, 3] + [2, -1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(traced.sigma, np.asarray(mixture.sigma) * [4, 3], rtol=1e-4)
    np.testing.assert_allclose(traced.rho, mixture.rho, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(traced.e, mixture.end_probability, rtol=1e-4)


def test_its_density_in_the_unit_of_the_ink_is_the_loss_in_raw_units(weights, ink):
    traced = trace(weights, ink)
    density = np.zeros(len(ink))
    for t, (x, y, _) in enumerate(ink.offsets):
        for j in range(traced.pi.shape[1]):
            (sx, sy), (mx, my), r = traced.sigma[t, j], traced.mu[t, j], traced.rho[t, j]
            a, b = (x - mx) / sx, (y - my) / sy
            z = a**2 + b**2 - 2 * r * a * b
            peak = 1 / (2 * np.pi * sx * sy * np.sqrt(1 - r**2))
            density[t] += traced.pi[t, j] * peak * np.exp(-z / (2 * (1 - r**2)))
    lift = np.where(ink.offsets[:, 2] == 1, traced.e, 1 - traced.e)
    batch = pad([ink], Shape(len(ink), len(TEXT)), alphabet=ALPHABET, normalisation=NORMALISATION)
    nats = nats_per_line(weights.params, weights.network, batch)[0] + len(ink) * np.log(4 * 3)
    assert -np.log(density * lift).sum() == pytest.approx(float(nats), rel=1e-4)


def test_its_window_is_made_of_gaussians_that_never_turn_back(weights, ink):
    traced = trace(weights, ink)
    assert (np.diff(traced.kappa, axis=0) > 0).all() and (traced.kappa > 0).all()
    assert traced.phi.shape == (len(ink), len(TEXT)) and (traced.phi >= 0).all()
    one_hot = np.eye(len(ALPHABET))[ALPHABET.encode(TEXT)]
    np.testing.assert_allclose(traced.w, traced.phi @ one_hot, rtol=1e-4, atol=1e-6)


def test_bias_sharpens_the_mixture(weights, ink):
    free, neat = trace(weights, ink), trace(weights, ink, bias=2.0)
    np.testing.assert_allclose(neat.sigma / [4, 3] - 0.01, (free.sigma / [4, 3] - 0.01) * np.exp(-2), rtol=1e-3)
    assert (neat.pi.max(axis=1) > free.pi.max(axis=1)).all()
    np.testing.assert_array_equal(neat.phi, free.phi)


@pytest.mark.parametrize("length", [1, 127, 128, 129])
def test_padding_is_not_seen(weights, length):
    rng = np.random.default_rng(length)
    offsets = np.column_stack([rng.normal(size=(length, 2)), np.zeros(length)])
    traced = trace(weights, Ink(offsets, "abc abc abc abc abc"))
    assert all(len(field) == length for field in traced)
    assert traced.phi.shape[1] == 19
    longer = trace(weights, Ink(np.vstack([offsets, [[9, 9, 1]]]), "abc abc abc abc abc"))
    for field, more in zip(traced, longer, strict=True):
        np.testing.assert_allclose(field, more[:length], rtol=1e-4, atol=1e-6)


def test_row_t_knows_nothing_of_point_t(weights, ink):
    changed = ink.offsets.copy()
    changed[10, :2] += 5
    before, after = trace(weights, ink), trace(weights, Ink(changed, TEXT))
    np.testing.assert_array_equal(before.mu[:11], after.mu[:11])
    assert np.abs(before.mu[11] - after.mu[11]).max() > 1e-6


def test_lines_without_text_and_networks_without_window_are_refused(weights, ink):
    with pytest.raises(InputError, match="with its text"):
        trace(weights, Ink(ink.offsets))
    prediction = NetworkConfig(num_characters=0, num_window=0, hidden_size=4, num_components=2)
    blind = Weights(init_params(jax.random.key(0), prediction), prediction, ALPHABET, NORMALISATION, {})
    with pytest.raises(InputError, match="prediction network"):
        trace(blind, ink)


def test_a_sampled_line_was_drawn_from_what_the_trace_shows(weights):
    """The window of the trace is the one of the sampler that wrote the line."""
    codes = jnp.asarray(ALPHABET.encode(TEXT))
    sampled = sample(weights.params, weights.network, jax.random.key(1), codes, jnp.int32(len(TEXT)), max_points=60)
    count = int(sampled.num_points)
    assert count > 5
    line = Ink(NORMALISATION.denormalise(sampled.offsets[:count]), TEXT)
    traced = trace(weights, line)
    inside = np.asarray(sampled.position[:count]) < len(TEXT)
    looked_at = traced.phi.argmax(axis=1)
    assert (looked_at[inside] == np.asarray(sampled.position[:count])[inside]).mean() > 0.9
