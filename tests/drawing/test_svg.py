import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from graves_jax.data.ink import Ink
from graves_jax.drawing.page import lay_out
from graves_jax.drawing.svg import ink_to_svg

NAMESPACE = {"svg": "http://www.w3.org/2000/svg"}


def elements(svg, name):
    return ElementTree.fromstring(svg).findall(f".//svg:{name}", NAMESPACE)


def visited_points(path_data):
    """The points that a path visits, read with no knowledge of the writer: commands M, c, l and h only."""
    points, at = [], np.zeros(2)
    for command, numbers in re.findall(r"([A-Za-z])([^A-Za-z]*)", path_data):
        values = [float(number) for number in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", numbers)]
        size = {"M": 2, "c": 6, "l": 2, "h": 1}[command]
        assert values and len(values) % size == 0
        for start in range(0, len(values), size):
            step = values[start : start + size][-2:]
            at = np.array(step) if command == "M" else at + (step if command != "h" else [step[0], 0])
            points.append(at)
    return np.array(points)


def paths(svg):
    return [visited_points(path.get("d")) for path in elements(svg, "path")]


@pytest.mark.parametrize("smooth", [True, False])
def test_one_path_per_stroke_through_every_pen_point(line, smooth):
    drawn = paths(ink_to_svg(line, smooth=smooth))
    strokes = line.strokes()
    assert len(drawn) == len(strokes)
    ends = [np.concatenate([s[:1, 0], s[:, 3]]) for s in lay_out(line, smooth=smooth).strokes()]
    for path, expected, stroke in zip(drawn, ends, strokes, strict=True):
        if len(stroke) == 1:
            np.testing.assert_allclose(path, expected, atol=0.02)
            continue
        # Rounded to hundredths, with no drift along the path; a pen at rest adds no point.
        moving = np.concatenate([[True], np.any(np.diff(np.round(expected, 2), axis=0) != 0, axis=1)])
        np.testing.assert_allclose(path, expected[moving], atol=0.00501)


def test_the_path_is_the_ink_up_to_one_scale_and_shift(wave):
    (path,) = paths(ink_to_svg(wave, width=2_000))
    (stroke,) = wave.strokes()
    design = np.column_stack([stroke.ravel(), np.tile([1, 0], len(stroke)), np.tile([0, 1], len(stroke))])
    fit, _, _, _ = np.linalg.lstsq(design, path.ravel(), rcond=None)
    np.testing.assert_allclose(design @ fit, path.ravel(), atol=0.01)
    assert fit[0] > 0


def test_everything_lies_inside_the_view_box(lines):
    svg = ink_to_svg(lines, width=777, margin=11)
    root = ElementTree.fromstring(svg)
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    width, height = int(root.get("width")), int(root.get("height"))
    points = np.concatenate(paths(svg))
    assert width == 777
    assert np.all(points >= 10.9) and np.all(points <= np.array([width, height]) - 10.9)


def test_round_ends_and_no_shape_but_the_strokes(lines):
    root = ElementTree.fromstring(ink_to_svg(lines))
    tags = {element.tag.split("}")[1] for element in root.iter()}
    assert tags == {"svg", "title", "g", "path"}
    pen = root.find("svg:g", NAMESPACE)
    assert (pen.get("fill"), pen.get("stroke-linecap"), pen.get("stroke-linejoin")) == ("none", "round", "round")


def test_a_dot_has_some_length_and_a_broad_pen():
    svg = ink_to_svg(Ink(np.array([[9, 9, 1], [3, 0, 1]])), stroke_width=2)
    dot = elements(svg, "path")[1]
    assert re.fullmatch(r"M[\d. -]+h\.01", dot.get("d"))
    assert float(dot.get("stroke-width")) > 2


def test_a_varying_pen_draws_the_same_points_in_runs(wave):
    svg = ink_to_svg(wave, variable_width=True)
    runs = paths(svg)
    (whole,) = paths(ink_to_svg(wave))
    assert len(runs) > 5
    joined = np.concatenate([runs[0], *(run[1:] for run in runs[1:])])
    np.testing.assert_allclose(joined, whole, atol=0.001)
    widths = [float(path.get("stroke-width")) for path in elements(svg, "path") if path.get("stroke-width")]
    assert len(set(widths)) > 3


def test_equal_ink_gives_equal_bytes(line):
    again = Ink(line.offsets.copy(), line.text)
    assert ink_to_svg(line) == ink_to_svg(again) == ink_to_svg([again])
    assert ink_to_svg(line, variable_width=True) == ink_to_svg(again, variable_width=True)


def test_the_output_is_compact(wave):
    assert len(ink_to_svg(wave)) < 32 * len(wave) + 500


@pytest.mark.parametrize("text", ["a < b & \"c\" 'd' ]]> -->", "ZOË €", "bell \a zero \0", "two\nlines"])
def test_any_text_is_a_valid_title(wave, text):
    svg = ink_to_svg(Ink(wave.offsets, text))
    (title,) = elements(svg.encode("utf-8"), "title")
    assert title.text == re.sub("[\a\0\ud800]", "\ufffd", text)


def test_colours_are_attributes_and_cannot_break_out(wave):
    svg = ink_to_svg(wave, colour='"><script/>', background='"/><rect/>')
    assert not elements(svg, "script") and not elements(svg, "rect")
    assert "background:white" in ink_to_svg(wave)
    assert "background" not in ink_to_svg(wave, background=None)


def test_svg_needs_neither_matplotlib_nor_jax():
    program = (
        "import sys; import graves_jax; before = set(sys.modules); import graves_jax.drawing.svg; "
        "print([m for m in set(sys.modules) - before if m.split('.')[0] in ('matplotlib', 'jax', 'flax')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
