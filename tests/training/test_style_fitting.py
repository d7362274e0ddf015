"""A style vector is fitted to lines: the maximum of likelihood and prior, and no other parameter moves."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.ink import Ink, Normalisation
from graves_jax.model.likelihood import summed_nats
from graves_jax.model.network import NetworkConfig
from graves_jax.model.weights import Weights
from graves_jax.training.finetuning import judge, padded
from graves_jax.training.style_fitting import fit_vector, folded

from ..conftest import random_params

NETWORK = NetworkConfig(
    num_characters=3, num_window=2, num_layers=2, hidden_size=8, num_components=2, cell="lstm",
    points_per_character=4.0, sigma_floor=0.1, style_size=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def weights():
    """Random ones: what they write means nothing, but their hands differ."""
    params = random_params(NETWORK)
    return Weights(params, NETWORK, Alphabet("abc"), Normalisation((2.0, 0.0), (2.0, 2.0)), {"data": "made up"})


@pytest.fixture(scope="module")
def inks():
    rng = np.random.default_rng(1)
    bits = np.arange(20) % 5 == 4
    return [Ink(np.column_stack([rng.normal(2, 1, 20), rng.normal(1, 2, 20), bits]), "abcab") for _ in range(6)]


def objective(weights, inks, z):
    """From the loss that takes z itself, and not from folded weights."""
    nats = summed_nats(weights.params, weights.network, padded(weights, inks), z=jnp.asarray(z, jnp.float32))
    return float(nats + 0.5 * np.sum(np.square(z)))


def test_the_vector_is_where_nothing_near_is_better(weights, inks):
    z = fit_vector(weights, inks, num_evaluations=40, progress=False)
    assert z.shape == (3,) and z.dtype == np.float32
    best = objective(weights, inks, z)
    gain = objective(weights, inks, weights.params["any_style"]) - best
    assert gain > 10
    for direction in np.concatenate([np.eye(3), -np.eye(3)]):
        assert objective(weights, inks, z + 0.5 * direction) > best - 0.05 * gain


def test_the_prior_holds_back_what_the_lines_say_nothing_about(weights, inks):
    """Of one line the fit knows less than of many, so it goes less far from no hand at all."""
    blind = dataclasses.replace(
        weights,
        params={
            name: part | {"style": part["style"].at[2].set(0.0)} if name.startswith("layers_") else part
            for name, part in weights.params.items()
        },
    )
    z = fit_vector(blind, inks, num_evaluations=40, progress=False)
    assert abs(z[2]) < 0.05 < abs(z[:2]).max()


def test_folded_weights_write_the_hand_without_vectors(weights, inks):
    z = np.array([0.5, -1.0, 2.0], np.float32)
    plain = folded(weights, z)
    assert plain.network.style_size == 0 and "any_style" not in plain.params
    nats = summed_nats(weights.params, weights.network, padded(weights, inks), z=jnp.asarray(z))
    assert judge(plain, inks) == pytest.approx(float(nats) / sum(map(len, inks)), rel=1e-5)
    anyone = summed_nats(weights.params, weights.network, padded(weights, inks))
    assert judge(folded(weights), inks) == pytest.approx(float(anyone) / sum(map(len, inks)), rel=1e-5)


def test_a_start_is_gone_on_from_and_a_short_fit_is_never_worse(weights, inks):
    z = fit_vector(weights, inks, num_evaluations=40, progress=False)
    again = fit_vector(weights, inks, start=z, num_evaluations=2, progress=False)
    assert objective(weights, inks, again) <= objective(weights, inks, z) + 1e-3


def test_no_vector_is_fitted_to_weights_without(weights, inks):
    with pytest.raises(ValueError, match="style_size 0"):
        fit_vector(folded(weights), inks, progress=False)
