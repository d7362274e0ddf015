"""What people call first: `load` and `write` take what is meant, or say in a sentence what is wanted."""

import pathlib
import shutil
import subprocess
import sys
import warnings

import jax
import numpy as np
import pytest

import graves_jax
from graves_jax.model.weights import save_weights
from graves_jax.sampling import write as write_module

PACKAGE = pathlib.Path(graves_jax.__file__).parent


@pytest.fixture(scope="module")
def hershey():
    return graves_jax.load("hershey")


def test_load_takes_a_folder_of_exported_weights(tmp_path, hershey):
    save_weights(tmp_path / "mine", hershey, dtype=np.float32)
    loaded = graves_jax.load(checkpoint=tmp_path / "mine")
    assert loaded.to_config() == hershey.to_config()
    jax.tree.map(np.testing.assert_array_equal, loaded.params, hershey.params)


def test_load_takes_a_name_or_a_checkpoint(tmp_path):
    assert graves_jax.load("hershey").provenance["licence"] == "Apache-2.0"
    assert graves_jax.load() is graves_jax.load(graves_jax.pretrained.DEFAULT)
    assert {"hershey", graves_jax.pretrained.DEFAULT} <= set(graves_jax.weight_names())
    with pytest.raises(graves_jax.InputError, match=r"a name or a checkpoint, found both: 'hershey' and '.*run'"):
        graves_jax.load("hershey", checkpoint=tmp_path / "run")
    with pytest.raises(graves_jax.InputError, match=r"names .*hershey.*, found 'nobody'"):
        graves_jax.load("nobody")
    with pytest.raises(graves_jax.InputError, match="or checkpoint=WORKDIR"):
        graves_jax.load(tmp_path)


def test_write_takes_weights_or_their_name(hershey):
    named = graves_jax.write("Jon", weights="hershey", seed=1)
    np.testing.assert_array_equal(named.offsets, graves_jax.write("Jon", weights=hershey, seed=1).offsets)
    with pytest.raises(graves_jax.InputError, match="found 'nobody'"):
        graves_jax.write("Jon", weights="nobody")
    with pytest.raises(graves_jax.InputError, match=r"Expected weights that `load` gave, or their name, found \{\}"):
        graves_jax.write("Jon", weights={})


def test_write_takes_a_style_as_ink_or_as_a_file_of_it(hershey, tmp_path):
    file = tmp_path / "mine.jsonl"
    own = graves_jax.write("my own hand", weights=hershey, bias=1.0, seed=4)
    graves_jax.save_ink(file, own)
    first, *others = (
        graves_jax.write("Snow", weights=hershey, bias=1.0, style=style) for style in (own, file, str(file))
    )
    assert first.offsets.tobytes() != graves_jax.write("Snow", weights=hershey, bias=1.0).offsets.tobytes()
    for ink in others:
        np.testing.assert_array_equal(ink.offsets, first.offsets)


@pytest.mark.parametrize(
    ("style", "words"),
    [
        (7, "a name, a file or a line of ink, found 7"),
        (graves_jax.Ink([[1, 2, 0], [3, -4, 1]]), "the text that it says"),
        (graves_jax.Ink([[1, 2, 0], [3, -4, 1]], "naïve"), "'ï'"),
        (graves_jax.Ink([[1, 2, 0], [3, -4, 1]] * 2_000, "long"), "at most 1,500 points"),
        (pathlib.Path("missing.jsonl"), "missing.jsonl"),
    ],
)
def test_what_cannot_be_a_style_is_told_in_one_sentence(hershey, style, words):
    with pytest.raises(graves_jax.InputError, match=words) as error:
        graves_jax.write("Snow", weights=hershey, style=style)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("seed", [2**70, 2**32, -1, 0.5, "1", None])
def test_a_seed_that_jax_cannot_take_is_told_in_one_sentence(hershey, seed):
    with pytest.raises(graves_jax.InputError, match="Expected a seed"):
        graves_jax.write("Snow", weights=hershey, seed=seed)


def test_every_seed_in_range_is_its_own(hershey):
    """JAX takes the lower 32 bits of a seed, and so would 2**32 + 1 be 1."""
    inks = [graves_jax.write("a", weights=hershey, seed=seed).offsets for seed in (0, 1, 2**32 - 1, np.int64(1))]
    assert inks[1].tobytes() == inks[3].tobytes()
    assert len({ink.tobytes() for ink in inks}) == 3


def test_a_seed_is_the_key_of_each_row(hershey):
    texts = ["Jon", "Snow"]
    by_seed = graves_jax.write_lines(hershey, texts, seed=5)
    keys = [jax.random.fold_in(jax.random.key(5), row) for row in range(2)]
    by_keys = graves_jax.write_lines(hershey, texts, keys=keys)
    for one, other in zip(by_seed, by_keys, strict=True):
        np.testing.assert_array_equal(one.ink.offsets, other.ink.offsets)
    np.testing.assert_array_equal(graves_jax.write("Jon", weights=hershey, seed=5).offsets, by_seed[0].ink.offsets)
    with pytest.raises(graves_jax.InputError, match="a list of texts"):
        graves_jax.write_lines(hershey, "Jon")
    with pytest.raises(graves_jax.InputError, match="a key for each of 2 texts, found 1"):
        graves_jax.write_lines(hershey, texts, keys=keys[:1])


def test_the_bias_of_write_is_that_of_the_line(hershey):
    neat = graves_jax.write("Snow", weights=hershey, bias=2.0, seed=1)
    [line] = graves_jax.write_lines(hershey, ["Snow"], bias=2.0, seed=1)
    [messy] = graves_jax.write_lines(hershey, ["Snow"], bias=0.0, seed=1)
    np.testing.assert_array_equal(neat.offsets, line.ink.offsets)
    assert neat.offsets.tobytes() != messy.ink.offsets.tobytes()


def test_a_line_that_stays_wrong_is_returned_with_a_warning(hershey, monkeypatch):
    monkeypatch.setattr(write_module, "find_fault", lambda *args, **kwargs: "it is upside down")
    with pytest.warns(
        graves_jax.FaultWarning, match="'Snow' is kept after 5 tries although it is upside down."
    ) as seen:
        ink = graves_jax.write("Snow", weights=hershey)
    assert isinstance(ink, graves_jax.Ink)
    assert seen[0].filename == __file__
    with pytest.warns(graves_jax.FaultWarning):
        written = graves_jax.write("Snow", weights=hershey, full=True)
    assert (written.fault, written.attempts) == ("it is upside down", 5)
    np.testing.assert_array_equal(written.ink.offsets, ink.offsets)


def test_the_whole_of_a_good_line_comes_without_a_warning(hershey):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        written = graves_jax.write("Snow", weights=hershey, seed=1, full=True)
    assert isinstance(written, graves_jax.Written)
    assert written.fault is None and written.ink.text == "Snow"
    assert len(written.position) == len(written.ink) and 0 < written.sharpness <= 1


WITHOUT_OTHERS = """
import pathlib, sys, graves_jax
assert pathlib.Path(graves_jax.__file__).parent.parent == pathlib.Path(sys.argv[1])
assert graves_jax.weight_names() == ["hershey"] and graves_jax.style_names() == []
print(len(graves_jax.write("Snow", seed=1)))
try:
    graves_jax.write("Snow", style="plain")
except graves_jax.InputError as error:
    print(error)
"""


def test_hershey_writes_without_the_files_of_the_others(tmp_path, hershey):
    shutil.copytree(
        PACKAGE,
        tmp_path / "graves_jax",
        ignore=shutil.ignore_patterns(
            "iam", "graves2013", "best_synthesis", "*.jsonl", "letters.safetensors", "__pycache__"
        ),
    )
    command = [sys.executable, "-c", WITHOUT_OTHERS, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    points, sentence = done.stdout.splitlines()
    assert int(points) == len(graves_jax.write("Snow", weights=hershey, seed=1))
    assert sentence == "Expected a style of a .jsonl, .inkml or .hand file, found 'plain'."
