"""Own ink: what is written is read back, wrong rows are named, and splits do not leak writers."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graves_jax.data.ink import Ink
from graves_jax.data.json_lines import choose_validation, read_json_lines, save_json_lines
from graves_jax.errors import InputError

STROKES = [[1, 2.5, 0], [3, -4, 1]]


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def row(**fields):
    return {"text": "ab", "strokes": STROKES} | fields


def test_ink_comes_back_bit_for_bit(tmp_path):
    rng = np.random.default_rng(0)
    inks = [
        Ink(
            np.column_stack([rng.normal(size=(40, 2)) * 10.0**exponent, np.arange(40) == 39]), f'é "{exponent}"\n\u2028'
        )
        for exponent in (-30, -3, 0, 3, 9)
    ]
    save_json_lines(tmp_path / "ink.jsonl", iter(inks))
    lines = read_json_lines(tmp_path / "ink.jsonl")
    assert [line.ink.text for line in lines] == [ink.text for ink in inks]
    for line, ink in zip(lines, inks, strict=True):
        np.testing.assert_array_equal(line.ink.offsets, ink.offsets)


def test_rows_are_as_documented(tmp_path):
    save_json_lines(tmp_path / "ink.jsonl", [Ink([[0.1, -2, 0], [3, 4, 1]], "Jon")])
    text = (tmp_path / "ink.jsonl").read_text()
    assert text == '{"text": "Jon", "strokes": [[0.1, -2.0, 0], [3.0, 4.0, 1]]}\n'


def test_ink_without_text_is_not_written(tmp_path):
    with pytest.raises(InputError, match="Expected a text"):
        save_json_lines(tmp_path / "ink.jsonl", [Ink(STROKES, "a"), Ink(STROKES)])
    assert not (tmp_path / "ink.jsonl").exists()


def test_optional_fields(tmp_path):
    rows = [row(id="one", writer="w", split="validation"), row(split="none"), row(split="training", extra=1)]
    lines = read_json_lines(write_rows(tmp_path / "ink.jsonl", rows))
    assert [(line.line_id, line.writer, line.split, line.subset) for line in lines] == [
        ("one", "w", "validation", "validation"),
        ("2", "", "none", "none"),
        ("3", "", "training", "training"),
    ]


def test_blank_rows_are_passed_over_and_counted(tmp_path):
    path = tmp_path / "ink.jsonl"
    path.write_text(f"\n{json.dumps(row())}\n\n{json.dumps(row())}")
    assert [line.line_id for line in read_json_lines(path)] == ["2", "4"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("not json", "expected a JSON object, found 'not json'"),
        ("[1, 2]", "expected a JSON object"),
        ("[" * 100_000, "expected a JSON object"),
        (json.dumps({"strokes": STROKES}), 'expected a "text" of at least one character, found None'),
        (json.dumps(row(text="")), "expected a \"text\" of at least one character, found ''"),
        (json.dumps(row(text=5)), 'expected a "text"'),
        (json.dumps({"text": "a"}), 'expected "strokes" to be a list of'),
        (json.dumps(row(strokes=[])), 'expected "strokes"'),
        (json.dumps(row(strokes="abc")), 'expected "strokes"'),
        (json.dumps(row(strokes=[[1, 2]])), 'expected "strokes"'),
        (json.dumps(row(strokes=[[1, 2, 0], [1, 2]])), 'expected "strokes"'),
        (json.dumps(row(strokes=[["1", "2", "1"]])), 'expected "strokes"'),
        (json.dumps(row(strokes=[[1, None, 1]])), 'expected "strokes"'),
        (json.dumps(row(strokes=[[1, 10**30, 1]])), 'expected "strokes"'),
        (json.dumps(row(strokes=[[1, float("nan"), 1]])), "expected finite numbers"),
        (json.dumps(row(strokes=[[1, 1e39, 1]])), "expected finite numbers"),
        (json.dumps(row(strokes=[[1, -1e12, 1]])), "expected finite numbers below 1e+12"),
        (json.dumps(row(strokes=[[1, 2, 0.5], [1, 2, 1]])), "bits of 0 or 1"),
        (json.dumps(row(strokes=[[1, 2, 0]])), "end_of_stroke 1 in the last offset, found 0"),
        (json.dumps(row(split="train")), "found 'train'"),
        (json.dumps(row(split=["none"])), 'expected a "split" out of'),
        (json.dumps(row(id=7)), '"id" and "writer" to be strings'),
        (json.dumps(row(writer=None)), '"id" and "writer" to be strings'),
        (json.dumps(row(id="1")), "the id '1' stands in row 1 too"),
        (json.dumps(row(split="none")), "expected a split in all rows or in none"),
    ],
)
def test_a_wrong_row_is_named_by_its_number(tmp_path, wrong, message):
    path = tmp_path / "ink.jsonl"
    path.write_text(f"{json.dumps(row())}\n\n{wrong}\n")
    with pytest.raises(InputError, match=r"^Row 3 of .*ink\.jsonl is wrong: ") as caught:
        read_json_lines(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_files_that_are_none(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_json_lines(tmp_path / "gone.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n\n")
    with pytest.raises(InputError, match="found none"):
        read_json_lines(tmp_path / "empty.jsonl")
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x80")
    with pytest.raises(InputError, match="JSON Lines in UTF-8"):
        read_json_lines(tmp_path / "binary.jsonl")


def splits_of(tmp_path, rows):
    return [line.split for line in read_json_lines(write_rows(tmp_path / "ink.jsonl", rows))]


def test_split_by_writer_does_not_leak(tmp_path):
    rows = [row(writer=f"writer {number % 50}") for number in range(1_000)]
    splits = splits_of(tmp_path, rows)
    sides = {(fields["writer"], split) for fields, split in zip(rows, splits, strict=True)}
    assert len(sides) == 50
    assert 0.03 <= splits.count("validation") / len(splits) <= 0.05
    assert splits == splits_of(tmp_path, rows)


def test_one_writer_is_split_by_line(tmp_path):
    for writer in ("", "me"):
        splits = splits_of(tmp_path, [row(writer=writer) for _ in range(100)])
        assert splits.count("validation") == 5
    assert splits_of(tmp_path, [row(writer="me")]) == ["training"]


def test_two_writers_of_many_lines_still_stay_apart(tmp_path):
    splits = splits_of(tmp_path, [row(writer="ab"[number < 30]) for number in range(100)])
    assert splits == ["validation"] * 30 + ["training"] * 70


@given(st.lists(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), min_size=1, max_size=200))
def test_choice_is_never_empty_nor_all(groups):
    chosen = choose_validation(groups)
    assert chosen < set(groups)
    assert bool(chosen) == (len(set(groups)) > 1)
    assert chosen == choose_validation(groups[::-1])
