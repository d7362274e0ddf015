"""Ink is a value: it takes a copy of what it is made from, and nobody changes it afterwards."""

import numpy as np
import pytest

from graves_jax.data.ink import Ink
from graves_jax.errors import InputError

ROWS = [[1.0, 2.0, 0.0], [3.0, 4.0, 1.0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ink_and_the_array_that_it_was_made_from_are_two(dtype):
    rows = np.array(ROWS, dtype)
    ink = Ink(rows, "a")
    rows[0, 0] = 100.0
    np.testing.assert_array_equal(ink.offsets, ROWS)
    assert rows.flags.writeable


@pytest.mark.parametrize("ink", [Ink(ROWS), Ink(np.array(ROWS, np.float32)), Ink.from_strokes([np.eye(2), np.eye(2)])])
def test_ink_cannot_be_edited(ink):
    with pytest.raises(ValueError, match="read-only"):
        ink.offsets[0, 0] = 100.0
    with pytest.raises(ValueError, match="read-only"):
        ink.offsets += 1.0


def test_a_copy_can_be_edited_and_made_into_ink():
    ink = Ink(ROWS, "a")
    offsets = ink.offsets.copy()
    offsets[:, 0] *= 2
    np.testing.assert_array_equal(Ink(offsets, ink.text).offsets[:, 0], [2.0, 6.0])
    np.testing.assert_array_equal(ink.offsets, ROWS)


def test_a_transcript_is_there_or_asked_for():
    assert Ink(ROWS, "a").transcript == "a"
    with pytest.raises(InputError, match="the text that it says, found ink without one"):
        Ink(ROWS).transcript  # noqa: B018
