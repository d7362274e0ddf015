"""InkML, from small files written by hand after the Recommendation."""

import numpy as np
import pytest

from graves_jax.data.own_ink.inkml import read_inkml
from graves_jax.errors import InputError

XML = '<ink xmlns="http://www.w3.org/2003/InkML" xmlns:xml="http://www.w3.org/XML/1998/namespace">{}</ink>'
TRUTH = '<annotation type="truth">Jon Snow</annotation>'


@pytest.fixture
def read(tmp_path):
    def read(content, wrap=XML):
        (tmp_path / "ink.inkml").write_text(wrap.format(content), encoding="utf-8")
        return read_inkml(tmp_path / "ink.inkml")

    return read


def points_of(lines):
    return [[stroke.tolist() for stroke in line.strokes] for line in lines]


def test_a_group_with_its_text_is_a_line(read):
    lines = read(
        f"<traceGroup xml:id='first'>{TRUTH}<trace>10 0, 9 14, 8 28</trace><trace>1 2</trace></traceGroup>"
        "<traceGroup><annotation type='Transcription'> nothing </annotation><trace> -1.5 .5,1e1 -2 </trace>"
        "</traceGroup>"
    )
    assert [(line.line_id, line.text, line.times) for line in lines] == [
        ("first", "Jon Snow", None),
        ("2", "nothing", None),
    ]
    assert points_of(lines) == [[[[10, 0], [9, 14], [8, 28]], [[1, 2]]], [[[-1.5, 0.5], [10, -2]]]]


def test_a_whole_file_may_be_one_line_and_lines_may_stand_in_a_page(read):
    assert points_of(read(f"{TRUTH}<trace>1 2,3 4</trace>")) == [[[[1, 2], [3, 4]]]]
    page = "<annotation type='truth'>Jon\nSnow</annotation>"
    word = "<traceGroup><annotation type='truth'>{}</annotation><trace>{}</trace></traceGroup>"
    line = "<traceGroup><annotation type='truth'>You know</annotation>{}{}</traceGroup>"
    lines = read(page + line.format(word.format("You", "1 1"), word.format("know", "2 2")) + word.format("nil", "3 3"))
    assert [line.text for line in lines] == ["You know", "nil"]
    assert points_of(lines) == [[[[1, 1]], [[2, 2]]], [[[3, 3]]]]


def test_differences_of_either_order(read):
    """The Recommendation's own example of a trace (section 3.2.2, a pair of coordinates each)."""
    [line] = read(f"{TRUTH}<trace>1125 18432,'23'43,\"7\"-8,3-5,7 -3,6 2,6 8,3 6</trace>")
    expected = [
        [1125, 18432], [1148, 18475], [1178, 18510], [1211, 18540],
        [1251, 18567], [1297, 18596], [1349, 18633], [1404, 18676],
    ]  # fmt: skip
    np.testing.assert_allclose(line.strokes[0], expected)


def test_explicit_values_after_differences_and_a_star_for_no_change(read):
    [line] = read(f"{TRUTH}<trace>1 1, '2 '3, * 1, !10 !20, 11 *</trace>")
    assert line.strokes[0].tolist() == [[1, 1], [3, 4], [3, 5], [10, 20], [11, 20]]


def test_channels_their_order_units_and_direction(read):
    form = (
        "<traceFormat><channel name='F'/><channel name='Y' orientation='-ve'/><channel name='X' units='mm'/>"
        "<channel name='T' units='s'/></traceFormat>"
    )
    [line] = read(f"{form}{TRUTH}<trace>7 4 5 0.5, 7 3 6 0.51</trace><trace>7 2 1 0.1, ? 2 1 0.2</trace>")
    # In the order of time, y downwards, milliseconds.
    np.testing.assert_allclose(line.strokes, [[[1, -2], [1, -2]], [[5, -4], [6, -3]]])
    np.testing.assert_allclose(line.times, [[100, 200], [500, 510]])
    assert line.unit == "mm"


def test_a_trace_may_name_its_context(read):
    formats = (
        "<definitions><traceFormat xml:id='xy'><channel name='X'/><channel name='Y'/></traceFormat>"
        "<traceFormat xml:id='yx'><channel name='Y'/><channel name='X'/></traceFormat>"
        "<context xml:id='turned' traceFormatRef='#yx'/></definitions>"
    )
    [line] = read(f"{formats}{TRUTH}<trace>1 2,3 4</trace><trace contextRef='#turned'>1 2,3 4</trace>")
    assert points_of([line]) == [[[[1, 2], [3, 4]], [[2, 1], [4, 3]]]]


def test_views_refer_to_traces_and_groups_each_once_and_lifted_pens_leave_none(read):
    ink = (
        "<trace xml:id='a'>1 1</trace><trace xml:id='b' type='penUp'>2 2</trace>"
        "<traceGroup xml:id='g'><trace xml:id='c'>3 3</trace><trace>4 4</trace></traceGroup>"
    )
    views = "<traceView traceDataRef='#c'/><traceView traceDataRef='#a'/><traceView traceDataRef='#g'/>"
    [line] = read(f"{ink}<traceView>{TRUTH}{views}</traceView>")
    assert points_of([line]) == [[[[3, 3]], [[1, 1]], [[4, 4]]]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "found no ink"),
        ("<trace>1 2</trace>", "found ink without text"),
        (f"<traceGroup>{TRUTH}</traceGroup>", "Expected ink for each text"),
        (f"{TRUTH}<trace></trace>", "found others, or none"),
        (f"{TRUTH}<trace>1 2, 3</trace>", "Expected X and Y of each point"),
        (f"{TRUTH}<trace>1 2, 3 ?</trace>", "Expected X and Y of each point"),
        (f"{TRUTH}<trace>1 2, 3 four</trace>", "Expected the numbers of a point"),
        (f"{TRUTH}<trace>1e400 2</trace>", "found others, or none"),
        (f"{TRUTH}<trace>1 2</traces>", "found a fault"),
    ],
)
def test_what_is_wrong_is_told(read, content, words):
    with pytest.raises(InputError, match=words) as error:
        read(content)
    assert "\n" not in str(error.value)


def test_other_files_are_told(read, tmp_path):
    with pytest.raises(InputError, match="XML of another kind, <svg>"):
        read("", wrap="<svg>{}</svg>")
    with pytest.raises(InputError, match="found a fault"):
        read("", wrap="no XML{}")
    with pytest.raises(InputError, match="without entity definitions"):
        read("&e;", wrap='<!DOCTYPE ink [<!ENTITY e "1 2">]><ink><annotation type="truth">{}</annotation></ink>')
    with pytest.raises(InputError, match="found no such file"):
        read_inkml(tmp_path / "missing.inkml")
