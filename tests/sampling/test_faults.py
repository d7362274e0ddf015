"""A good line has no fault; each way to go wrong is noticed and named."""

import dataclasses

import numpy as np
import pytest

from graves_jax.data.alphabet import ASCII_ALPHABET
from graves_jax.data.ink import Ink, Normalisation
from graves_jax.model.network import NetworkConfig
from graves_jax.model.weights import Weights
from graves_jax.sampling.faults import MAX_DWELLING, find_fault, longest_dwelling, longest_jump

POINTS_PER_CHARACTER = 10.0
WEIGHTS = Weights(
    params={},
    network=NetworkConfig(num_characters=95, points_per_character=POINTS_PER_CHARACTER),
    alphabet=ASCII_ALPHABET,
    normalisation=Normalisation((1.0, 0.0), (2.0, 2.0)),
    provenance={},
)


def line(width_per_point=1.0, height=10.0, text="abcdefgh"):
    """A zigzag of the usual length whose window moves evenly along the text."""
    num_points = int(len(text) * POINTS_PER_CHARACTER)
    dy = np.where(np.arange(num_points) % 2 == 0, height, -height)
    end = np.arange(num_points) == num_points - 1
    offsets = np.column_stack([np.full(num_points, width_per_point), dy, end])
    return Ink(offsets, text), np.arange(num_points) * len(text) // num_points


def fault_of(ink, position, *, finished=True):
    return find_fault(ink, position, finished=finished, weights=WEIGHTS)


def test_a_good_line_has_no_fault():
    assert fault_of(*line()) is None


@pytest.mark.parametrize(
    "change, words",
    [
        ({"finished": False}, "end by itself"),
        ({"position": np.repeat([0, 5], 40)}, "jumped"),
        ({"position": np.repeat([4, 5], 40)}, "jumped"),
        ({"ink": line(width_per_point=4.0)[0]}, "too long or too short"),
        ({"ink": line(width_per_point=0.2)[0]}, "too long or too short"),
        ({"ink": line(height=1.0)[0]}, "flat"),
    ],
)
def test_faults_are_named(change, words):
    ink, position = line()
    assert words in fault_of(**({"ink": ink, "position": position} | change))


@pytest.mark.parametrize("stuck", [[0], [4], [3, 4], [3, 4, 5], [11]])
def test_standing_still_is_measured_in_points_of_a_character(stuck):
    """On one character or to and fro between a few, wherever in the text."""
    ink, _ = line(text="abcdefghijkl")
    points = np.ones(12, int)
    points[stuck] = 20
    points[stuck[0]] += MAX_DWELLING * POINTS_PER_CHARACTER - longest_dwelling(np.repeat(np.arange(12), points), 12)
    assert fault_of(ink, np.repeat(np.arange(12), points)) is None
    points[stuck[0]] += 1
    assert fault_of(ink, np.repeat(np.arange(12), points)) == "the window stood still"


@pytest.mark.parametrize("text", ["l", ".", "-", "...", "Q", "il"])
def test_short_texts_may_be_narrow_or_wide_or_flat(text):
    """A full stop has no height, an l no width, and a Q is three times as wide as an average character."""
    letter = any(map(str.isalnum, text))
    for width in (0.0, 30.0) if text != "..." else (10.0, 30.0):
        ink = Ink([[width, 9.0 if letter else 0.0, 0.0], [0.0, -9.0 if letter else 0.0, 1.0]], text)
        assert fault_of(ink, np.array([0, len(text) - 1])) is None


def test_points_past_the_end_are_not_dwelt_on():
    assert longest_dwelling(np.array([0, 0, 1, 2, 3, 3, 4, 4, 4, 4]), 4) == 4
    assert longest_dwelling(np.array([0, 0, 1, 1, 1, 2]), 2) == 5
    assert longest_dwelling(np.array([0, 1]), 1) == 1


def test_longest_jump():
    assert longest_jump(np.array([0, 1, 1, 4, 3])) == 3
    # The window starts before the first character.
    assert longest_jump(np.array([2, 2])) == 3


def mirrored(ink, position):
    """The same line from right to left, and weights that learned from such ink."""
    normalisation = Normalisation((-1.0, 0.0), (2.0, 2.0))
    weights = dataclasses.replace(WEIGHTS, normalisation=normalisation)
    return find_fault(Ink(ink.offsets * [-1, 1, 1], ink.text), position, finished=True, weights=weights)


@pytest.mark.parametrize("width", [0.2, 0.5, 1.0, 2.0, 4.0])
def test_a_line_from_right_to_left_is_as_wide_as_one_from_left_to_right(width):
    assert mirrored(*line(width_per_point=width)) == fault_of(*line(width_per_point=width))


# Each bound from both sides, with a line of eight characters at ten points each, and 1 a point to the right on average.
# The window of the first stays on three characters for that long, that of the second goes on by so many at once.
JUST_RIGHT_AND_JUST_WRONG = [
    ("dwelling", 88, 89, "the window stood still"),
    ("jump", 2, 3, "the window jumped over characters"),
    # 0.45 times six characters, and 2.4 times ten.
    ("width", 27.1, 26.9, "the ink is far too long or too short"),
    ("width", 239.9, 240.1, "the ink is far too long or too short"),
    # 1.5 standard deviations of 2.
    ("height", 3.01, 2.99, "the ink is flat"),
]


@pytest.mark.parametrize(("measure", "right", "wrong", "words"), JUST_RIGHT_AND_JUST_WRONG)
def test_every_bound_lets_pass_what_is_just_right_and_refuses_what_is_just_wrong(measure, right, wrong, words):
    def fault(value):
        ink, position = line()
        if measure == "dwelling":
            points = np.array([5, 5, value - 20, 10, 10, 5, 5, 5])
            position = np.repeat(np.arange(8), points)
        elif measure == "jump":
            position = np.minimum(np.arange(len(ink)) // 8 * value, 8)
        elif measure == "width":
            # The pen starts at the origin, which is a point of the line.
            ink = line(width_per_point=value / 80)[0]
        else:
            ink = line(height=value)[0]
        return fault_of(ink, position)

    assert (fault(right), fault(wrong)) == (None, words)
