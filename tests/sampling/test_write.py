"""What people call: texts in, ink out, with the weights that ship."""

import jax
import numpy as np
import pytest

import graves_jax
from graves_jax.errors import InputError
from graves_jax.sampling import write as write_module
from graves_jax.sampling.write import coverage, write_lines


@pytest.fixture(scope="module")
def weights():
    return graves_jax.load("hershey")


def keys(*seeds):
    return [jax.random.key(seed) for seed in seeds]


def test_the_same_arguments_give_the_same_ink(weights):
    first, again = (write_lines(weights, ["Snow"], keys=keys(3), bias=0.5)[0] for _ in range(2))
    np.testing.assert_array_equal(first.ink.offsets, again.ink.offsets)
    [other] = write_lines(weights, ["Snow"], keys=keys(4), bias=0.5)
    assert first.ink.offsets.shape != other.ink.offsets.shape or (first.ink.offsets != other.ink.offsets).any()


def test_order_and_texts_are_kept_whatever_their_length(weights):
    texts = ["a long line of text", "no", "winter is"]
    written = write_lines(weights, texts, keys=keys(0, 1, 2), bias=1.0)
    assert [line.ink.text for line in written] == texts
    assert len(written[0].ink) > len(written[2].ink) > len(written[1].ink)
    assert all(line.ink.offsets[-1, 2] == 1 for line in written)


def test_a_line_that_goes_wrong_is_drawn_again_and_reported(weights, monkeypatch):
    faults = iter(["it is upside down", None])
    monkeypatch.setattr(write_module, "find_fault", lambda *args, **kwargs: next(faults))
    [line] = write_lines(weights, ["Snow"], keys=keys(0), bias=0.5)
    assert (line.attempts, line.fault) == (2, None)
    monkeypatch.setattr(write_module, "find_fault", lambda *args, **kwargs: "it is upside down")
    [line] = write_lines(weights, ["Snow"], keys=keys(0), bias=0.5, max_attempts=3)
    assert (line.attempts, line.fault) == (3, "it is upside down")


def test_a_style_is_carried_on_and_is_not_in_the_ink(weights):
    [style] = write_lines(weights, ["nothing"], keys=keys(1), bias=1.0)
    [line] = write_lines(weights, ["Snow"], keys=keys(2), bias=1.0, style=style.ink)
    assert line.ink.text == "Snow"
    # The way through the air from the style is gone: the ink is as wide as its word and no wider.
    [alone] = write_lines(weights, ["Snow"], keys=keys(2), bias=1.0)
    widths = [np.ptp(np.concatenate(written.ink.strokes())[:, 0]) for written in (line, alone)]
    assert 0.4 < widths[0] / widths[1] < 2.5
    assert line.position.max() <= len("Snow")


@pytest.mark.parametrize(
    "text, bias, words",
    [
        ("", 0.5, "empty"),
        ("   ", 0.5, "only spaces"),
        ("Schnee fällt", 0.5, "'ä' at position 9"),
        ("x" * 501, 0.5, "at most 500"),
        ("Snow", -0.1, "bias of 0 to 20"),
        ("Snow", float("nan"), "bias of 0 to 20"),
    ],
)
def test_bad_input_is_told_in_one_sentence(weights, text, bias, words):
    with pytest.raises(InputError, match=words) as error:
        write_lines(weights, [text], keys=keys(0), bias=bias)
    assert "\n" not in str(error.value)


def test_coverage_names_rare_characters():
    weights = graves_jax.load("hershey")
    counted = type(weights)(**(vars(weights) | {"provenance": {"character_counts": {"a": 5_000, "Q": 3}}}))
    assert coverage(counted, "aQ@") == {"@": 0, "Q": 3}
    silent = type(weights)(**(vars(weights) | {"provenance": {}}))
    assert coverage(silent, "aQ@") == {}


def test_write_gives_ink_that_shows_itself():
    ink = graves_jax.write("Jon", seed=1, weights=graves_jax.load("hershey"))
    assert ink._repr_svg_().startswith("<svg")
