"""What is imported when, and where."""

import json
import subprocess
import sys

import pytest

# Imports every module of the package where what only POSIX has is missing, as on Windows.
WITHOUT_POSIX = """
import sys
for name in ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty"):
    sys.modules[name] = None
import importlib, pkgutil, graves_jax
for module in pkgutil.walk_packages(graves_jax.__path__, "graves_jax."):
    # Commands define their flags, some by the same name: one for all.
    if "graves_jax.commands" not in module.name:
        importlib.import_module(module.name)
import graves_jax.commands.write_line
for name in graves_jax.__all__:
    getattr(graves_jax, name)
import graves_jax.training.loop
print(len([name for name in sys.modules if name.startswith("graves_jax.")]))
"""
# Prints which modules a statement has imported.
LOADED = "import json, sys\n{}\nprint(json.dumps(sorted(sys.modules)))"


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_module_can_be_imported_without_posix():
    assert run(WITHOUT_POSIX) > 60


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import graves_jax", ["numpy", "jax", "flax", "graves_jax.errors"]),
        ("import graves_jax; graves_jax.InputError; dir(graves_jax)", ["numpy", "jax"]),
        (
            "import graves_jax; graves_jax.Ink; graves_jax.Corpus; graves_jax.hershey_corpus",
            ["jax", "flax", "matplotlib"],
        ),
        ("import graves_jax; graves_jax.write; graves_jax.load", ["orbax", "grain", "optax", "matplotlib", "PIL"]),
    ],
)
def test_nothing_is_imported_before_it_is_used(statement, absent):
    assert not set(absent) & set(run(LOADED.format(statement)))


def test_a_name_that_is_not_there_is_told_as_by_any_module():
    import graves_jax

    with pytest.raises(AttributeError, match="module 'graves_jax' has no attribute 'wrote'"):
        graves_jax.wrote  # noqa: B018
    assert set(graves_jax.__all__) <= set(dir(graves_jax))
