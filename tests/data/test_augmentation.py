"""Augmentation moves the pen as the page's geometry says, and touches neither bits nor text."""

import itertools
import math

import numpy as np
import pytest

from graves_jax.data.augmentation import Augmentation, rethin, rotate, scale, slant
from graves_jax.data.ink import Ink
from graves_jax.data.line_geometry import halfway, thin
from graves_jax.errors import InputError

RIGHT_THEN_UP = Ink([[10, 0, 0], [0, -10, 1]], "L")


def make_ink(seed, length=50):
    rng = np.random.default_rng(seed)
    bits = rng.random(length) < 0.2
    bits[-1] = True
    return Ink(np.column_stack([rng.normal(size=(length, 2)), bits]), "some text")


def test_nothing_happens_at_zero():
    ink = make_ink(0)
    changed = Augmentation(scale=0.0)(ink, np.random.default_rng(0))
    np.testing.assert_array_equal(changed.offsets, ink.offsets)
    assert changed.text == ink.text


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (scale(RIGHT_THEN_UP, 2.0, 0.5), [[20, 0, 0], [0, -5, 1]]),
        (slant(RIGHT_THEN_UP, 45.0), [[10, 0, 0], [10, -10, 1]]),
        (slant(RIGHT_THEN_UP, -45.0), [[10, 0, 0], [-10, -10, 1]]),
        (slant(RIGHT_THEN_UP, 30.0), [[10, 0, 0], [10 / math.sqrt(3), -10, 1]]),
        (rotate(RIGHT_THEN_UP, 90.0), [[0, -10, 0], [-10, 0, 1]]),
        (rotate(RIGHT_THEN_UP, 30.0), [[5 * math.sqrt(3), -5, 0], [-5, -5 * math.sqrt(3), 1]]),
    ],
    ids=["scale", "slant right", "slant left", "slant 30", "rotate 90", "rotate 30"],
)
def test_known_maps(changed, expected):
    np.testing.assert_allclose(changed.offsets, expected, atol=1e-5)


def test_bits_and_text_stay():
    ink = make_ink(1)
    changed = Augmentation(scale=0.3, slant=20, rotation=10)(ink, np.random.default_rng(3))
    assert not np.allclose(changed.offsets[:, :2], ink.offsets[:, :2])
    np.testing.assert_array_equal(changed.offsets[:, 2], ink.offsets[:, 2])
    assert changed.text == ink.text
    assert changed.offsets.dtype == np.float32


def test_rotation_keeps_lengths():
    ink = make_ink(2)
    turned = rotate(ink, 37.0)
    np.testing.assert_allclose(np.hypot(*turned.offsets[:, :2].T), np.hypot(*ink.offsets[:, :2].T), rtol=1e-5)


def test_scale_is_drawn_from_all_of_its_range_per_axis():
    rng = np.random.default_rng(4)
    augment = Augmentation(scale=0.1)
    factors = np.array([augment(RIGHT_THEN_UP, rng).offsets[[0, 1], [0, 1]] / (10, -10) for _ in range(1_000)])
    assert factors.min() >= 0.9 - 1e-6 and factors.max() <= 1.1 + 1e-6
    assert (factors.min(axis=0) < 0.905).all() and (factors.max(axis=0) > 1.095).all()
    assert abs(np.corrcoef(factors.T)[0, 1]) < 0.1


def test_angles_stay_within_their_bounds():
    rng = np.random.default_rng(5)
    slanted = [Augmentation(scale=0.0, slant=10.0)(RIGHT_THEN_UP, rng).offsets for _ in range(300)]
    leans = [math.degrees(math.atan2(row[1, 0], -row[1, 1])) for row in slanted]
    assert -10.001 <= min(leans) < -9 and 9 < max(leans) <= 10.001
    turned = [Augmentation(scale=0.0, rotation=5.0)(RIGHT_THEN_UP, rng).offsets for _ in range(300)]
    turns = [math.degrees(math.atan2(-row[0, 1], row[0, 0])) for row in turned]
    assert -5.001 <= min(turns) < -4.5 and 4.5 < max(turns) <= 5.001


def test_the_generator_alone_decides():
    ink, augment = make_ink(6), Augmentation(0.2, 10, 5)
    first, second = (augment(ink, np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(first.offsets, second.offsets)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 1.0}, "scale of at least 0 and less than 1, found 1.0"),
        ({"scale": float("nan")}, "found nan"),
        ({"slant": -1.0}, "slant of 0 to 60 degrees, found -1.0"),
        ({"rotation": 90.0}, "rotation of 0 to 60 degrees, found 90.0"),
    ],
)
def test_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        Augmentation(**options)


def thinned(strokes):
    """Ink of every second point, and where the others lay."""
    ink = Ink.from_strokes([thin(stroke) for stroke in strokes], "text")
    return ink, np.concatenate([halfway(stroke) for stroke in strokes])[-len(ink) :]


def make_strokes(lengths=(9, 1, 8, 2, 3), seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(length, 2)).cumsum(axis=0) for length in lengths]


def positions(ink):
    """Of all points but the first, from it."""
    return np.cumsum(ink.offsets[:, :2], axis=0)


def test_thinned_in_another_phase_a_stroke_keeps_recorded_points_of_its_own():
    """Each stroke by itself: in one phase or the other, both of which come up, and nothing between."""
    strokes, seen = make_strokes(), set()
    ink, between = thinned(strokes)
    for seed in range(40):
        other = rethin(ink, between, np.random.default_rng(seed), 0.0)
        np.testing.assert_array_equal(other.offsets[:, 2], ink.offsets[:, 2])
        # Seen from the line's last point, which stays.
        points = np.concatenate([[[0, 0]], positions(other)])
        found = np.split(points - points[-1] + strokes[-1][-1], np.cumsum([5, 1, 5, 2]))
        phases = []
        for stroke, points in zip(strokes, found, strict=True):
            kept = [int(np.abs(stroke - point).sum(axis=1).argmin()) for point in points]
            np.testing.assert_allclose(points, stroke[kept], atol=1e-5)
            # Every second point; and the same with each one moved on, unless the stroke's last is next.
            last = len(stroke) - 1
            view = np.unique([*range(0, last, 2), last])
            views = [view, view + (view + 1 < last)]
            matching = [phase for phase, view in enumerate(views) if (kept == view).all()]
            assert matching
            phases.append(matching[0])
        seen.add(tuple(phases))
    # The second stroke is a dot, of the fourth all points are kept.
    assert {phases[:1] + phases[2:3] + phases[4:] for phases in seen} == set(itertools.product((0, 1), repeat=3))


def test_full_jitter_is_the_other_phase_and_some_jitter_mixes_both():
    ink, between = thinned(make_strokes((200,)))
    still = rethin(ink, between, np.random.default_rng(3), 0.0)
    turned = rethin(ink, between, np.random.default_rng(3), 1.0)
    assert (ink.offsets == still.offsets).all() != (ink.offsets == turned.offsets).all()
    mixed = rethin(ink, between, np.random.default_rng(3), 0.2)
    differing = (np.abs(mixed.offsets - still.offsets) > 1e-4).any(axis=1).mean()
    # A point that moves changes the row before and after it: 1 - 0.8².
    assert 0.26 < differing < 0.46


def test_ink_of_which_nothing_was_left_out_stays():
    ink = make_ink(1)
    same = rethin(ink, np.zeros((50, 2), np.float32), np.random.default_rng(0), 0.5)
    np.testing.assert_array_equal(same.offsets, ink.offsets)
