"""What each precision rounds: operands or nothing, never sums and results."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graves_jax.model.matmul import PRECISIONS, matmul


def operands(seed=0):
    rng = np.random.default_rng(seed)
    return jnp.array(rng.normal(size=(2, 3, 50)), jnp.float32), jnp.array(rng.normal(size=(50, 4)), jnp.float32)


def test_float32_is_the_exact_product():
    x, weights = operands()
    expected = np.asarray(x, np.float64) @ np.asarray(weights, np.float64)
    np.testing.assert_allclose(matmul(x, weights, "float32"), expected, rtol=1e-5, atol=1e-5)


def test_bfloat16_is_the_product_of_rounded_operands():
    x, weights = operands()
    rounded = (np.asarray(array.astype(jnp.bfloat16), np.float64) for array in (x, weights))
    found = matmul(x, weights, "bfloat16")
    np.testing.assert_allclose(found, np.matmul(*rounded), rtol=1e-5, atol=1e-5)
    assert np.abs(found - matmul(x, weights)).max() > 1e-3


def test_bfloat16_sums_without_rounding():
    """257 has nine bits, one more than a bfloat16: a sum or a result of that type would be 256 or 258."""
    assert matmul(jnp.ones(257), jnp.ones((257, 1)), "bfloat16") == 257


@pytest.mark.parametrize("precision", PRECISIONS)
def test_result_has_the_inputs_type(float64, precision):
    for dtype in (jnp.float32, jnp.float64):
        assert matmul(jnp.ones((2, 3), dtype), jnp.ones((3, 4), dtype), precision).dtype == dtype


def test_precision_asked_of_the_backend():
    """On a CPU both are float32; what a GPU is asked for shows in the program."""
    chosen = {
        name: str(jax.make_jaxpr(lambda x, w, name=name: matmul(x, w, name))(*operands()))
        for name in ("float32", "tensorfloat32")
    }
    assert "Precision.HIGHEST" in chosen["float32"]
    assert "Precision.HIGHEST" not in chosen["tensorfloat32"]
