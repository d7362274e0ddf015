"""A trained network with all that it takes to use it: shape, alphabet, normalisation, where it came from."""

import dataclasses
import json
import pathlib
from typing import Any

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.archives import sha256_of
from graves_jax.data.ink import Normalisation
from graves_jax.errors import InputError
from graves_jax.model.network import NetworkConfig, init_params


@dataclasses.dataclass(frozen=True, eq=False)
class Weights:
    """Parameters that can write, and what they need for it.

    Attributes:
      params: the network's parameters, float32.
      network: the network's shape.
      alphabet: characters and codes it was trained with.
      normalisation: of the ink it was trained on.
      provenance: data, licence, run, package version: JSON values.
    """

    params: dict
    network: NetworkConfig
    alphabet: Alphabet
    normalisation: Normalisation
    provenance: dict[str, Any]

    def description(self) -> dict[str, Any]:
        """All but the parameters, as JSON values; `described` reads it back."""
        return {
            "network": dataclasses.asdict(self.network),
            "alphabet": dataclasses.asdict(self.alphabet),
            "normalisation": {"mean": list(self.normalisation.mean), "std": list(self.normalisation.std)},
            "provenance": self.provenance,
        }


def described(description: dict[str, Any], params: dict) -> Weights:
    """The inverse of `Weights.description`.

    Raises:
      InputError: the description lacks a field, has one too many or a value that does not fit.
    """
    try:
        weights = Weights(
            params=params,
            network=NetworkConfig(**description["network"]),
            alphabet=Alphabet(**description["alphabet"]),
            normalisation=_normalisation(**description["normalisation"]),
            provenance=description["provenance"],
        )
    except (KeyError, TypeError, ValueError) as error:
        fault = str(error).rstrip(".")
        raise InputError(
            f"Expected the description of a network that this package wrote, found a fault: {fault}."
        ) from error
    codes = len(weights.alphabet)
    if weights.network.reads_text and codes != weights.network.num_characters:
        raise InputError(
            f"Expected an alphabet of the network's {weights.network.num_characters} characters, found {codes}."
        )
    return weights


def _normalisation(mean, std) -> Normalisation:
    (mean_dx, mean_dy), (std_dx, std_dy) = map(float, mean), map(float, std)
    if not np.isfinite([mean_dx, mean_dy, std_dx, std_dy]).all() or min(std_dx, std_dy) <= 0:
        raise ValueError(f"a mean of {mean} and a standard deviation of {std} cannot normalise ink")
    return Normalisation((mean_dx, mean_dy), (std_dx, std_dy))


def save_weights(directory: pathlib.Path, weights: Weights, *, dtype: np.dtype) -> None:
    """Writes `model.safetensors` and `config.json`, whose `sha256` the reader checks.

    Args:
      directory: made if missing.
      dtype: what the parameters are stored as, float32 or float16.
    """
    directory.mkdir(parents=True, exist_ok=True)
    flat = flax.traverse_util.flatten_dict(weights.params, sep="/")
    arrays = {name: np.ascontiguousarray(np.asarray(value), dtype) for name, value in flat.items()}
    file = directory / "model.safetensors"
    safetensors.numpy.save_file(arrays, file)
    description = weights.description() | {"sha256": sha256_of(file)}
    (directory / "config.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def load_weights(directory: pathlib.Path) -> Weights:
    """Reads what `save_weights` wrote; parameters come back as float32.

    Raises:
      InputError: a file is missing, damaged, or the two do not belong together.
    """
    file, config_file = directory / "model.safetensors", directory / "config.json"
    for needed in (file, config_file):
        if not needed.is_file():
            raise InputError(f"Expected weights in {directory}, found no {needed.name} there.")
    try:
        description = json.loads(config_file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"Expected JSON in {config_file}, found a fault: {error}.") from error
    if not isinstance(description, dict) or "sha256" not in description:
        raise InputError(f"Expected a JSON object with a sha256 in {config_file}, found none.")
    found = sha256_of(file)
    if found != description["sha256"]:
        raise InputError(f"Expected {file} with sha256 {description['sha256']}, found {found}: the file is damaged.")
    try:
        arrays = safetensors.numpy.load_file(file)
    except safetensors.SafetensorError as error:
        raise InputError(f"Expected safetensors in {file}, found a fault: {error}.") from error
    params = flax.traverse_util.unflatten_dict(
        {name: jnp.asarray(value, jnp.float32) for name, value in arrays.items()}, sep="/"
    )
    weights = described(description, params)
    check_shapes(weights)
    return weights


def check_shapes(weights: Weights) -> None:
    """Raises InputError where the parameters are not those of the network that the description names."""
    expected = jax.eval_shape(lambda: init_params(jax.random.key(0), weights.network))
    if jax.tree.map(jnp.shape, weights.params) != jax.tree.map(jnp.shape, expected):
        raise InputError(
            "Expected the parameters of the network that config.json describes, found other names or shapes."
        )
