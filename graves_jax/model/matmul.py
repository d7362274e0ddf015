"""Matrix products at a chosen precision: the operands may be rounded, sums and results stay float32."""

from typing import Literal

import jax
import jax.numpy as jnp

Precision = Literal["float32", "tensorfloat32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "tensorfloat32", "bfloat16")


def matmul(x: jax.Array, weights: jax.Array, precision: Precision = "float32") -> jax.Array:
    """x · weights.

    Args:
      x: shape [..., I].
      weights: shape [I, O].
      precision: float32 is exact on every backend; tensorfloat32 rounds the operands to 10 bits of mantissa on a GPU
        that has such units and is float32 elsewhere; bfloat16 rounds them to 7 bits everywhere.
    Returns:
      Shape [..., O], in the dtype of `x` (float32, or float64 where derivatives are checked).
    """
    if precision == "bfloat16":
        return jnp.matmul(x.astype(jnp.bfloat16), weights.astype(jnp.bfloat16), preferred_element_type=x.dtype)
    chosen = jax.lax.Precision.HIGHEST if precision == "float32" else jax.lax.Precision.DEFAULT
    return jnp.matmul(x, weights, precision=chosen)


def affine(x: jax.Array, weights: jax.Array, bias: jax.Array, precision: Precision = "float32") -> jax.Array:
    """x · weights + bias.

    Args:
      x, weights, precision: as in `matmul`.
      bias: shape [O], or [B, O] where each line has its own.
    Returns:
      Shape [..., O].
    """
    product = matmul(x, weights, precision)
    return product + jax.lax.broadcast_to_rank(bias, product.ndim)
