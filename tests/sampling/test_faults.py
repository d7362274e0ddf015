"""A good line has no fault; each way to go wrong is noticed and named."""

import numpy as np
import pytest

from graves_jax.data.alphabet import ASCII_ALPHABET
from graves_jax.data.ink import Ink, Normalisation
from graves_jax.model.network import NetworkConfig
from graves_jax.model.weights import Weights
from graves_jax.sampling.faults import find_fault, longest_jump, longest_stay

POINTS_PER_CHARACTER = 10.0
WEIGHTS = Weights(
    params={},
    network=NetworkConfig(num_characters=95, points_per_character=POINTS_PER_CHARACTER),
    alphabet=ASCII_ALPHABET,
    normalisation=Normalisation((1.0, 0.0), (2.0, 2.0)),
    provenance={},
)


def line(width_per_point=1.0, height=10.0, text="abcdef"):
    """A zigzag of the usual length whose window moves evenly along the text."""
    num_points = int(len(text) * POINTS_PER_CHARACTER)
    dy = np.where(np.arange(num_points) % 2 == 0, height, -height)
    end = np.arange(num_points) == num_points - 1
    offsets = np.column_stack([np.full(num_points, width_per_point), dy, end])
    return Ink(offsets, text), np.arange(num_points) * len(text) // num_points


def test_a_good_line_has_no_fault():
    ink, position = line()
    assert find_fault(ink, position, finished=True, weights=WEIGHTS) is None


@pytest.mark.parametrize(
    "change, words",
    [
        ({"finished": False}, "end by itself"),
        ({"position": np.zeros(60, int)}, None),
        ({"position": np.repeat([0, 5], 30)}, "jumped"),
        ({"position": np.repeat([4, 5], 30)}, "jumped"),
        ({"ink": line(width_per_point=4.0)[0]}, "too long or too short"),
        ({"ink": line(width_per_point=0.2)[0]}, "too long or too short"),
        ({"ink": line(height=1.0)[0]}, "flat"),
    ],
)
def test_faults_are_named(change, words):
    ink, position = line()
    arguments = {"ink": ink, "position": position, "finished": True} | change
    fault = find_fault(**arguments, weights=WEIGHTS)
    assert fault is None if words is None else words in fault


def test_standing_still_is_measured_in_points_of_a_character():
    ink, _ = line(text="abcdefgh")
    position = np.concatenate([np.zeros(61, int), np.repeat([1, 2, 3, 4, 5, 6, 7], 3)])[: len(ink)]
    assert "stood still" in find_fault(ink, position, finished=True, weights=WEIGHTS)
    position[60] = 1
    assert find_fault(ink, position, finished=True, weights=WEIGHTS) is None


def test_longest_stay_and_jump():
    assert longest_stay(np.array([0, 0, 1, 2, 2, 2])) == 3
    assert longest_stay(np.array([4])) == 1
    assert longest_jump(np.array([0, 1, 1, 4, 3])) == 3
    # The window starts before the first character.
    assert longest_jump(np.array([2, 2])) == 3
