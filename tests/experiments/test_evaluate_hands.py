"""evaluate_hands.py as a user runs it, on synthetic writers."""

import json

import numpy as np
import pytest

from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.hershey.writers import draw_writer, render_text

from .conftest import run_script


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three writers of six lines each, at the scale of the weights `hershey`."""
    folder = tmp_path_factory.mktemp("hands")
    lines = []
    for number in range(3):
        rng = np.random.default_rng(number)
        writer = draw_writer(rng)
        for row in range(6):
            ink = render_text(f"line {row} of it", writer, rng, points_per_character=10.7)
            lines.append(Line(ink, f"{number}-{row}", f"w{number}", "people", "none"))
    Corpus.from_lines(lines).save(folder / "people.npz")
    return folder


def run(folder, environment, *flags):
    usual = ("--data=people.npz", "--split=people", "--weights=hershey")
    return run_script("evaluate_hands.py", *usual, *flags, cwd=folder, env=environment, timeout=600)


def test_each_way_is_measured_for_each_number_of_lines(folder, environment):
    done = run(folder, environment, "--lines=2", "--writers=1", "--test_lines=2", "--finetune", "--num_steps=1")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["writers"] == 1 and report["chance"] == 0.3333 and report["real_rate"] > 0.3
    ways = report["lines"]["2"]
    assert list(ways) == ["any", "primed", "fine-tuned"]
    # Synthetic writers are what these weights know.
    assert all(-3 < way["nats"] < -1 for way in ways.values())
    assert all(0 <= way["taken_for"] <= 1 for way in ways.values())
    assert all(way["misread"] is None for way in ways.values()) and ways["fine-tuned"]["seconds"] > 0
    assert done.stdout.count("| 2 |") == 6


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--lines=5,few"], "numbers from 1 to 1,000"),
        (["--lines=20"], "writers of 32 lines or more in 'people', found 0"),
    ],
)
def test_bad_input_is_one_sentence(folder, environment, flags, words):
    done = run(folder, environment, *flags)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
