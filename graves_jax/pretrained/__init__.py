"""Weights that ship with the package, by name. Each is a folder here: model.safetensors, config.json, MODEL_CARD.md.

A folder that is taken away is weights that do not ship; nothing else depends on it. So whoever cannot use what was
learned from IAM-OnDB removes `iam`, `graves2013`, `best_synthesis`, `styles.jsonl` and `letters.safetensors`, and the
rest goes on working.
"""

import functools
import pathlib

from graves_jax.data.ink import Normalisation
from graves_jax.errors import InputError
from graves_jax.model.weights import Weights, load_weights, read_normalisation

FOLDER = pathlib.Path(__file__).parent
# Taken where no name is given; the first of the others where it does not ship.
DEFAULT = "iam"


def weight_names() -> list[str]:
    """The weights that ship."""
    return sorted(path.parent.name for path in FOLDER.glob("*/config.json"))


def default_name() -> str:
    """The weights that are taken where no name is given.

    Raises:
      InputError: none ship.
    """
    if not weight_names():
        raise InputError(f"Expected weights in {FOLDER}, found none.")
    return DEFAULT if DEFAULT in weight_names() else weight_names()[0]


def load_pretrained(name: str | None = None) -> Weights:
    """Weights that ship, checked against the sha256 that was written down when they were made.

    Args:
      name: one of `weight_names()`; None is `default_name()`.
    Raises:
      InputError: there are none of this name, or the files are damaged.
    """
    name = default_name() if name is None else name
    if name not in weight_names():
        raise InputError(f"Expected weights of one of the names {', '.join(weight_names())}, found {name!r:.200}.")
    return load_weights(FOLDER / name)


@functools.cache
def shipped_normalisation(name: str) -> Normalisation | None:
    """The unit of weights that ship, without reading their parameters; None where they do not."""
    return read_normalisation(FOLDER / name) if name in weight_names() else None
