"""Weights that ship with the package, by name. Each is a folder here: model.safetensors, config.json, MODEL_CARD.md."""

import pathlib

from graves_jax.errors import InputError
from graves_jax.model.weights import Weights, load_weights

FOLDER = pathlib.Path(__file__).parent
DEFAULT = "iam"


def names() -> list[str]:
    """The weights that ship."""
    return sorted(path.parent.name for path in FOLDER.glob("*/config.json"))


def load_pretrained(name: str = DEFAULT) -> Weights:
    """Weights that ship, checked against the sha256 that was written down when they were made.

    Raises:
      InputError: there are none of this name, or the files are damaged.
    """
    if name not in names():
        raise InputError(f"Expected weights of one of the names {', '.join(names())}, found {name!r}.")
    return load_weights(FOLDER / name)
