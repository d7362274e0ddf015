"""Own ink: what a recorder notes is read, and what cannot be used is one sentence."""

import json

import pytest

from graves_jax.data.own_ink import readers
from graves_jax.data.own_ink.readers import MAX_POINTS, read_own_ink
from graves_jax.errors import InputError

# Two strokes of two points and one dot.
STROKES = [[1, 2.5, 1], [3, -4, 0], [1, 0, 1], [5, 5, 1]]


def write(path, *rows):
    path.write_text("".join(json.dumps({"text": "ab", "strokes": STROKES} | row) + "\n" for row in rows))
    return path


def test_strokes_text_and_name(tmp_path):
    first, second = read_own_ink(write(tmp_path / "ink.jsonl", {"unit": "px"}, {"id": "two", "text": " a\u0308  b "}))
    assert [stroke.tolist() for stroke in first.strokes] == [[[0, 0], [1, 2.5]], [[4, -1.5], [5, -1.5]], [[10, 3.5]]]
    assert (first.line_id, first.text, first.unit, first.times, first.num_points) == ("1", "ab", "px", None, 5)
    # An a and two dots are one character, and spaces are single.
    assert (second.line_id, second.text) == ("two", "ä b")


def test_times_of_points_and_of_offsets(tmp_path):
    points, offsets = read_own_ink(
        write(tmp_path / "ink.jsonl", {"times": [0, 8, 100, 90, 300]}, {"times": [10, 18.5, 26, 400]})
    )
    # They never go back.
    assert [time.tolist() for time in points.times] == [[0, 8], [100, 100], [300]]
    assert [time.tolist() for time in offsets.times] == [[1.5, 10], [18.5, 26], [400]]


def test_inkml_by_its_suffix(tmp_path):
    ink = '<ink><annotation type="truth">a  b</annotation><trace>1 2,3 4</trace></ink>'
    for name in ("ink.inkml", "ink.XML"):
        (tmp_path / name).write_text(ink)
        [line] = read_own_ink(tmp_path / name)
        assert line.text == "a b" and line.strokes[0].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"text": ""}, '"text" of at least one character'),
        ({"text": "  "}, "only spaces"),
        ({"strokes": []}, '"strokes"'),
        ({"times": [1, 2]}, '"times" of 5 points in milliseconds, found 2'),
        ({"times": "soon"}, "found none"),
        ({"times": [1, 2, 3, 4, float("nan")]}, '"times"'),
        ({"times": [1, 2, 3, 4, None]}, '"times"'),
        ({"unit": 3}, '"unit" that is a name'),
        ({"strokes": [[1, 1, 0]] * MAX_POINTS + [[1, 1, 1]]}, "found 20,002 in line '1'"),
    ],
)
def test_wrong_rows_are_told(tmp_path, row, words):
    with pytest.raises(InputError, match=words) as error:
        read_own_ink(write(tmp_path / "ink.jsonl", row))
    assert "\n" not in str(error.value)


def test_too_many_lines_are_a_corpus(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "MAX_POINTS_IN_ALL", 9)
    assert len(read_own_ink(write(tmp_path / "ink.jsonl", {}))) == 1
    with pytest.raises(InputError, match=r"at most 9 points .* found 10"):
        read_own_ink(write(tmp_path / "ink.jsonl", {}, {}))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("ink.jsonl", "", "found none"),
        ("ink.jsonl", "<ink/>", "expected a JSON object"),
        ("ink.inkml", '{"text": "a"}', "found a fault"),
        ("ink.png", "", "a .jsonl or .inkml file"),
        ("ink", "", "a .jsonl or .inkml file"),
    ],
)
def test_other_files_are_told(tmp_path, name, content, words):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=words):
        read_own_ink(tmp_path / name)
    with pytest.raises(InputError, match="found no such file"):
        read_own_ink(tmp_path / "missing.jsonl")
