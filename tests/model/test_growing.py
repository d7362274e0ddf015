"""Weights whose alphabet grows read what they knew as before, and new characters from where they were told to begin."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.ink import Normalisation
from graves_jax.errors import InputError
from graves_jax.model.growing import grow_alphabet
from graves_jax.model.network import HandwritingNetwork, NetworkConfig, initial_carry
from graves_jax.model.weights import Weights, check_shapes
from graves_jax.model.window import one_hot_text

from ..conftest import random_params

NETWORK = NetworkConfig(num_characters=4, num_window=2, num_layers=3, hidden_size=5, num_components=2)


@pytest.fixture(scope="module")
def weights():
    params = random_params(NETWORK, scale=1.0)
    return Weights(params, NETWORK, Alphabet("abc", has_other=True), Normalisation((0, 0), (1, 1)), {"data": "none"})


def outputs(weights, text):
    """ŷ of the reference scan for some points over a text, behind which the window also looks."""
    config = dataclasses.replace(weights.network, implementation="reference")
    codes = weights.alphabet.encode(text)
    codes, mask = np.pad(codes, (0, 8 - len(codes))), np.arange(8) < len(codes)
    return np.asarray(run(weights.params, config, one_hot_text(codes, mask, config.num_characters)))


@functools.partial(jax.jit, static_argnums=1)
def run(params, config, characters):
    points = jnp.array(np.random.default_rng(1).normal(size=(12, 1, 3)), jnp.float32)
    carry = initial_carry(config, (1,))
    return HandwritingNetwork(config).apply({"params": params}, carry, points, characters[None])[1]


def assert_alike(found, expected):
    """Other codes stand beside, so the products add up in another order."""
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_codes_are_named_and_added():
    assert Alphabet("ab", has_other=True).codes == ("a", "b", "other")
    grown = Alphabet("ab", has_other=True).with_characters("äbaéä")
    assert grown == Alphabet("abäé", has_other=True) and len(grown) == 5


@pytest.mark.parametrize("characters", ["abcä€", "€cäba"])
def test_known_texts_are_read_as_before(weights, characters):
    grown = grow_alphabet(weights, Alphabet(characters, has_other=True))
    check_shapes(grown)
    assert grown.network.num_characters == len(characters) + 1 and grown.provenance == weights.provenance
    assert_alike(outputs(grown, "abcab"), outputs(weights, "abcab"))
    # "q" is listed in neither, and both read it as any other character.
    assert_alike(outputs(grown, "aqc"), outputs(weights, "aqc"))
    assert not np.allclose(outputs(grown, characters), outputs(weights, characters))


def test_a_new_character_begins_as_those_that_it_resembles(weights):
    grown = grow_alphabet(weights, Alphabet("abcäœ", has_other=True), resembles={"ä": "a", "œ": "bc"})
    assert_alike(outputs(grown, "bäc"), outputs(weights, "bac"))
    for name in ("layers_0", "layers_1", "layers_2"):
        rows = np.asarray(grown.params[name]["input"])[3:9]
        np.testing.assert_allclose(rows[4], (rows[1] + rows[2]) / 2, rtol=1e-6)


def test_one_that_resembles_none_begins_near_the_mean_and_unlike_the_next(weights):
    grown = grow_alphabet(weights, Alphabet("abcäö", has_other=True))
    rows = np.asarray(grown.params["layers_1"]["input"])[3:9]
    mean, std = rows[:3].mean(axis=0), rows[:3].std(axis=0)
    assert (np.abs(rows[3:5] - mean) < 0.5 * std).all()
    assert (rows[3] != rows[4]).all()
    # Whichever other characters come with it.
    alone = grow_alphabet(weights, Alphabet("abcö", has_other=True))
    np.testing.assert_array_equal(np.asarray(alone.params["layers_1"]["input"])[6], rows[4])


def test_one_that_resembles_nothing_is_the_empty_paper_behind_a_text(weights):
    grown = grow_alphabet(weights, Alphabet("abc|", has_other=True), resembles={"|": ""})
    assert_alike(outputs(grown, "ab|"), outputs(weights, "ab"))


def test_codes_can_be_forgotten_and_the_same_alphabet_changes_nothing(weights):
    assert grow_alphabet(weights, weights.alphabet) is weights
    smaller = grow_alphabet(weights, Alphabet("cb"))
    assert_alike(outputs(smaller, "bcb"), outputs(weights, "bcb"))


@pytest.mark.parametrize(
    ("resembles", "words"),
    [
        ({"ä": "x"}, "found 'x'"),
        ({"a": "b"}, "Expected 'a' to be a new character"),
        ({"ö": "a"}, "Expected 'ö' to be a new character"),
    ],
)
def test_wrong_resemblances_are_told(weights, resembles, words):
    with pytest.raises(InputError, match=words):
        grow_alphabet(weights, Alphabet("abcä", has_other=True), resembles=resembles)


def test_a_network_that_reads_no_text_has_no_alphabet_to_grow(weights):
    network = dataclasses.replace(NETWORK, num_characters=0, num_window=0)
    with pytest.raises(InputError, match="found a prediction network"):
        grow_alphabet(dataclasses.replace(weights, network=network), Alphabet("abcd"))
