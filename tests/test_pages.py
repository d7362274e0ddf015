"""Text to pages with the weights that ship and that anybody may use: small ones."""

import dataclasses

import numpy as np
import pytest

import graves_jax
from graves_jax import pages as pages_module
from graves_jax.data.alphabet import Alphabet
from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.layout.pages import Setting
from graves_jax.layout.paper import make_paper
from graves_jax.pages import LINE_CHARACTERS, write_pages
from graves_jax.sampling.faults import CANNOT_BE_TOLD
from graves_jax.sampling.write import Written

LETTER = "Dear Anna,\n\nthe train was late again.\nNo rain today!\nYours, Tom"


@pytest.fixture(scope="module")
def weights():
    return graves_jax.load("hershey")


@pytest.fixture(scope="module")
def setting():
    return Setting(make_paper("A6", [12]))


@pytest.fixture(scope="module")
def letter(weights, setting):
    return write_pages(weights, LETTER, setting, seed=3)


def strokes_of(pages, text):
    """Where the strokes of the line with this text are, from its first point."""
    [line] = [line for sheet in pages.sheets for line in sheet.lines if line.text == text]
    return [stroke - line.strokes[0][0] for stroke in line.strokes]


def test_every_word_is_set_and_every_line_of_the_network_is_of_a_good_length(letter):
    [sheet] = letter.sheets
    assert " ".join(line.text for line in sheet.lines) == " ".join(LETTER.split())
    assert letter.num_words == 12
    assert max(len(line.ink.text) for line in letter.lines) <= LINE_CHARACTERS


def test_the_ink_keeps_within_the_margins(letter, setting):
    left, top, right, bottom = letter.ink_box(setting.pen)
    assert left >= 12 and top >= 12 and right <= 105 - 12 and bottom <= 148 - 12


def test_the_same_seed_gives_the_same_page_and_another_one_another_hand(weights, setting, letter):
    again, other = (write_pages(weights, LETTER, setting, seed=seed) for seed in (3, 4))
    for one, two in zip(letter.sheets[0].lines, again.sheets[0].lines, strict=True):
        for stroke, again_stroke in zip(one.strokes, two.strokes, strict=True):
            np.testing.assert_array_equal(stroke, again_stroke)
    assert letter.ink_box(0.1) != other.ink_box(0.1)


def test_a_changed_paragraph_redraws_no_other(weights, setting, letter):
    changed = write_pages(weights, LETTER.replace("No rain", "A new line goes here.\nNo wind"), setting, seed=3)
    for text in ("Dear Anna,", "the train was late again.", "Yours, Tom"):
        for before, after in zip(strokes_of(letter, text), strokes_of(changed, text), strict=True):
            np.testing.assert_allclose(after, before, atol=1e-9)


def test_equal_paragraphs_are_not_the_same_ink(weights, setting):
    pages = write_pages(weights, "ever so\never so", setting)
    first, second = ([len(stroke) for stroke in line.strokes] for line in pages.sheets[0].lines)
    assert first != second


def test_signs_that_the_hand_lacks_are_drawn_where_that_is_asked_for(weights, setting):
    known = weights.alphabet.characters.replace("@", "")
    fewer = type(weights)(**(vars(weights) | {"alphabet": type(weights.alphabet)(known + "\x01")}))
    pages = write_pages(fewer, "tom@home €5", setting)
    assert pages.drawn == ["@", "€"] and pages.sheets[0].lines[0].text == "tom@home €5"
    assert all("@" not in line.ink.text for line in pages.lines)
    with pytest.raises(InputError, match=r"'@' \(line 1, column 4\)"):
        write_pages(fewer, "tom@home", setting, draw_signs=False)


def test_words_of_a_narrow_page_are_hyphenated(weights):
    pytest.importorskip("pyphen", reason="needs pyphen for places to break words at")
    from graves_jax.layout.hyphens import hyphenator

    narrow = Setting(make_paper("40x200", [3]), x_height=2.5, wander=0.0)
    text = "extraordinary circumstances notwithstanding considerations"
    pages = write_pages(weights, text, narrow, hyphenate=hyphenator("en"))
    lines = [line.text for line in pages.sheets[0].lines]
    assert any(line.endswith("-") for line in lines)
    assert "".join(line.removesuffix("-") for line in lines).replace(" ", "") == text.replace(" ", "")
    left, _, right, _ = pages.ink_box(narrow.pen)
    assert left >= 3 and right <= 37
    with pytest.raises(InputError, match="en_GB"):
        hyphenator("klingon")


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "something to write"),
        (" \n\t\n", "something to write"),
        ("a" * 1_000_001, "1,000,000"),
        ("☃", r"'☃' \(line 1, column 1\)"),
    ],
)
def test_texts_that_cannot_be_written_are_refused(weights, setting, text, words):
    with pytest.raises(InputError, match=words):
        write_pages(weights, text, setting)


def test_equal_paragraphs_have_signs_of_their_own(weights, setting):
    pages = write_pages(weights, "5 € each\n5 € each", setting, seed=3)
    one, two = ([stroke for line in [line] for stroke in line.strokes] for line in pages.sheets[0].lines)
    assert pages.drawn == ["€"]
    shapes = [{np.round(stroke - stroke[0], 6).tobytes() for stroke in strokes} for strokes in (one, two)]
    assert not shapes[0] & shapes[1]


@pytest.mark.parametrize(
    "characters, expected",
    [
        (" абвгдежз", ["абвг дежз"]),
        (" אבג", ["אבג"]),
        ("".join(map(chr, range(0x4E00, 0x4E80))), None),
    ],
)
def test_a_hand_without_the_letters_of_the_specimens_shows_its_own(characters, expected):
    texts = pages_module._specimens(Alphabet(characters))
    assert set("".join(texts)) <= set(characters) | {" "} and len(texts) <= 3
    assert expected is None or texts == expected


def test_a_word_that_was_taken_from_another_drawing_is_no_fault():
    ink = Ink([[1, 1, 0], [1, -1, 1]], "Jon Snow")
    doubts = [[3.0, 30.0], [28.0, 4.0]]
    first, other = (
        Written(
            ink, np.zeros(2, int), 0.5, attempts=1, fault=f"its word 'Snow' {CANNOT_BE_TOLD}", words=np.array(words)
        )
        for words in doubts
    )
    assert pages_module._kept([first]).fault is not None
    assert pages_module._kept([first, other]).fault is None
    # Neither can be told; or something else is wrong.
    assert pages_module._kept([first, first]).fault is not None
    stood = dataclasses.replace(first, fault="the window stood still")
    assert pages_module._kept([stood, other]) is stood


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_has_32_bits(weights, setting, seed):
    with pytest.raises(InputError, match="seed of 0 to"):
        write_pages(weights, "Snow", setting, seed=seed)
