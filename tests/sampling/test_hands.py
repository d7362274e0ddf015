"""Files of hands: what is written comes back, and goes with its own weights only."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graves_jax
from graves_jax.data.alphabet import Alphabet
from graves_jax.data.ink import Ink, Normalisation
from graves_jax.errors import InputError
from graves_jax.model.network import NetworkConfig
from graves_jax.model.weights import Weights, fingerprint, load_weights, save_weights
from graves_jax.sampling.hands import Hand, hand_style, load_hand, own_weights, save_hand
from graves_jax.sampling.styles import load_style

from ..conftest import random_params

NETWORK = NetworkConfig(
    num_characters=4, num_window=2, num_layers=2, hidden_size=6, num_components=2, points_per_character=3.0,
    sigma_floor=0.01, style_size=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def weights():
    params = random_params(NETWORK, scale=0.3)
    return Weights(params, NETWORK, Alphabet("abc "), Normalisation((1, 0), (1, 1)), {"data": "made up"})


@pytest.fixture
def mine(tmp_path, weights):
    vector = np.array([0.1, -2.5, 1e-7], np.float32)
    path = tmp_path / "mine.hand"
    save_hand(path, Hand("mine", fingerprint(weights), vector, facts={"lines": 10}))
    return path


def test_a_vector_comes_back_to_the_bit(mine, weights):
    hand = load_hand(mine)
    assert (hand.name, hand.weights, hand.facts) == ("mine", None, {"lines": 10})
    np.testing.assert_array_equal(hand.vector, np.array([0.1, -2.5, 1e-7], np.float32))
    np.testing.assert_array_equal(load_style(str(mine), weights), hand.vector)
    np.testing.assert_array_equal(load_style(mine, weights), hand.vector)
    assert [path.name for path in mine.parent.iterdir()] == ["mine.hand"]
    assert own_weights(mine) is own_weights("round") is own_weights(None) is None


def test_a_hand_with_weights_of_its_own_brings_them(tmp_path, weights):
    save_weights(tmp_path / "mine.weights", weights, dtype=np.float16)
    stored = load_weights(tmp_path / "mine.weights")
    save_hand(tmp_path / "mine.hand", Hand("mine", fingerprint(stored), weights="mine.weights"))
    path = tmp_path / "mine.hand"
    found = own_weights(path)
    assert fingerprint(found) == fingerprint(stored) != fingerprint(weights)
    assert hand_style(path, found) is None
    line = Ink([[1.5, 0.25, 0], [2, -1, 1]], "ab")
    save_hand(path, Hand("mine", fingerprint(stored), weights="mine.weights", style=line))
    np.testing.assert_array_equal(hand_style(path, found).offsets, line.offsets)
    assert hand_style(path, found).text == "ab"
    save_hand(path, Hand("mine", fingerprint(stored), weights="mine.weights"))
    ink = graves_jax.write("abc", style=path)
    np.testing.assert_array_equal(ink.offsets, graves_jax.write("abc", weights=stored, style="any").offsets)
    with pytest.raises(InputError, match="its own, without --weights"):
        graves_jax.write("abc", style=path, weights=weights)


def test_a_vector_writes_the_hand_that_folded_weights_write(mine, weights):
    from graves_jax.training.style_fitting import folded

    written = graves_jax.write("ab c", style=str(mine), weights=weights, full=True)
    plain = graves_jax.write("ab c", weights=folded(weights, load_hand(mine).vector), full=True)
    anyone = graves_jax.write("ab c", weights=weights, full=True)
    np.testing.assert_allclose(written.ink.offsets, plain.ink.offsets, atol=1e-3)
    assert written.ink.offsets.shape != anyone.ink.offsets.shape or not np.allclose(
        written.ink.offsets, anyone.ink.offsets, atol=0.1
    )


def test_a_fingerprint_is_of_parameters_and_alphabet_alone(weights):
    same = dataclasses.replace(weights, provenance={}, params=jax.tree.map(jnp.copy, weights.params))
    assert fingerprint(same) == fingerprint(weights)
    for changed in (
        {"alphabet": Alphabet("cba ")},
        {"params": weights.params | {"output_bias": weights.params["output_bias"].at[0].add(1e-6)}},
    ):
        assert fingerprint(dataclasses.replace(weights, **changed)) != fingerprint(weights)


def test_other_weights_are_refused(mine, weights):
    other = dataclasses.replace(weights, alphabet=Alphabet("abcd"))
    with pytest.raises(InputError, match="written with those that it was learned with, found other weights"):
        load_style(str(mine), other)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 0}, {"format": "1"}, {"vector": [1, "a"]}, {"vector": []}, {"vector": [1e99]}, {"vector": "abc"},
        {"vector": [True, 1, 2]}, {"name": 3}, {"weights_sha256": None}, {"weights": 1}, {"weights": "../elsewhere"},
        {"weights": "/tmp"}, {"style": {"text": "", "strokes": [[1, 1, 1]]}},
        {"style": {"text": "a", "strokes": [[1, 1]]}},
    ],
)  # fmt: skip
def test_another_content_is_told(mine, weights, change):
    mine.write_text(json.dumps(json.loads(mine.read_text()) | change))
    with pytest.raises(InputError, match=r"is not a hand made by learn_hand\.py, or is damaged"):
        load_style(str(mine), weights)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{" * 9_999, "\ud800"])
def test_another_file_is_told(mine, text):
    mine.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(InputError, match="is not a hand"):
        load_hand(mine)


def test_missing_and_newer_files_are_told(mine, weights, tmp_path):
    with pytest.raises(InputError, match="found no such file"):
        load_style(str(tmp_path / "nobody.hand"), weights)
    mine.write_text(json.dumps(json.loads(mine.read_text()) | {"format": 2}))
    with pytest.raises(InputError, match="expected at most 1: upgrade"):
        load_hand(mine)
    mine.write_text(json.dumps(json.loads(mine.read_text()) | {"format": 1, "vector": [1, 2]}))
    with pytest.raises(InputError, match="a vector of 3 numbers"):
        load_style(str(mine), weights)
    mine.write_text(json.dumps(json.loads(mine.read_text()) | {"vector": None, "weights": "gone.weights"}))
    with pytest.raises(InputError, match=r"found no model\.safetensors there"):
        own_weights(mine)


def test_the_sentence_for_an_unknown_style_names_any_where_the_weights_have_styles(weights):
    with pytest.raises(InputError, match="one of the names any, "):
        load_style("nobody", weights)
    plain = dataclasses.replace(weights, network=dataclasses.replace(weights.network, style_size=0))
    with pytest.raises(InputError) as error:
        load_style("nobody", plain)
    assert "any" not in str(error.value)
