"""A network small enough to be stepped through by hand, whose window crosses a text in a few points."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest

from graves_jax.model.network import NetworkConfig

from ..conftest import random_params

CONFIG = NetworkConfig(num_characters=5, num_window=2, num_layers=2, hidden_size=8, num_components=3, sigma_floor=0.01)


class TinyNetwork(NamedTuple):
    params: dict
    config: NetworkConfig


@pytest.fixture(scope="session")
def tiny():
    """Random parameters; the window moves by about 0.3 characters a point, the pen lifts at one point in three."""
    params = random_params(CONFIG, scale=0.3)
    window = params["window"] | {"bias": jnp.repeat(jnp.array([0.0, 0.0, np.log(0.3)]), CONFIG.num_window)}
    output_bias = params["output_bias"].at[0].set(-0.7)
    return TinyNetwork(params | {"window": window, "output_bias": output_bias}, CONFIG)
