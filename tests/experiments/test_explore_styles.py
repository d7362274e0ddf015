"""explore_styles.py as a user runs it."""

import json
import math

import pytest

from .conftest import run_script


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("styles")


def run(folder, environment, *flags):
    return run_script("explore_styles.py", "--output=sheets", *flags, cwd=folder, env=environment, timeout=600)


def test_sheets_and_directions(folder, environment):
    done = run(folder, environment, "--hands=36", "--texts=on", "--steps=0,1", "--fresh_hands=2")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    names = ["slant", "letter_width", "strokes_per_letter"]
    assert list(report["directions"]) == names
    for direction in report["directions"].values():
        assert list(direction["steps"]) == ["0", "1"] and len(direction["vector"]) == 32
        assert sum(number**2 for number in direction["vector"]) == pytest.approx(1, abs=0.01)
    # Degrees of the slant; of what is a factor, its logarithm.
    for name, scale in (("slant", float), ("letter_width", math.log), ("strokes_per_letter", math.log)):
        before, after = (scale(report["directions"][name]["steps"][step][name]) for step in ("0", "1"))
        assert report["directions"][name]["per_step"] == pytest.approx(after - before)
    sheets = {f"{name}{kind}_0.png" for name in names for kind in ("", "_direction")}
    assert {path.name for path in (folder / "sheets").iterdir()} == sheets


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--steps=1,far"], "--steps to be numbers apart by commas, found '1,far'"),
        (["--texts="], "at least one of --steps and of --texts"),
        (["--weights=hershey"], "weights with style vectors"),
        (["--hands=33"], "--hands of at least 34 for vectors of 32, found 33"),
    ],
)
def test_bad_input_is_one_sentence(folder, environment, flags, words):
    done = run(folder, environment, *flags)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
