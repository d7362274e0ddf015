"""Weights on disk come back as they were, and damage is named in one sentence."""

import contextlib
import dataclasses
import hashlib
import json
import os
import stat

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.ink import Normalisation
from graves_jax.errors import InputError
from graves_jax.model.network import NetworkConfig
from graves_jax.model.weights import (
    Weights,
    check_shapes,
    from_config,
    load_weights,
    read_normalisation,
    save_weights,
    seal,
)

from ..conftest import random_params

NETWORK = NetworkConfig(num_characters=4, num_window=2, num_layers=2, hidden_size=3, num_components=2)


@pytest.fixture
def weights():
    return Weights(
        params=random_params(NETWORK, scale=1.0),
        network=NETWORK,
        alphabet=Alphabet("abc", has_other=True),
        normalisation=Normalisation(mean=(8.25, -0.1), std=(41.5, 37.25)),
        provenance={"data": "made up", "licence": "Apache-2.0", "steps": 3},
    )


@pytest.fixture
def saved(tmp_path, weights):
    save_weights(tmp_path / "weights", weights, dtype=np.float32)
    return tmp_path / "weights"


def rewrite_config(directory, change):
    file = directory / "config.json"
    description = json.loads(file.read_text(encoding="utf-8"))
    change(description)
    file.write_text(json.dumps(seal(description)), encoding="utf-8")


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 0.0), (np.float16, 1e-3)])
def test_files_give_back_everything(tmp_path, weights, dtype, tolerance):
    save_weights(tmp_path, weights, dtype=dtype)
    loaded = load_weights(tmp_path)
    assert jax.tree.structure(loaded.params) == jax.tree.structure(weights.params)
    for found, expected in zip(*map(jax.tree.leaves, (loaded.params, weights.params)), strict=True):
        assert found.dtype == jnp.float32
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=0)
    for field in ("network", "alphabet", "normalisation", "provenance"):
        assert getattr(loaded, field) == getattr(weights, field)
    assert {array.dtype for array in safetensors.numpy.load_file(tmp_path / "model.safetensors").values()} == {
        np.dtype(dtype)
    }


@pytest.mark.parametrize("cell", ["lstm", "peephole_lstm", "gru"])
def test_every_cells_parameters_are_kept(tmp_path, weights, cell):
    network = dataclasses.replace(NETWORK, cell=cell, gate_gradient_bound=10.0)
    weights = dataclasses.replace(weights, params=random_params(network, scale=1.0), network=network)
    save_weights(tmp_path, weights, dtype=np.float32)
    assert load_weights(tmp_path).network == network


def test_description_is_json_and_reads_back(weights):
    description = json.loads(json.dumps(weights.to_config()))
    again = from_config(description, weights.params)
    assert again.to_config() == weights.to_config()
    assert again.params is weights.params


def test_what_older_versions_wrote_is_read_in_todays_words(weights):
    config = weights.to_config()
    config["network"] |= {"implementation": "auto", "precision": "tfloat32"}
    network = from_config(config, weights.params).network
    assert (network.implementation, network.precision) == ("fused", "tensorfloat32")


def test_how_weights_are_computed_is_for_their_user_to_say(weights):
    chosen = weights.computed_with("bfloat16", "reference")
    assert (chosen.network.precision, chosen.network.implementation) == ("bfloat16", "reference")
    assert chosen.computed_with().to_config() == weights.computed_with().to_config()
    assert chosen.params is weights.params


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(InputError, match=f"found no {name} there"):
        load_weights(saved)


def test_damaged_parameters_are_found_by_their_sum(saved):
    file = saved / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(InputError, match="the file is damaged"):
        load_weights(saved)


def test_every_changed_character_of_the_config_is_found_or_harmless(saved, weights):
    """A letter of the alphabet or a digit of a mean that is another one would be written with, and not be noticed."""
    file = saved / "config.json"
    whole = file.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        file.write_bytes(damaged)
        with contextlib.suppress(InputError):
            assert load_weights(saved).to_config() == weights.to_config()


@pytest.mark.parametrize("text", ["{", "[]", '{"network": {}}', "", "[" * 100_000, '{"sha256": 1' + "0" * 5_000 + "}"])
def test_config_that_is_none_is_refused(saved, text):
    (saved / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"Expected (JSON|a JSON object)"):
        load_weights(saved)


@pytest.mark.parametrize(
    "change",
    [
        lambda description: description.pop("alphabet"),
        lambda description: description["network"].update(colour="red"),
        lambda description: description["network"].update(cell="rnn"),
        lambda description: description["network"].update(hidden_size="three"),
        lambda description: description["network"].update(hidden_size=0),
        lambda description: description["network"].update(hidden_size=3.0),
        lambda description: description["network"].update(num_layers=True),
        lambda description: description["network"].update(sigma_floor=float("nan")),
        lambda description: description["network"].update(gate_gradient_bound="10"),
        lambda description: description["alphabet"].update(characters=["a", "b", "c"]),
        lambda description: description["alphabet"].update(has_other=1),
        lambda description: description.update(provenance="made up"),
        lambda description: description.update(provenance=None),
        lambda description: description["provenance"].update(character_counts=[1, 2]),
        lambda description: description["provenance"].update(character_counts={"a": "many"}),
        lambda description: description["alphabet"].update(characters="aa"),
        lambda description: description.update(network=[]),
        lambda description: description.update(normalisation={"mean": [0, 0]}),
    ],
)
def test_description_with_a_fault_is_refused(saved, change):
    rewrite_config(saved, change)
    with pytest.raises(
        InputError, match="Expected the description of a network that this package wrote, found a fault"
    ):
        load_weights(saved)


def test_parameters_of_another_network_are_refused(saved, weights):
    rewrite_config(saved, lambda description: description["network"].update(hidden_size=4))
    with pytest.raises(InputError, match="found other names or shapes"):
        load_weights(saved)
    for name in ("hidden_size", "num_layers", "num_components"):
        rewrite_config(saved, lambda description: description["network"].update({name: 10**30}))  # noqa: B023
        with pytest.raises(InputError, match="found other names or shapes"):
            load_weights(saved)
    with pytest.raises(InputError, match="found other names or shapes"):
        check_shapes(dataclasses.replace(weights, network=dataclasses.replace(NETWORK, num_layers=1)))


def test_file_that_is_no_safetensors_is_refused(saved):
    """Even where its sum is right."""
    (saved / "model.safetensors").write_bytes(b"no tensors")
    digest = hashlib.sha256(b"no tensors").hexdigest()
    rewrite_config(saved, lambda description: description.update(sha256=digest))
    with pytest.raises(InputError, match="Expected safetensors"):
        load_weights(saved)


def test_parameters_that_are_no_numbers_are_refused(tmp_path, weights):
    params = weights.params | {"output_bias": weights.params["output_bias"].at[0].set(jnp.nan)}
    save_weights(tmp_path, dataclasses.replace(weights, params=params), dtype=np.float32)
    with pytest.raises(InputError, match="Expected finite parameters in"):
        load_weights(tmp_path)


def test_alphabet_of_another_size_than_the_networks_is_refused(saved):
    rewrite_config(saved, lambda description: description["alphabet"].update(characters="ab"))
    with pytest.raises(InputError, match="the network's 4 characters, found 3"):
        load_weights(saved)


@pytest.mark.parametrize(
    "normalisation",
    [
        {"mean": [0], "std": [1]},
        {"mean": [0, 0], "std": [1, float("nan")]},
        {"mean": [0, 0], "std": [1, 0]},
        {"mean": [0, 0], "std": ["a", 1]},
    ],
)
def test_normalisation_that_is_none_is_refused(saved, normalisation):
    rewrite_config(saved, lambda description: description.update(normalisation=normalisation))
    with pytest.raises(InputError, match="Expected the description of a network"):
        load_weights(saved)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_the_files_are_for_all_whom_the_umask_lets(tmp_path, weights):
    before = os.umask(0o022)
    try:
        save_weights(tmp_path, weights, dtype=np.float16)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"model.safetensors": 0o644, "config.json": 0o644}


def test_the_unit_is_read_without_the_parameters(saved, weights):
    (saved / "model.safetensors").unlink()
    assert read_normalisation(saved) == weights.normalisation


def test_whole_numbers_are_numbers_too_but_none_too_large(saved):
    rewrite_config(saved, lambda description: description["network"].update(points_per_character=25))
    assert isinstance(load_weights(saved).network.points_per_character, float)
    rewrite_config(saved, lambda description: description["network"].update(points_per_character=2**63 - 1))
    assert load_weights(saved).network.points_per_character == 2.0**63


def test_a_parameter_by_the_name_of_a_layer_is_refused(saved, weights):
    flat = {"window": np.zeros(1, np.float32), "window/bias": np.zeros(1, np.float32)}
    safetensors.numpy.save_file(flat, saved / "model.safetensors")
    digest = hashlib.sha256((saved / "model.safetensors").read_bytes()).hexdigest()
    rewrite_config(saved, lambda description: description.update(sha256=digest))
    with pytest.raises(InputError, match="a parameter has the name of a layer"):
        load_weights(saved)
