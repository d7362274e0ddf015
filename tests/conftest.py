"""What the tests of several subpackages share."""

import jax
import pytest


@pytest.fixture
def float64():
    """Double precision for one test, where derivatives or tight tolerances need it; it is off again afterwards."""
    with jax.enable_x64(True):
        yield
