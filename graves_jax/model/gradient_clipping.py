"""Graves's clipping of derivatives inside back-propagation (2013, end of section 2.1)."""

import functools

import jax
import jax.numpy as jnp


def clip(derivative: jax.Array, bound: float | None) -> jax.Array:
    """Element by element to [-bound, bound]; None leaves it as it is."""
    return derivative if bound is None else jnp.clip(derivative, -bound, bound)


def clip_gradient(x: jax.Array, bound: float | None) -> jax.Array:
    """The identity, whose derivative on the way back is clipped element by element to [-bound, bound].

    This is not a clip of the parameter gradient's norm: it acts at every time step, before the derivative is summed
    over time or passed further back. The paper uses 100 for the output ŷ and 10 for the gates' pre-activations.

    Args:
      x: any shape.
      bound: in units of the loss; None does not clip. Where one clips there is no forward-mode derivative, for the one
        on the way back is not the transpose of any.
    """
    return x if bound is None else _clip_gradient(x, bound)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _clip_gradient(x: jax.Array, bound: float) -> jax.Array:
    return x


def _clip_gradient_fwd(x, bound):
    return x, None


def _clip_gradient_bwd(bound, _, d_x):
    return (clip(d_x, bound),)


_clip_gradient.defvjp(_clip_gradient_fwd, _clip_gradient_bwd)
