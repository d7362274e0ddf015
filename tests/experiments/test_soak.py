"""soak.py's inputs: they depend on their seed alone, and whatever comes of one is told apart."""

import importlib
import pathlib
import random
import sys
import time

import pytest

from graves_jax.errors import InputError

EXPERIMENTS = pathlib.Path(__file__).parents[2] / "experiments"


@pytest.fixture(autouse=True)
def scripts_folder(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS))


def test_mutations_depend_on_the_seed_alone():
    from soak import mutations

    def draw(seed):
        rng = random.Random(seed)
        damaged = [mutations.damage_bytes(bytes(range(200)), rng) for _ in range(40)]
        row = {"text": "a", "strokes": [[1, 2, 1]]}
        values = [repr(mutations.damage_json(row, rng)) for _ in range(40)]
        assert row == {"text": "a", "strokes": [[1, 2, 1]]}
        return damaged, values, [mutations.strange_text(rng) for _ in range(40)]

    assert draw("0 xml 7") == draw("0 xml 7")
    for one, other in zip(draw("0 xml 7"), draw("0 xml 8"), strict=True):
        assert one != other
    assert all(content != bytes(range(200)) for content in draw("0 xml 7")[0][:5])


@pytest.mark.parametrize("part, name", [("archives", "xml"), ("archives", "archives"), ("archives", "databases"),
                                        ("corpora", "corpora"), ("corpora", "json_lines")])  # fmt: skip
def test_a_few_inputs_of_each_reader_come_out_right(tmp_path, part, name):
    from soak import inputs

    family = inputs.Family(*importlib.import_module(f"soak.{part}").FAMILIES[name])
    material = family.prepare(tmp_path)
    outcomes = [inputs._outcome(family, material, random.Random(f"0 {name} {n}")) for n in range(40)]
    assert set(outcomes) == {"accepted", "refused"}


def fail(material, rng):
    raise ZeroDivisionError(f"number {material}")


def refuse(material, rng):
    raise InputError("Expected this, found that.")


def refuse_at_length(material, rng):
    raise InputError("Expected this,\nfound that.")


def hang(material, rng):
    while True:
        time.process_time()


@pytest.mark.parametrize(
    ("feed", "outcome"),
    [
        (lambda material, rng: None, "accepted"),
        (refuse, "refused"),
        (refuse_at_length, "a message that is not one sentence"),
        (fail, "ZeroDivisionError: 'number 5' in "),
        (hang, "TooSlowError: 'over 0.1 s' in "),
    ],
)
def test_outcomes_are_told_apart(monkeypatch, feed, outcome):
    from soak import inputs

    monkeypatch.setattr(inputs, "MAX_SECONDS", 0.1)
    family = inputs.Family(share=1.0, prepare=lambda folder: None, feed=feed)
    assert inputs._outcome(family, 5, random.Random(0)).startswith(outcome)


# A process that feeds, fails at its second input, and dies at its fourth.
WORKER = """
import os, pathlib, sys
sys.path.insert(0, {experiments!r})
from soak import inputs
def feed(material, rng):
    number = inputs.Note.read(place).number
    if number == 1:
        raise ZeroDivisionError
    if number == 3:
        os.kill(os.getpid(), 9)
name, seed, start, stop, place = sys.argv[1], *map(int, sys.argv[2:5]), pathlib.Path(sys.argv[5])
inputs.families = lambda: {{name: inputs.Family(1.0, lambda folder: None, feed)}}
inputs.work(name, seed, start, stop, place)
"""


def test_a_process_that_dies_is_told_and_gone_on_from(tmp_path, monkeypatch):
    import tqdm
    from soak import inputs

    worker = tmp_path / "worker.py"
    worker.write_text(WORKER.format(experiments=str(EXPERIMENTS)))
    monkeypatch.setattr(inputs, "WORKER", (sys.executable, str(worker)))
    with tqdm.tqdm(total=6, disable=True) as bar:
        counts, faults = inputs._feed_family("made_up", 6, 0, tmp_path, bar)
    assert {name: counts[name] for name in ("tried", "accepted", "failures")} == {
        "tried": 6,
        "accepted": 4,
        "failures": 2,
    }
    assert faults[0].startswith("made_up, seed 0, number 1: ZeroDivisionError")
    assert faults[1].startswith("made_up, seed 0, number 3: the process ended with -9")
