"""Pictures of lines as a recogniser sees them, and the one recogniser there is."""

import sys

import numpy as np
import pytest

from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.evaluation import readers
from graves_jax.evaluation.readers import HEIGHT, MARGIN, MAX_WIDTH, PPOCR, greedy_text, make_upright, picture, slant


def printed(num_letters=12):
    """Stems, bars and bowls, upright, with ascenders and descenders."""
    angles = np.linspace(0, 2 * np.pi, 20)
    bowl = 10 * np.column_stack([np.cos(angles), np.sin(angles)])
    strokes = []
    for place in np.arange(num_letters) * 30.0:
        top, bottom = (-40, 10) if place % 60 else (-10, 30)
        strokes.append(np.column_stack([np.full(20, place), np.linspace(top, bottom, 20)]))
        strokes.append(bowl + np.array([place + 12, 0]))
    return strokes


def sheared(strokes, amount):
    """To the right by `amount` for each unit up; y grows downwards."""
    return [stroke @ np.array([[1.0, 0.0], [-amount, 1.0]]) for stroke in strokes]


def turned(strokes, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return [stroke @ np.array([[c, s], [-s, c]]) for stroke in strokes]


def ink_of(strokes):
    return Ink.from_strokes(strokes, "text")


@pytest.mark.parametrize("amount", [-0.6, -0.2, 0.0, 0.35, 0.8])
def test_a_known_slant_is_found_and_taken_out(amount):
    strokes = sheared(printed(), amount)
    assert slant(strokes) == pytest.approx(amount, abs=0.03)
    assert slant(make_upright(strokes)) == pytest.approx(0.0, abs=0.03)
    for before, after in zip(strokes, make_upright(strokes), strict=True):
        np.testing.assert_array_equal(before[:, 1], after[:, 1])


def test_a_picture_has_its_height_and_margins_and_is_dark_on_white():
    drawn = picture(ink_of(printed()))
    assert drawn.dtype == np.uint8 and drawn.shape[0] == HEIGHT
    assert drawn.max() == 255 and drawn.min() < 60
    rows, columns = np.flatnonzero((drawn < 128).any(axis=1)), np.flatnonzero((drawn < 128).any(axis=0))
    assert [rows[0], HEIGHT - 1 - rows[-1]] == pytest.approx([MARGIN, MARGIN], abs=1.5)
    assert [columns[0], drawn.shape[1] - 1 - columns[-1]] == pytest.approx([MARGIN, MARGIN], abs=1.5)
    strokes = np.concatenate(printed())
    width, height = np.ptp(strokes, axis=0)
    assert drawn.shape[1] - 2 * MARGIN == pytest.approx(0.88 * (HEIGHT - 2 * MARGIN) * width / height, rel=0.03)


def test_size_place_turn_and_slant_of_the_writing_do_not_show():
    reference = picture(ink_of(printed())).astype(float)
    for changed in (
        [stroke * 0.01 for stroke in printed()],
        [stroke * 50 + [1_000, -300] for stroke in printed()],
        sheared(printed(), 0.4),
        turned(printed(), 3.0),
    ):
        drawn = picture(ink_of(changed)).astype(float)
        width = min(drawn.shape[1], reference.shape[1])
        assert abs(drawn.shape[1] - reference.shape[1]) <= 8
        # Ink per column, smoothed over some pixels: letters stand where they stood.
        profiles = [np.convolve(255 - image[:, :width].mean(axis=0), np.ones(9) / 9) for image in (drawn, reference)]
        assert np.corrcoef(*profiles)[0, 1] > 0.75


@pytest.mark.parametrize(
    "strokes",
    [
        [[(0, 0)], [(5, 0)]],
        [[(0, 0), (7, 0)]],
        [[(0, 0), (1, 1), (2, 2)]],
        [[(0, 0), (0, 9)]],
        [[(0, 0), (1e5, 0.3)]],
        [[(0, 0), (1e5, 3e4), (3e6, 1)]],
    ],
)
def test_ink_that_is_no_writing_gets_a_picture_too(strokes):
    drawn = picture(ink_of([np.array(stroke, float) for stroke in strokes]))
    assert drawn.shape[0] == HEIGHT and drawn.shape[1] <= MAX_WIDTH + 1
    assert drawn.min() < 200


def test_a_single_touch_is_a_dot():
    drawn = picture(Ink(np.array([[0.0, 0.0, 1.0]]), "."))
    assert 0 < (drawn < 200).sum() < 10


def test_greedy_text_drops_repeats_then_blanks_and_reads_ascii_only():
    characters = ["", "l", "é", "o", " "]
    steps = [3, 3, 0, 1, 1, 0, 1, 4, 4, 3]
    scores = np.eye(5)[steps]
    assert greedy_text(scores, characters) == "oll o"
    scores[:, 2] = 2.0
    assert greedy_text(scores, characters) == "oll o"
    assert greedy_text(np.eye(5)[[0, 0]], characters) == ""


def test_a_missing_extra_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"pip install 'graves_jax\[legibility\]'"):
        PPOCR()


def test_a_package_without_the_model_is_told(monkeypatch):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("rapidocr")
    monkeypatch.setattr(readers.PPOCR, "_MODEL", "PP-OCRv1_none")
    with pytest.raises(InputError, match=r"PP-OCRv1_none\.onnx"):
        PPOCR()


def test_the_recogniser_reads_print():
    pytest.importorskip("onnxruntime")
    pytest.importorskip("rapidocr")
    from HersheyFonts import HersheyFonts

    reader, font = PPOCR(), HersheyFonts()
    font.load_default_font("futural")
    for text in ("Hello World", "You know nothing Jon Snow", "quick brown foxes, 1984"):
        strokes = [np.array(stroke, float) for stroke in font.strokes_for_text(text)]
        assert reader(picture(Ink.from_strokes(strokes, text))) == text
    assert len(reader.sha256) == 64
