import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageSequence

from graves_jax.data.ink import Ink
from graves_jax.drawing.animation import HOLD_SECONDS, ink_to_animated_svg, ink_to_gif
from graves_jax.drawing.page import lay_out
from graves_jax.drawing.raster import save_png
from graves_jax.errors import InputError

SVG = "{http://www.w3.org/2000/svg}"


def gif_frames(path):
    return [np.asarray(frame.convert("L"), int) for frame in ImageSequence.Iterator(Image.open(path))]


def points_with_air(ink):
    """One for each segment, one for each way through the air; a dot takes one."""
    strokes = ink.strokes()
    return sum(max(len(stroke) - 1, 1) for stroke in strokes) + len(strokes) - 1


def test_frames_and_their_times(tmp_path, line):
    path = tmp_path / "line.gif"
    ink_to_gif(path, line, frames_per_second=20, points_per_second=60)
    image = Image.open(path)
    assert image.n_frames == math.ceil(points_with_air(line) / 3)
    assert image.info["loop"] == 0
    durations = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
    assert set(durations[:-1]) == {50} and durations[-1] == 1_000 * HOLD_SECONDS


def test_the_ink_only_grows_and_ends_as_the_finished_drawing(tmp_path, lines):
    ink_to_gif(tmp_path / "lines.gif", lines, width=500, stroke_width=2)
    frames = gif_frames(tmp_path / "lines.gif")
    for before, after in pairwise(frames):
        assert np.all(after <= before)
    # Drawn in one go, in a single frame, it is the same picture.
    ink_to_gif(tmp_path / "at_once.gif", lines, width=500, stroke_width=2, points_per_second=1e6)
    (at_once,) = gif_frames(tmp_path / "at_once.gif")
    np.testing.assert_array_equal(frames[-1], at_once)
    # And but for the edges that of Matplotlib.
    save_png(tmp_path / "lines.png", lines, width=500, stroke_width=2)
    finished = np.asarray(Image.open(tmp_path / "lines.png").convert("L"), int)
    assert finished.shape == frames[-1].shape
    assert np.abs(finished - frames[-1]).mean() < 3
    assert np.corrcoef(finished.ravel(), frames[-1].ravel())[0, 1] > 0.97


def test_half_way_the_left_half_is_written(tmp_path, wave):
    ink_to_gif(tmp_path / "wave.gif", wave)
    frames = gif_frames(tmp_path / "wave.gif")
    page = lay_out(wave)
    x = page.strokes()[0][:, 3, 0]
    for part in (0.25, 0.5, 0.75):
        number = round(part * len(frames))
        written = np.nonzero((frames[number] < 200).any(axis=0))[0].max()
        pen_at = x[min(int((number + 1) * 120 / 25), len(x)) - 1]
        assert written == pytest.approx(pen_at, abs=page.stroke_width + 1)


def test_a_line_of_forty_characters_is_small(tmp_path):
    rng = np.random.default_rng(0)
    t = np.linspace(0, 60, 1_000)
    points = np.column_stack([20 * t + 8 * np.cos(9 * t), 20 * np.sin(9 * t)]) + rng.normal(0, 0.3, (1_000, 2))
    ink_to_gif(tmp_path / "long.gif", Ink.from_strokes(np.split(points, 12 * [0] + [250, 500])[12:]))
    assert (tmp_path / "long.gif").stat().st_size < 300_000


def test_gif_bytes_are_determined_by_the_ink(tmp_path, line):
    for name in ("first", "second"):
        ink_to_gif(tmp_path / name, Ink(line.offsets.copy()))
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


@pytest.mark.parametrize("offsets", [[[0, 0, 1]], [[0, 0, 0], [0, 0, 1]], [[9, 1, 1], [5, 5, 1], [0, 0, 1]]])
def test_smallest_ink(tmp_path, offsets):
    ink = Ink(np.array(offsets))
    ink_to_gif(tmp_path / "small.gif", ink)
    assert gif_frames(tmp_path / "small.gif")[-1].min() < 200
    ElementTree.fromstring(ink_to_animated_svg(ink))


def test_gif_colours(tmp_path, wave):
    ink_to_gif(tmp_path / "red.gif", wave, colour="red", background="#00f", stroke_width=5)
    colours = {colour for _, colour in Image.open(tmp_path / "red.gif").convert("RGB").getcolors()}
    assert {(255, 0, 0), (0, 0, 255)} <= colours


@pytest.mark.parametrize(
    "options",
    [
        {"frames_per_second": 0},
        {"frames_per_second": 51},
        {"points_per_second": 0},
        {"points_per_second": math.inf},
        {"colour": "inkish"},
        {"background": None},
        {"width": 70_000},
    ],
)
def test_impossible_options_are_named(tmp_path, wave, options):
    with pytest.raises(InputError, match="found"):
        ink_to_gif(tmp_path / "wave.gif", wave, **options)
    assert not (tmp_path / "wave.gif").exists()


def key_times(svg):
    animations = ElementTree.fromstring(svg).findall(f".//{SVG}animate")
    return np.array([[float(time) for time in a.get("keyTimes").split(";")] for a in animations]), animations


def test_animated_svg_draws_each_stroke_in_turn_for_its_points(line):
    svg = ink_to_animated_svg(line, points_per_second=50)
    times, animations = key_times(svg)
    strokes = line.strokes()
    assert len(times) == len(strokes)
    (seconds,) = {float(a.get("dur").rstrip("s")) for a in animations}
    assert seconds == pytest.approx(points_with_air(line) / 50 + HOLD_SECONDS, abs=0.01)
    assert np.all(times[:, 0] == 0) and np.all(times[:, 3] == 1)
    points = (times[:, 2] - times[:, 1]) * seconds * 50
    np.testing.assert_allclose(points, [max(len(stroke) - 1, 1) for stroke in strokes], atol=0.05)
    air = (times[1:, 1] - times[:-1, 2]) * seconds * 50
    np.testing.assert_allclose(air, 1, atol=0.05)


def test_animated_svg_stands_still_as_the_finished_drawing(line):
    root = ElementTree.fromstring(ink_to_animated_svg(line))
    for path in root.iter(f"{SVG}path"):
        # Without the animation nothing shifts the dash, which covers the whole path.
        assert path.get("stroke-dashoffset") is None
        assert path.get("pathLength") == "1" and float(path.get("stroke-dasharray").split()[0]) >= 1
    assert "script" not in {element.tag for element in root.iter()}


def test_animated_svg_bytes_are_determined_by_the_ink(line):
    assert ink_to_animated_svg(line) == ink_to_animated_svg(Ink(line.offsets.copy(), line.text))
    assert re.search(r"e[+-]\d", ink_to_animated_svg(line)) is None


def test_animated_svg_refuses_a_pen_that_does_not_move(line):
    with pytest.raises(InputError, match="points per second"):
        ink_to_animated_svg(line, points_per_second=-1)
