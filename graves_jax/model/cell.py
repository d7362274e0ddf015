"""The interface of a recurrent cell to the scans that run it: four functions over a carry whose first entry is h.

A cell sees two pre-activations, one from its input and one from its own last output,

    x_pre = x_t · input + bias        h_pre = h_{t-1} · recurrent

which the scans form (for all steps at once where they can), and turns them into the next carry. Parameters of its own
(peepholes, say) are small vectors, never matrices. A new cell is a new file with one `Cell` in it and a row in `CELLS`
of network.py; both scans then run it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

Carry = tuple[jax.Array, ...]  # (h, ...), each [..., H]


class LayerParams(NamedTuple):
    """Parameters of one recurrent layer: I inputs, H cells, G = blocks x H pre-activations."""

    input: jax.Array  # shape [I, G]
    recurrent: jax.Array  # shape [H, G]
    bias: jax.Array  # shape [G], or [B, G] where each line has its own
    extra: dict[str, jax.Array]  # what this kind of cell has besides, small vectors by name


class Cell(NamedTuple):
    """A recurrent cell. `forward` is the definition; `backward` and `extra_gradient` are its derivative by hand."""

    num_blocks: int  # pre-activations per hidden unit: 4 for an LSTM
    num_states: int  # entries of the carry: 2 for an LSTM, h and c
    extra_shapes: Callable[[int], dict[str, tuple[int, ...]]]  # H to the shapes of `extra`
    bias_init: Callable[[int], jax.Array]  # H to the initial bias. Shape [G]
    # (extra, x_pre, h_pre, carry_tm1, bound) to (carry, gates); plain autodiff through it clips the derivative of each
    # gate's pre-activation to ±bound.
    forward: Callable[..., tuple[Carry, Any]]
    # (extra, gates, carry_tm1, carry, d_carry, bound) to (d_x_pre, d_carry_tm1), the latter without what comes through
    # h_pre. `gates` is whatever `forward` returned.
    backward: Callable[..., tuple[jax.Array, Carry]]
    # (d_x_pre, gates) to d_h_pre. Any leading axes.
    h_derivative: Callable[..., jax.Array]
    # (d_x_pre, gates, carries_tm1, carries), all [T, B, ...], to the gradient of `extra`.
    extra_gradient: Callable[..., dict[str, jax.Array]]
