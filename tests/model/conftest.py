"""Small random layers that the tests of the two scans share."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graves_jax.model.cell import Cell, LayerParams
from graves_jax.model.scan import WindowCarry, WindowParams

NUM_CHARACTERS, NUM_WINDOW, NUM_POSITIONS = 4, 2, 6


class WindowArguments(NamedTuple):
    """What `scan_window_layer` takes after the cell, in its order, but for the mask."""

    params: LayerParams
    window_params: WindowParams
    carry: WindowCarry
    x: jax.Array
    characters: jax.Array


class LayerArguments(NamedTuple):
    """What `scan_layer` takes after the cell, in its order, but for the mask."""

    params: LayerParams
    carry: tuple
    x: jax.Array


class Case(NamedTuple):
    """Arguments for one cell and one size of problem, in float64 where that is on."""

    layer: LayerArguments
    window: WindowArguments
    mask: jax.Array  # lines of unequal length, one of them as long as T. Shape [T, B]


def random_case(cell: Cell, num_steps: int, num_lines: int, hidden_size: int, seed: int = 0) -> Case:
    rng = np.random.default_rng(seed)
    width = cell.num_blocks * hidden_size

    def draw(*shape, scale=1.0):
        return jnp.array(rng.normal(scale=scale, size=shape))

    def layer_params(num_inputs):
        extra = {name: draw(*shape) for name, shape in cell.extra_shapes(hidden_size).items()}
        return LayerParams(draw(num_inputs, width), draw(hidden_size, width), draw(width), extra)

    def carry():
        return tuple(draw(num_lines, hidden_size) for _ in range(cell.num_states))

    # The window moves by about a character a step, from different places.
    window_params = WindowParams(draw(hidden_size, 3 * NUM_WINDOW, scale=0.3), draw(3 * NUM_WINDOW, scale=0.3))
    kappa = jnp.array(rng.uniform(0, 3, (num_lines, NUM_WINDOW)))
    window = WindowArguments(
        params=layer_params(3 + NUM_CHARACTERS),
        window_params=window_params,
        carry=WindowCarry(carry(), kappa, draw(num_lines, NUM_CHARACTERS)),
        x=draw(num_steps, num_lines, 3),
        characters=draw(num_lines, NUM_POSITIONS, NUM_CHARACTERS),
    )
    layer = LayerArguments(layer_params(3), carry(), draw(num_steps, num_lines, 3))
    lengths = np.maximum(1, num_steps - 2 * np.arange(num_lines))
    return Case(layer, window, jnp.array(np.arange(num_steps)[:, None] < lengths))


@pytest.fixture
def make_case():
    return random_case
