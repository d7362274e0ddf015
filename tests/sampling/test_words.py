"""Lines of a stroke font, whose letters are where they are known to be, taken apart again."""

import numpy as np
import pytest

from graves_jax.data.hershey.glyphs import X_HEIGHT, glyphs
from graves_jax.data.ink import Ink
from graves_jax.sampling.words import median_x_height, words_of
from graves_jax.sampling.write import Written

SIZE = 100.0
# The font's points are close; a pen leaves fewer.
_EVERY = 4


def written(text, *, size=SIZE, slope=0.0, lag=0, order=None) -> Written:
    """A line in the font with letters `size` high.

    Args:
      slope: dy/dx of its baseline.
      lag: by so many points the window is ahead of the pen.
      order: indices of the strokes in the order of writing.
    """
    strokes, letters, x = [], [], 0.0
    for place, character in enumerate(text):
        glyph = glyphs("futural")[character]
        for stroke in (*glyph.strokes, *glyph.marks):
            points = (stroke[np.unique([*range(0, len(stroke), _EVERY), len(stroke) - 1])] + (x, 0)) * size / X_HEIGHT
            strokes.append(points + np.column_stack([np.zeros(len(points)), slope * points[:, 0]]))
            letters.append(np.full(len(points), place))
        x += glyph.width
    order = range(len(strokes)) if order is None else order
    strokes, letters = [strokes[i] for i in order], [letters[i] for i in order]
    position = np.concatenate(letters)[1:]
    # On its way to the next word the window rests on the space.
    if lag:
        ahead = np.concatenate([position[lag:], np.full(lag, len(text))])
        changes = text_index_of_words(text, ahead) != text_index_of_words(text, position)
        position = np.where(changes, position + 1, position)
    return Written(Ink.from_strokes(strokes, text), position, 0.9, 1, None)


def text_index_of_words(text, position):
    return np.array([text[:place].count(" ") for place in position])


def widths(text):
    """Of each word as the font has it, in x-heights."""
    return [np.ptp(np.concatenate(written(word).ink.strokes())[:, 0]) / SIZE for word in text.split()]


def test_words_come_out_whole_in_x_heights_and_on_their_baseline():
    text = "some man can run over"
    [words] = words_of([written(text)], SIZE)
    np.testing.assert_allclose([word.width for word in words], widths(text), rtol=0.03)
    for word in words:
        _, top, _, bottom = word.box
        assert top == pytest.approx(-1.0, abs=0.08) and bottom == pytest.approx(0.0, abs=0.08)
    assert words[0].gap is None and all(0.5 < word.gap < 2.0 for word in words[1:])


def test_the_x_height_is_that_of_the_small_letters():
    lines = [written("the old man has run home"), written("Beyond all hills, a village")]
    assert median_x_height(lines) == pytest.approx(SIZE, rel=0.05)
    # Where there are none, capitals tell it more or less.
    assert median_x_height([written("HELLO ALL")]) == pytest.approx(SIZE, rel=0.3)


def test_a_line_that_climbs_or_is_larger_comes_out_like_the_others():
    text = "some man can run over us"
    level, climbing, larger = words_of(
        [written(text), written(text, slope=-0.05), written(text, size=1.15 * SIZE)], SIZE
    )
    for one, two, three in zip(level, climbing, larger, strict=True):
        assert one.width == pytest.approx(two.width, rel=0.05) == pytest.approx(three.width, rel=0.05)
        assert two.box[3] == pytest.approx(0.0, abs=0.15) and three.box[1] == pytest.approx(-1.0, abs=0.1)


def test_a_bar_that_is_drawn_when_the_window_has_gone_on_belongs_to_its_word():
    # The strokes of the last t of "that" are its stem and its bar.
    text = "that is not it"
    [expected] = words_of([written(text)], SIZE)
    [words] = words_of([written(text, lag=4)], SIZE)
    assert [len(word.strokes) for word in words] == [len(word.strokes) for word in expected]
    np.testing.assert_allclose([word.width for word in words], [word.width for word in expected], rtol=0.02)


def test_a_stroke_through_two_words_is_cut_between_them():
    stroke = np.column_stack([np.linspace(0, 800, 41), -SIZE * (np.arange(41) % 2)])
    position = np.concatenate([np.zeros(20, int), np.full(20, 2)])
    [words] = words_of([Written(Ink.from_strokes([stroke], "m w"), position, 0.9, 1, None)], SIZE)
    assert len(words) == 2 and all(word.width == pytest.approx(4.0, rel=0.1) for word in words)


def test_a_word_without_ink_is_a_dot():
    stroke = np.column_stack([np.linspace(0, 300, 21), -SIZE * (np.arange(21) % 2)])
    [words] = words_of([Written(Ink.from_strokes([stroke], "m w"), np.zeros(20, int), 0.9, 1, None)], SIZE)
    assert words[0].width > 2 and words[1].width == 0.0 and len(words[1].strokes) == 1


@pytest.mark.parametrize("offsets", [[[0, 0, 1]], [[5, 0, 1]], [[0, 5, 0], [0, -5, 1]]])
@pytest.mark.parametrize("text", ["a", "a b", "-", "XX"])
def test_the_least_ink_gives_as_many_words_as_the_text_has(offsets, text):
    line = Written(Ink(np.array(offsets, float), text), np.zeros(len(offsets), int), 0.9, 1, None)
    size = median_x_height([line])
    [words] = words_of([line], size)
    assert len(words) == len(text.split()) and size > 0
    assert all(np.isfinite(stroke).all() for word in words for stroke in word.strokes)
