"""Recurrent layers run over time with a plain `lax.scan`: the readable reference.

`scan_fused.py` has the same two functions with the same signature, faster; tests hold it to these. One step of each
(`layer_step`, `window_layer_step`) is what sampling runs point by point, with any leading axes or none.
Time comes first: [T, B, ...].
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from graves_jax.model import window as window_lib
from graves_jax.model.cell import Carry, Cell, LayerParams
from graves_jax.model.matmul import Precision, affine, matmul


class WindowParams(NamedTuple):
    """The linear map from h to the window's (α̂, β̂, κ̂)."""

    kernel: jax.Array  # shape [H, 3K]
    bias: jax.Array  # shape [3K]


class WindowCarry(NamedTuple):
    """State of the layer that reads the text. Leading axes any."""

    cell: Carry
    kappa: jax.Array  # centres of the window, characters. Shape [..., K]
    w: jax.Array  # what the window saw, w_{t-1}. Shape [..., C]


def layer_step(
    cell: Cell,
    params: LayerParams,
    carry: Carry,
    x_t: jax.Array,
    *,
    bound: float | None = None,
    precision: Precision = "float32",
) -> Carry:
    """One step of a layer. `x_t` has shape [..., I]; the new carry's first entry is h_t, shape [..., H]."""
    x_pre = affine(x_t, params.input, params.bias, precision)
    h_pre = matmul(carry[0], params.recurrent, precision)
    carry, _ = cell.forward(params.extra, x_pre, h_pre, carry, bound)
    return carry


def window_layer_step(
    cell: Cell,
    params: LayerParams,
    window_params: WindowParams,
    carry: WindowCarry,
    x_t: jax.Array,
    characters: jax.Array,
    *,
    bound: float | None = None,
    precision: Precision = "float32",
) -> tuple[WindowCarry, window_lib.Window]:
    """One step of the layer that reads the text: its input is (x_t, w_{t-1}), then the window moves.

    Args:
      x_t: shape [..., 3].
      characters: one-hot text. Shape [..., U, C].
    """
    x_and_w = jnp.concatenate([x_t, carry.w], axis=-1)
    cell_carry = layer_step(cell, params, carry.cell, x_and_w, bound=bound, precision=precision)
    window_hat = affine(cell_carry[0], window_params.kernel, window_params.bias, precision)
    window = window_lib.window_from_outputs(window_hat, carry.kappa)
    return WindowCarry(cell_carry, window.kappa, window_lib.attend(window, characters)), window


def hold_where_masked(mask_t: jax.Array | None, new, old):
    """The new state of lines that still run, the old state of those that have ended. `mask_t` has shape [B]."""
    if mask_t is None:
        return new
    return jax.tree.map(lambda n, o: jnp.where(mask_t[:, None], n, o), new, old)


def scan_layer(
    cell: Cell,
    params: LayerParams,
    carry: Carry,
    x: jax.Array,
    *,
    mask: jax.Array | None = None,
    bound: float | None = None,
    precision: Precision = "float32",
) -> tuple[Carry, jax.Array]:
    """Runs a layer over its inputs.

    Args:
      carry: state before the first step. Each [B, H].
      x: shape [T, B, I].
      mask: True where a line still runs; where it has ended its state is held. Shape [T, B]; None: all run.
      bound: clips the derivatives of the gates' pre-activations (gradient_clipping.py).
      precision: of the matrix products (matmul.py).
    Returns:
      The carry after the last step, and h of every step, shape [T, B, H].
    """

    def step(carry, inputs):
        x_t, mask_t = inputs
        new = layer_step(cell, params, carry, x_t, bound=bound, precision=precision)
        carry = hold_where_masked(mask_t, new, carry)
        return carry, carry[0]

    return jax.lax.scan(step, carry, (x, mask))


def scan_window_layer(
    cell: Cell,
    params: LayerParams,
    window_params: WindowParams,
    carry: WindowCarry,
    x: jax.Array,
    characters: jax.Array,
    *,
    mask: jax.Array | None = None,
    bound: float | None = None,
    precision: Precision = "float32",
) -> tuple[WindowCarry, jax.Array, jax.Array]:
    """Runs the layer that reads the text. As `scan_layer`, and:

    Args:
      x: pen points. Shape [T, B, 3].
      characters: one-hot texts, zeros on padding. Shape [B, U, C].
    Returns:
      The carry after the last step; h, shape [T, B, H]; and w, shape [T, B, C], of every step.
    """

    def step(carry, inputs):
        x_t, mask_t = inputs
        new, _ = window_layer_step(
            cell, params, window_params, carry, x_t, characters, bound=bound, precision=precision
        )
        carry = hold_where_masked(mask_t, new, carry)
        return carry, (carry.cell[0], carry.w)

    carry, (h, w) = jax.lax.scan(step, carry, (x, mask))
    return carry, h, w
