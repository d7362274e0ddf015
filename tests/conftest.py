"""What the tests of several subpackages share."""

import os

# Before JAX is imported, and for the processes that tests start: programs of tests run for milliseconds and compile for
# seconds, so XLA need not make them fast, and its plain emitters of loops do as well as those that fuse them. Set to
# false and to true, tests compile as a user's programs do. (A jaxlib without the flag would end at once and name it.)
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "true")
if "xla_cpu_use_fusion_emitters" not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_use_fusion_emitters=false".strip()

import jax
import jax.numpy as jnp
import numpy as np
import pytest

# A vector that meets a matrix has to say along which axis.
jax.config.update("jax_numpy_rank_promotion", "raise")


def pytest_collection_modifyitems(items):
    """Files that take minutes come first: begun last, one of them would keep one worker busy and the others idle."""
    items.sort(key=lambda item: (item.path.stem != "test_notebooks", item.path.parent.stem != "experiments"))


def random_params(config, *, scale=0.4, seed=0, dtype=None):
    """Parameters of a network of this shape, none of which is zero, biases, peepholes and styles included."""
    # Most tests need no network, and Flax takes a while to import.
    from graves_jax.model.network import init_params

    rng = np.random.default_rng(seed)
    shapes = jax.eval_shape(lambda: init_params(jax.random.key(0), config))
    return jax.tree.map(lambda leaf: jnp.asarray(rng.normal(scale=scale, size=leaf.shape), dtype or leaf.dtype), shapes)


@pytest.fixture
def float64():
    """Double precision for one test, where derivatives or tight tolerances need it; it is off again afterwards."""
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)
