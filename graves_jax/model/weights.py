"""A trained network with all that it takes to use it: shape, alphabet, normalisation, where it came from."""

import dataclasses
import hashlib
import json
import pathlib
from typing import Any

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import DTypeLike

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.ink import Normalisation
from graves_jax.errors import InputError
from graves_jax.files import sha256_of, whole_file
from graves_jax.model.network import NetworkConfig, init_params, num_parameters

# What older versions wrote into a configuration, and what it is called now.
_FORMER_VALUES = {"implementation": {"auto": "fused"}, "precision": {"tfloat32": "tensorfloat32"}}


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

    def computed_with(self, precision: str = "float32", implementation: str = "fused") -> "Weights":
        """The same weights, whose network is computed like this, however it was in training (`NetworkConfig`)."""
        network = dataclasses.replace(self.network, precision=precision, implementation=implementation)
        return dataclasses.replace(self, network=network)

    def to_config(self) -> dict[str, Any]:
        """All but the parameters, as JSON values; `from_config` reads it back."""
        return {
            "network": dataclasses.asdict(self.network),
            "alphabet": dataclasses.asdict(self.alphabet),
            "normalisation": {"mean": list(self.normalisation.mean), "std": list(self.normalisation.std)},
            "provenance": self.provenance,
        }


def in_todays_words(network: dict[str, Any]) -> dict[str, Any]:
    """The fields of a NetworkConfig as any version wrote them, by the names that its values have now."""
    return {name: _FORMER_VALUES.get(name, {}).get(value, value) for name, value in network.items()}


def from_config(config: dict[str, Any], params: dict) -> Weights:
    """The inverse of `Weights.to_config`.

    Raises:
      InputError: the configuration lacks a field, has one too many or a value that does not fit.
    """
    try:
        weights = Weights(
            params=params,
            network=_typed(NetworkConfig, in_todays_words(config["network"])),
            alphabet=_typed(Alphabet, config["alphabet"]),
            normalisation=_normalisation(**config["normalisation"]),
            provenance=_provenance(config["provenance"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        fault = str(error).rstrip(".")
        raise InputError(
            f"Expected the description of a network that this package wrote, found a fault: {fault}."
        ) from error
    codes = len(weights.alphabet)
    if weights.network.reads_text and codes != weights.network.num_characters:
        raise InputError(
            f"Expected an alphabet of the network's {weights.network.num_characters} characters, found {codes}."
        )
    if weights.network.reads_text and weights.alphabet.has_end != weights.network.ends_text:
        raise InputError(
            f"Expected an alphabet with a code for the end exactly where the network ends texts, found has_end "
            f"{weights.alphabet.has_end} and ends_text {weights.network.ends_text}."
        )
    return weights


def _typed(kind: type, fields: dict[str, Any]) -> Any:
    """A NetworkConfig or an Alphabet, whose classes check values and trust types."""
    instance, numbers = kind(**fields), {}
    for field in dataclasses.fields(kind):
        value, default = getattr(instance, field.name), field.default
        # A bound that is None by default is a number, as is every float; the characters have no default.
        number = default is None or isinstance(default, float)
        wanted = (int, float) if number else str if default is dataclasses.MISSING else type(default)
        unset = default is None and value is None
        if not unset and (not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool)):
            raise TypeError(f"{field.name} cannot be {value!r:.40}")
        if number and value is not None:
            # JSON has no need to tell 25 from 25.0, and a whole number may be too large for an array.
            numbers[field.name] = float(value)
            if not np.isfinite(numbers[field.name]):
                raise ValueError(f"{field.name} cannot be {value}")
    return dataclasses.replace(instance, **numbers)


def _provenance(provenance: Any) -> dict[str, Any]:
    if not isinstance(provenance, dict):
        raise TypeError(f"the provenance cannot be {provenance!r:.40}")
    counts = provenance.get("character_counts", {})
    if not isinstance(counts, dict) or not all(type(count) is int for count in counts.values()):
        raise TypeError(f"the character_counts cannot be {counts!r:.40}")
    return provenance


def _normalisation(mean, std) -> Normalisation:
    (mean_dx, mean_dy), (std_dx, std_dy) = map(float, mean), map(float, std)
    if not np.isfinite([mean_dx, mean_dy, std_dx, std_dy]).all() or min(std_dx, std_dy) <= 0:
        raise ValueError(f"a mean of {mean} and a standard deviation of {std} cannot normalise ink")
    return Normalisation((mean_dx, mean_dy), (std_dx, std_dy))


def fingerprint(weights: Weights) -> str:
    """sha256, in hexadecimal, over names, shapes and values of the parameters and over the alphabet's codes."""
    digest = hashlib.sha256(json.dumps(weights.alphabet.codes).encode())
    for name, value in sorted(flax.traverse_util.flatten_dict(weights.params, sep="/").items()):
        digest.update(f"{name}{list(value.shape)}".encode())
        digest.update(np.ascontiguousarray(np.asarray(value, np.float32)).tobytes())
    return digest.hexdigest()


def save_weights(directory: pathlib.Path, weights: Weights, *, dtype: DTypeLike) -> None:
    """Writes `model.safetensors` and `config.json`; the reader checks the sha256 of both, which stand in the latter.

    Args:
      directory: made if missing.
      dtype: what the parameters are stored as, float32 or float16.
    """
    directory.mkdir(parents=True, exist_ok=True)
    flat = flax.traverse_util.flatten_dict(weights.params, sep="/")
    arrays = {name: np.ascontiguousarray(np.asarray(value), dtype) for name, value in flat.items()}
    file = directory / "model.safetensors"
    # Not `save_file`, whose file nobody but its owner may read.
    with whole_file(file) as unfinished:
        unfinished.write_bytes(safetensors.numpy.save(arrays))
    description = seal(weights.to_config() | {"sha256": sha256_of(file)})
    with whole_file(directory / "config.json") as unfinished:
        unfinished.write_bytes(f"{json.dumps(description, indent=2)}\n".encode())


def seal(description: dict[str, Any]) -> dict[str, Any]:
    """Adds or renews `config_sha256`, the sha256 of everything else: as JSON with sorted keys, in ASCII."""
    content = {name: value for name, value in description.items() if name != "config_sha256"}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return content | {"config_sha256": digest}


def load_weights(directory: pathlib.Path) -> Weights:
    """Reads what `save_weights` wrote; parameters come back as float32.

    Raises:
      InputError: a file is missing, damaged, or the two do not belong together.
    """
    file, config_file = directory / "model.safetensors", directory / "config.json"
    for needed in (file, config_file):
        if not needed.is_file():
            raise InputError(f"Expected weights in {directory}, found no {needed.name} there.")
    description = _read_config(config_file)
    found = sha256_of(file)
    if found != description["sha256"]:
        raise InputError(
            f"Expected {file} with sha256 {description['sha256']:.80}, found {found}: the file is damaged."
        )
    weights = from_config(description, _read_params(file))
    check_shapes(weights)
    return weights


def read_normalisation(directory: pathlib.Path) -> Normalisation:
    """The unit of the ink that weights in a folder were trained on; the parameters are not read.

    Raises:
      InputError: config.json is missing or damaged.
    """
    return from_config(_read_config(directory / "config.json"), params={}).normalisation


def _read_config(file: pathlib.Path) -> dict[str, Any]:
    """A config.json that is as it was written."""
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
        sums = [description.get(name) for name in ("sha256", "config_sha256")] if isinstance(description, dict) else []
        sealed = seal(description) if sums else {}
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"Expected JSON in {file}, found a fault: {_short(error)}.") from error
    if not sums or not all(isinstance(digest, str) for digest in sums):
        raise InputError(f"Expected a JSON object with sha256 and config_sha256 in {file}, found none.")
    if sealed["config_sha256"] != description["config_sha256"]:
        raise InputError(
            f"Expected {file} as it was written, with config_sha256 {sealed['config_sha256']}, "
            f"found {description['config_sha256']:.80}: the file is damaged."
        )
    return description


def _read_params(file: pathlib.Path) -> dict:
    """Parameters as float32."""
    try:
        arrays = safetensors.numpy.load_file(file)
        if any(parent.as_posix() in arrays for name in arrays for parent in pathlib.PurePosixPath(name).parents):
            raise ValueError("a parameter has the name of a layer")
        flat = {name: np.asarray(value, np.float32) for name, value in arrays.items()}
        params = flax.traverse_util.unflatten_dict(flat, sep="/")
    except (safetensors.SafetensorError, OSError, LookupError, ValueError) as error:
        raise InputError(f"Expected safetensors in {file}, found a fault: {_short(error)}.") from error
    if not all(np.isfinite(array).all() for array in flat.values()):
        raise InputError(f"Expected finite parameters in {file}, found NaN or infinity.")
    return jax.device_put(params)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")


def check_reads_text(weights: Weights) -> None:
    """Raises InputError for weights of a prediction network, which cannot write a text."""
    if not weights.network.reads_text:
        raise InputError("Expected weights of a synthesis network, found a prediction network, which reads no text.")


def check_shapes(weights: Weights) -> None:
    """Raises InputError where the parameters are not those of the network that the description names."""
    network, params = weights.network, weights.params
    # A description with a size of millions would take as long to lay out, if it can be at all.
    sizes = (network.num_characters, network.num_window, network.hidden_size, network.num_components)
    plausible = network.num_layers <= len(params) and max(sizes) <= num_parameters(params)
    expected = jax.eval_shape(lambda: init_params(jax.random.key(0), network)) if plausible else None
    if not plausible or jax.tree.map(jnp.shape, params) != jax.tree.map(jnp.shape, expected):
        raise InputError(
            "Expected the parameters of the network that config.json describes, found other names or shapes."
        )
