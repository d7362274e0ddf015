"""Clipping is of derivatives, element by element, before they are summed: values pass untouched."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graves_jax.model.gradient_clipping import clip, clip_gradient

DERIVATIVES = np.array([-20.0, -10.0, -9.5, 0.0, 3.0, 10.0, 10.5, 1e6], np.float32)


@pytest.mark.parametrize("bound", [None, 10.0])
def test_value_passes_and_derivative_is_clipped(bound):
    x = jnp.arange(8.0)
    value, vjp = jax.vjp(lambda x: clip_gradient(x, bound), x)
    np.testing.assert_array_equal(value, x)
    expected = DERIVATIVES if bound is None else [-10, -10, -9.5, 0, 3, 10, 10, 10]
    np.testing.assert_array_equal(vjp(jnp.array(DERIVATIVES))[0], expected)
    np.testing.assert_array_equal(clip(jnp.array(DERIVATIVES), bound), expected)


def test_each_step_is_clipped_before_the_sum_over_time():
    """The derivative of w is a sum of clipped terms, which is neither the clipped sum nor a scaled vector."""
    inputs, d_outputs = jnp.array([1.0, -2.0, 3.0]), jnp.array([50.0, 40.0, 1.0])

    def loss(w):
        return jnp.sum(d_outputs * clip_gradient(w * inputs, 10.0))

    np.testing.assert_allclose(jax.grad(loss)(0.5), 10 * 1 + 10 * -2 + 1 * 3)


def test_it_works_under_jit_and_vmap():
    gradient = jax.grad(lambda x, d: d * clip_gradient(x, 10.0))
    found = jax.jit(jax.vmap(gradient))(jnp.zeros(8), jnp.array(DERIVATIVES))
    np.testing.assert_array_equal(found, np.clip(DERIVATIVES, -10, 10))
