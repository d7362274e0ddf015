"""Own ink is the same to a network whatever device recorded it."""

import dataclasses

import numpy as np
import pytest

from graves_jax.data.hershey.writers import draw_writer, render_text
from graves_jax.data.line_geometry import HEIGHT
from graves_jax.data.own_ink.conform import Target, conform, spread, upside_down
from graves_jax.data.own_ink.readers import OwnLine

TEXTS = ["The lazy fox (aged 9)", "quit his job in Quebec", "and never jumped again"]


@pytest.fixture(scope="module")
def recorded():
    """Three lines of one synthetic hand, 60 points per character at 10 ms each."""
    rng = np.random.default_rng(1)
    writer = draw_writer(rng, faces=("futural",))
    lines = []
    for number, text in enumerate(TEXTS):
        strokes = render_text(text, writer, rng, points_per_character=60.0).strokes()
        times, clock = [], 0.0
        for stroke in strokes:
            times.append(clock + 10.0 * np.arange(len(stroke)))
            clock = times[-1][-1] + 250.0
        lines.append(OwnLine(strokes, text, str(number), times, "units"))
    return lines


def change(lines, change_stroke):
    return [dataclasses.replace(line, strokes=[change_stroke(stroke) for stroke in line.strokes]) for line in lines]


def offsets(conformed):
    return np.concatenate([line.ink.offsets for line in conformed])


def errors(conformed, recorded):
    """How far each point of a line is from where the pen was at its time, in units of `HEIGHT`. Two strokes or more.

    Strokes keep their ends, so these tell how the line was turned and scaled.
    """
    found = [stroke @ [1, 1j] for stroke in conformed.ink.strokes()]
    known = [stroke @ [1, 1j] for stroke in recorded.strokes]
    ends_found, ends_known = (np.array([stroke[[0, -1]] for stroke in strokes]).ravel() for strokes in (found, known))
    basis = np.column_stack([ends_known, np.ones(len(ends_known))])
    (factor, shift), *_ = np.linalg.lstsq(basis, ends_found)
    expected = [
        np.interp(np.linspace(time[0], time[-1], len(stroke)), time, path)
        for stroke, time, path in zip(found, recorded.times, known, strict=True)
    ]
    return np.abs(factor * np.concatenate(expected) + shift - np.concatenate(found)) / HEIGHT


@pytest.mark.parametrize("rate", [5.0, 10.0, 25.0])
def test_points_per_character_are_those_of_the_target(recorded, rate):
    conformed = conform(recorded, Target(rate))
    points, characters = len(offsets(conformed)), sum(map(len, TEXTS))
    assert abs(points / characters / rate - 1) < 0.1
    assert [line.reason for line in conformed] == [None] * 3
    assert all(len(line.ink.strokes()) == len(line.line.strokes) for line in conformed)


def test_unit_and_place_do_not_matter(recorded):
    expected = offsets(conform(recorded, Target(10.0)))
    moved = change(recorded, lambda stroke: 0.037 * stroke + [1_000.0, -50.0])
    np.testing.assert_allclose(offsets(conform(moved, Target(10.0))), expected, atol=1e-3)
    assert conform(moved, Target(10.0))[0].height == pytest.approx(0.037 * conform(recorded, Target(10.0))[0].height)


def test_lines_become_level_and_of_one_height(recorded):
    turn = np.array([[np.cos(0.1), np.sin(0.1)], [-np.sin(0.1), np.cos(0.1)]])
    turned = conform(change(recorded, lambda stroke: 3.0 * stroke @ turn), Target(10.0))
    for line in turned:
        y = np.concatenate(line.ink.strokes())[:, 1]
        assert np.abs(y - np.median(y)).mean() == pytest.approx(HEIGHT, rel=0.02)
    np.testing.assert_allclose(offsets(turned), offsets(conform(recorded, Target(10.0))), atol=6.0)


def test_the_spread_is_that_of_the_target(recorded):
    inks = [line.ink for line in conform(recorded, Target(10.0, spread=5.0))]
    std = np.concatenate([ink.offsets for ink in inks])[:, :2].std(axis=0)
    assert np.sqrt(std[0] * std[1]) == pytest.approx(5.0, rel=1e-3) == spread(inks)


def test_points_are_where_the_pen_was_after_even_times(recorded):
    for line, expected in zip(conform(recorded, Target(11.0)), recorded, strict=True):
        assert errors(line, expected).max() < 0.05


def test_a_device_that_leaves_out_points_draws_the_same_where_times_are_known(recorded):
    """A mouse tells when it moves, and not evenly."""
    rng = np.random.default_rng(0)
    sparse, untimed = [], []
    for line in recorded:
        keep = [rng.random(len(stroke)) < 0.35 for stroke in line.strokes]
        for kept in keep:
            kept[[0, -1]] = True
        strokes = [stroke[kept] for stroke, kept in zip(line.strokes, keep, strict=True)]
        times = [time[kept] for time, kept in zip(line.times, keep, strict=True)]
        sparse.append(dataclasses.replace(line, strokes=strokes, times=times))
        untimed.append(dataclasses.replace(line, strokes=strokes, times=None))

    with_times, without = (
        np.concatenate([errors(*pair) for pair in zip(conform(lines, Target(11.0)), recorded, strict=True)])
        for lines in (sparse, untimed)
    )
    assert with_times.mean() < 0.03 < 0.1 < without.mean()


def test_strokes_end_as_in_data_of_which_every_second_point_was_kept(recorded):
    [first, *_] = conform(recorded, Target(11.0, every=2))
    [dense, *_] = conform(recorded, Target(22.0))
    last_steps = [
        np.hypot(*(stroke[-1] - stroke[-2])) / np.hypot(*(stroke[-2] - stroke[-3]))
        for stroke in first.ink.strokes()
        if len(stroke) > 4
    ]
    assert min(last_steps) < 0.7
    assert abs(2 * len(first.ink) / len(dense.ink) - 1) < 0.2


def test_few_points_become_curves_and_no_polygons():
    angle = np.linspace(0, 2 * np.pi, 13)
    circles = [np.column_stack([np.cos(angle) + 3 * n, np.sin(angle)]) for n in range(2)]
    [line] = conform([OwnLine(circles, "oo", "1")], Target(40.0))
    strokes = line.ink.strokes()
    radius = np.ptp(strokes[0][:, 1]) / 2
    centre = (strokes[0].max(axis=0) + strokes[0].min(axis=0)) / 2
    # The polygon's sides are 3.4 % closer to the centre than its corners.
    np.testing.assert_allclose(np.hypot(*(strokes[0] - centre).T), radius, rtol=0.012)


def test_a_pen_that_rests_and_doubled_points_leave_no_trace(recorded):
    def rest(line, where=20):
        strokes, times = list(line.strokes), list(line.times)
        strokes[0] = np.insert(strokes[0], where, [strokes[0][where]] * 30, axis=0)
        times[0] = np.concatenate([times[0][:where], times[0][where] + np.arange(30.0), times[0][where:] + 800.0])
        return dataclasses.replace(line, strokes=strokes, times=times)

    resting = conform([rest(recorded[0]), *recorded[1:]], Target(11.0))[0].ink
    expected = conform(recorded, Target(11.0))[0].ink
    assert abs(len(resting) - len(expected)) <= 2
    assert (np.hypot(*resting.offsets[:, :2].T) > 0).all()


def test_taps_far_away_are_left_out_and_dots_stay(recorded):
    far = [[-900.0, 400.0]], [[2_000.0, 0.0], [2_000.5, 0.5]]
    tapped = [
        dataclasses.replace(
            line,
            strokes=[np.array(far[0]), *line.strokes, np.array(far[1])],
            times=[line.times[0][:1] - 500, *line.times, line.times[-1][-1] + np.array([900.0, 910.0])],
        )
        for line in recorded
    ]
    found = conform(tapped, Target(11.0))
    assert [line.taps for line in found] == [2, 2, 2]
    np.testing.assert_allclose(offsets(found), offsets(conform(recorded, Target(11.0))), atol=1e-3)
    assert [line.taps for line in conform(recorded, Target(11.0))] == [0, 0, 0]


def coarse(line, pixels):
    """Drawn so small that its letters are so many pixels high, on whole pixels."""
    height = conform([line], Target(11.0))[0].height * 1.5
    return dataclasses.replace(line, strokes=[np.round(stroke * pixels / height) for stroke in line.strokes])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda line: dataclasses.replace(line, strokes=[line.strokes[0]], times=line.times[:1]), "1 stroke"),
        (lambda line: dataclasses.replace(line, strokes=[s[::99] for s in line.strokes], times=None), "points per"),
        (lambda line: dataclasses.replace(line, strokes=[s * [1.0, 0.0] for s in line.strokes]), "without height"),
        (lambda line: dataclasses.replace(line, strokes=[s[:1] for s in line.strokes], times=None, text="J"), "height"),
        (lambda line: coarse(line, 4), "on a grid of whole units"),
        (lambda line: dataclasses.replace(line, text=line.text + " and as much of it once more"), "more or less ink"),
    ],
)  # fmt: skip
def test_lines_that_cannot_be_used_say_why_and_leave_the_others_alone(recorded, spoil, words):
    found = conform([*recorded, dataclasses.replace(spoil(recorded[0]), line_id="spoilt")], Target(11.0))
    assert [line.reason for line in found[:3]] == [None] * 3
    assert words in found[3].reason


def test_ordinary_pixels_are_fine(recorded):
    found = conform([coarse(line, 20) for line in recorded], Target(11.0))
    assert [line.reason for line in found] == [None] * 3


def test_upside_down_twice_is_as_before(recorded):
    np.testing.assert_array_equal(
        np.concatenate(upside_down(upside_down(recorded[0])).strokes), np.concatenate(recorded[0].strokes)
    )
