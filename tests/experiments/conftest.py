"""The environment of the scripts that tests start."""

import os

import pytest


@pytest.fixture(scope="module")
def environment(folder):
    """Programs are compiled once for all processes of a module, and not as well as for a long run."""
    return os.environ | {"JAX_COMPILATION_CACHE_DIR": str(folder / "cache"), "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
