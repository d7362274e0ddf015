"""Texts and styles that people give: written, or refused in one sentence."""

import json

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graves_jax.data.alphabet import ASCII_ALPHABET, GRAVES_ALPHABET
from graves_jax.data.ink import Ink, Normalisation
from graves_jax.errors import InputError
from graves_jax.model.network import NetworkConfig
from graves_jax.model.weights import Weights
from graves_jax.sampling.styles import MAX_POINTS, load_style, number_to_read, to_scale
from graves_jax.sampling.write import MAX_CHARACTERS, check_text, write_lines

NORMALISATION = Normalisation((8.0, 0.1), (40.0, 37.0))


def weights(alphabet, provenance=None):
    network = NetworkConfig(num_characters=len(alphabet), points_per_character=4.0)
    return Weights({}, network, alphabet, NORMALISATION, provenance or {})


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(st.characters(), max_size=12) | st.integers(495, 505).map(lambda length: "a" * length))
@pytest.mark.parametrize("alphabet", [ASCII_ALPHABET, GRAVES_ALPHABET])
def test_a_text_is_accepted_exactly_if_it_can_be_written(alphabet, text):
    can_be_written = (
        0 < len(text) <= MAX_CHARACTERS
        and bool(text.strip())
        and not any(0xD800 <= ord(character) < 0xE000 for character in text)
        and (alphabet.has_other or set(text) <= set(map(chr, range(32, 127))))
    )
    try:
        check_text(weights(alphabet), text)
    except InputError as error:
        assert not can_be_written
        assert "\n" not in str(error) and len(str(error)) < 600
    else:
        assert can_be_written


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("a" * 10_000, "at most 500 characters, found 10000"),
        ("\t\n ", "only spaces"),
        ("a\x00b", r"'\\x00' at position 2"),
        ("snow ❄️", "'❄' at position 6"),
        ("שלום", "'ש' at position 1"),
        ("e\u0301", "'\u0301' at position 2"),
        ("a\ud800", "half a surrogate pair"),
    ],
)
def test_what_is_wrong_with_a_text_is_named(text, words):
    with pytest.raises(InputError, match=words):
        check_text(weights(ASCII_ALPHABET), text)


def test_a_prediction_network_writes_no_text():
    network = NetworkConfig(num_characters=0, num_window=0)
    prediction = Weights({}, network, ASCII_ALPHABET, NORMALISATION, {})
    with pytest.raises(InputError, match="found a prediction network, which reads no text"):
        write_lines(prediction, ["a"], keys=[jax.random.key(0)], bias=0.5)


def save_style(path, strokes, text="a hand"):
    path.write_text(json.dumps({"text": text, "strokes": strokes}))
    return str(path)


PROTOCOLS = [{}, {"data": "made up"}, {"data": {"protocol": "paper"}}, {"data": {"protocol": "writer"}}]


@pytest.mark.parametrize("provenance", PROTOCOLS)
@pytest.mark.parametrize("size", [1e-9, 1e-3, 1.0, 1e9])
def test_a_style_of_any_unit_is_brought_to_scale(tmp_path, provenance, size):
    rng = np.random.default_rng(0)
    strokes = np.column_stack([rng.normal(size=(60, 2)) * size, np.arange(60) % 12 == 11])
    style = load_style(save_style(tmp_path / "style.jsonl", strokes.tolist()), weights(ASCII_ALPHABET, provenance))
    assert 1 < np.ptp(np.cumsum(style.offsets[:, 0])) < 1e4 and style.offsets[-1, 2] == 1


@pytest.mark.parametrize("text", ["x" * 501, "naïve", "   "])
def test_a_style_whose_text_cannot_be_read_is_refused(tmp_path, text):
    path = save_style(tmp_path / "style.jsonl", [[1, 2, 0], [3, -4, 1]], text)
    with pytest.raises(InputError):
        load_style(path, weights(ASCII_ALPHABET))


def own_lines(path, texts, one_stroke=""):
    """A line of scribble for each text, three strokes a character; that of one text is a single stroke."""
    rows = []
    for text in texts:
        rng = np.random.default_rng(len(text))
        offsets = rng.uniform(0, 10, (36 * len(text), 2)) * [0.3, 1] - [0, 5]
        bits = np.arange(len(offsets)) % 12 == 11 if text != one_stroke else np.arange(len(offsets)) == len(offsets) - 1
        rows.append(json.dumps({"text": text, "strokes": np.column_stack([offsets, bits]).tolist()}))
    path.write_text("\n".join(rows))
    return str(path)


def test_lines_of_own_ink_that_do_not_fit_are_not_read(tmp_path):
    """Whichever comes first: its ink cannot be its text, or a letter of it has no place in the alphabet."""
    path, know, fitting = tmp_path / "own.jsonl", weights(ASCII_ALPHABET), ["a hand", "or two"]
    for wrong in ("in all", "naïve"):
        for texts in ([wrong, *fitting], [*fitting, wrong]):
            assert load_style(own_lines(path, texts, one_stroke="in all"), know).text == "a hand or two"
    with pytest.raises(InputError, match="'ï'"):
        load_style(own_lines(path, ["naïve", "naïf"]), know)


@pytest.mark.parametrize(("lengths", "number"), [([300] * 5, 4), ([299] * 5, 5), ([MAX_POINTS] * 2, 1), ([9_999], 1)])
def test_the_ways_between_lines_are_rows_too(lengths, number):
    assert number_to_read(lengths) == number


def test_a_style_that_stands_still_is_refused():
    with pytest.raises(InputError, match="moves along both axes"):
        to_scale(Ink([[1, 0, 0], [2, 0, 1]], "-"), weights(ASCII_ALPHABET))


def test_a_style_that_is_no_file_is_refused(tmp_path):
    for name in (tmp_path, tmp_path / ("x" * 300), "a\0"):
        with pytest.raises(InputError):
            load_style(f"{name}.jsonl", weights(ASCII_ALPHABET))
