"""Scripts as a user starts them, and their environment."""

import os
import pathlib
import subprocess
import sys

import pytest

EXPERIMENTS = pathlib.Path(__file__).parents[2] / "experiments"
# For train.py: a network and batches so small that an update takes milliseconds.
TINY = (
    "--cell=lstm", "--hidden_size=8", "--num_layers=1", "--num_components=2", "--num_window=2", "--batch_size=4",
    "--max_points=16",
)  # fmt: skip


def run_script(name, *flags, timeout=300, **options):
    """Runs a script of experiments/ to its end."""
    command = [sys.executable, EXPERIMENTS / name, *map(str, flags)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, **options)


def start_script(name, *flags, **options):
    """Starts a script of experiments/."""
    command, pipe = [sys.executable, EXPERIMENTS / name, *map(str, flags)], subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, **options)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Programs are compiled once for all processes of a module, and not as well as for a long run."""
    cache = str(tmp_path_factory.mktemp("cache"))
    return os.environ | {"JAX_COMPILATION_CACHE_DIR": cache, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
