"""Synthetic writers, held to the fonts themselves and to what a reader would see."""

import dataclasses
import string

import numpy as np
import pytest
from HersheyFonts import HersheyFonts

from graves_jax.data.hershey.glyphs import CHARACTERS, FACES, X_HEIGHT, glyphs
from graves_jax.data.hershey.writers import Writer, draw_writer, hershey_corpus, render_text
from graves_jax.errors import InputError

PRINT, JOINED = ("futural", "rowmans"), ("scripts", "scriptc", "cursive")


def _write(text, face, **habits):
    return render_text(text, Writer(face, **habits), np.random.default_rng(0))


def _points(ink):
    return np.concatenate(ink.strokes())


@pytest.fixture(scope="module")
def corpus():
    return hershey_corpus(num_lines=600, seed=3, progress=False)


@pytest.mark.parametrize("face", FACES)
def test_every_face_writes_every_character(face):
    assert len(CHARACTERS) == 95
    for c in CHARACTERS.strip():
        ink = _write(c, face)
        assert len(ink) >= 1 and np.ptp(_points(ink), axis=0).max() > 0.5, c
    assert not glyphs(face)[" "].strokes


@pytest.mark.parametrize("letter", "HOxgly")
def test_print_without_habits_has_the_fonts_proportions(letter):
    font = HersheyFonts("", "futural")
    drawn = np.concatenate([np.array(stroke) for stroke in font.all_glyphs[letter].strokes])
    written = _points(_write(letter, "futural", rounding=0.0))
    # The small letters of futural are 14 of its units high.
    np.testing.assert_allclose(np.ptp(written, axis=0), np.ptp(drawn, axis=0) * X_HEIGHT / 14, atol=0.5)


@pytest.mark.parametrize("face", FACES)
def test_y_grows_downwards(face):
    """A line's first point is the origin, so the letters stand behind an x, whose own box gives the baseline."""
    points = _points(_write("xg", face))
    only_x = _points(_write("x", face))
    x_height = np.ptp(only_x[:, 1])
    assert points[:, 1].max() > only_x[:, 1].max() + 0.3 * x_height
    assert abs(points[:, 1].min() - only_x[:, 1].min()) < 0.1 * x_height
    with_ascender = _points(_write("xl", face))
    assert with_ascender[:, 1].min() < only_x[:, 1].min() - 0.3 * x_height
    assert abs(with_ascender[:, 1].max() - only_x[:, 1].max()) < 0.1 * x_height


@pytest.mark.parametrize("face", FACES)
def test_letters_follow_from_left_to_right(face):
    strokes = _write("n n n", face, word_spacing=1.5).strokes()
    words = np.array([stroke[:, 0].mean() for stroke in strokes])
    assert (np.diff(words) > -X_HEIGHT).all() and words[-1] - words[0] > 3 * X_HEIGHT


@pytest.mark.parametrize("face", JOINED)
def test_joined_words_are_one_stroke(face):
    assert len(_write("summer", face).strokes()) == 1
    assert len(_write("an old man", face).strokes()) == 3
    assert len(_write("don't", face).strokes()) == 4  # "don", the apostrophe, the t and its cross


def test_joined_hands_have_fewer_strokes_than_letters(corpus):
    strokes = dict.fromkeys(FACES, 0)
    letters = dict.fromkeys(FACES, 0)
    for i in range(len(corpus)):
        line = corpus[i]
        strokes[line.subset] += line.ink.offsets[:, 2].sum()
        letters[line.subset] += len(line.ink.text.replace(" ", ""))
    ratio = {face: strokes[face] / letters[face] for face in FACES}
    assert max(ratio[face] for face in JOINED) < 0.75
    assert min(ratio[face] for face in PRINT) > 1


@pytest.mark.parametrize("face", PRINT)
def test_print_lifts_the_pen_between_letters(face):
    assert len(_write("running", face).strokes()) >= len("running") + 1


def test_dots_come_after_the_letter_or_after_the_word():
    at_once, at_the_end = _write("mini", "scripts").strokes(), _write("mini", "cursive").strokes()
    is_dot = [[np.ptp(stroke, axis=0).max() < X_HEIGHT / 3 for stroke in strokes] for strokes in (at_once, at_the_end)]
    assert is_dot == [[False, True, False, True], [False, True, True]]


def test_a_dot_stands_above_its_letter():
    body, dot = _write("i", "futural").strokes()
    assert dot[:, 1].max() < body[:, 1].min()
    assert abs(dot[:, 0].mean() - body[:, 0].mean()) < 1


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("wanted", [10, 20, 30])
def test_points_per_character(face, wanted):
    rng = np.random.default_rng(5)
    texts = ["The quiet fox jumped over a lazy dog.", "Zoe paid $12 for 7 (cheap) boxes!", "What made him go there?"]
    writers = [dataclasses.replace(draw_writer(rng, faces=(face,)), tempo=1.0) for _ in range(4)]
    counts = [(len(render_text(t, w, rng, points_per_character=wanted)), len(t)) for t in texts for w in writers]
    points, characters = np.sum(counts, axis=0)
    assert points / characters == pytest.approx(wanted, rel=0.12)


@pytest.mark.parametrize("face", FACES)
def test_pen_is_slow_where_the_path_turns(face):
    bends, straights = [], []
    for stroke in _write("window number five", face).strokes():
        steps = np.diff(stroke, axis=0)
        length = np.hypot(*steps.T)
        cosine = (steps[1:] * steps[:-1]).sum(axis=1) / (length[1:] * length[:-1])
        mean_step = (length[1:] + length[:-1]) / 2
        bends.append(mean_step[cosine < 0.7])
        straights.append(mean_step[cosine > 0.97])
    assert np.concatenate(bends).mean() < 0.75 * np.concatenate(straights).mean()


def test_no_offset_is_absurdly_long(corpus):
    pen_down = np.ones(len(corpus.xy), bool)
    pen_down[1:] = ~corpus.end_of_stroke[:-1]
    length = np.hypot(*corpus.xy.astype(float).T)
    assert length[pen_down].max() < X_HEIGHT
    assert length.max() < 20 * X_HEIGHT
    assert np.median(length[pen_down]) > 0.05 * X_HEIGHT


def test_writer_habits_do_what_they_say():
    def extent(**habits):
        return np.ptp(_points(_write("nnnn nnnn", "futural", **habits)), axis=0)

    width, height = extent()
    np.testing.assert_allclose(extent(size=1.5), [1.5 * width, 1.5 * height], rtol=1e-3)
    assert extent(aspect=1.3)[0] == pytest.approx(1.3 * width, rel=0.05)
    assert extent(letter_spacing=2.0)[0] == pytest.approx(width + 8 * 2, rel=0.01)
    assert extent(word_spacing=2.0)[0] > width + 0.5 * X_HEIGHT
    # A rise to the right lifts the last letter: y falls.
    start, stop = _points(_write("nnnn nnnn", "futural", climb=0.1))[[0, -1]]
    level = np.diff(_points(_write("nnnn nnnn", "futural"))[[0, -1]], axis=0)[0]
    assert (stop - start)[1] - level[1] == pytest.approx(-0.1 * (stop - start)[0], rel=0.05)
    stem = _points(_write("l", "futural", slant=0.5))
    top, bottom = stem[stem[:, 1].argmin()], stem[stem[:, 1].argmax()]
    assert (top - bottom)[0] == pytest.approx(-0.5 * (top - bottom)[1], rel=0.02)
    slow, fast = _write("nnnn nnnn", "futural", tempo=0.8), _write("nnnn nnnn", "futural", tempo=1.25)
    assert len(slow) / len(fast) == pytest.approx(1.25 / 0.8, rel=0.1)


def test_a_writer_keeps_the_shapes_of_the_letters():
    """Jitter aside, the same letter comes out the same in one hand and differently in another."""

    def n_in(habit_seed, text):
        stroke = _write(text, "futural", habit=1.0, habit_seed=habit_seed).strokes()[-1]
        return np.ptp(stroke, axis=0)

    np.testing.assert_allclose(n_in(1, "on"), n_in(1, "saxon"), atol=0.1)
    assert np.abs(n_in(1, "on") - n_in(2, "on")).max() > 0.1


def test_same_seed_same_bytes(corpus):
    again = hershey_corpus(num_lines=600, seed=3, progress=False)
    assert again.fingerprint == corpus.fingerprint
    assert again.xy.tobytes() == corpus.xy.tobytes()
    assert hershey_corpus(num_lines=600, seed=4, progress=False).fingerprint != corpus.fingerprint


def test_a_line_does_not_depend_on_how_many_there_are(corpus):
    few = hershey_corpus(num_lines=23, seed=3, progress=False)
    for i in range(23):
        np.testing.assert_array_equal(few[i].ink.offsets, corpus[i].ink.offsets)
        assert dataclasses.replace(few[i], ink=None) == dataclasses.replace(corpus[i], ink=None)


def test_writers_are_of_one_split(corpus):
    by_split = {split: {corpus.writers[i] for i in corpus.indices(split)} for split in ("training", "validation")}
    assert by_split["training"].isdisjoint(by_split["validation"])
    assert len(corpus.indices("validation")) == 0.05 * len(corpus)
    assert len(corpus.indices("training")) == 0.95 * len(corpus)


def test_corpus_settings_reach_the_lines():
    corpus = hershey_corpus(
        num_lines=40,
        seed=0,
        min_characters=4,
        max_characters=9,
        points_per_character=10,
        faces=("scripts",),
        progress=False,
    )
    assert corpus.text_lengths.min() >= 4 and corpus.text_lengths.max() <= 9
    assert set(corpus.subsets) == {"scripts"}
    # Texts as short as these have more capitals and figures, and fewer spaces, than running text.
    assert corpus.lengths.sum() / corpus.text_lengths.sum() == pytest.approx(10, rel=0.25)
    assert corpus.provenance["max_characters"] == 9 and corpus.provenance["source"] == "hershey"


def test_corpus_covers_what_is_promised(corpus):
    faces = set(corpus.subsets)
    assert faces == set(FACES)
    assert set(corpus.characters) <= set(CHARACTERS)
    assert set(string.ascii_letters + string.digits + " .,:'\"-()&") <= set(corpus.characters)


def test_unknown_character_is_named_with_its_place():
    with pytest.raises(InputError, match="'é' at position 4"):
        _write("café", "futural")


@pytest.mark.parametrize("text", ["", "   "])
def test_text_without_ink(text):
    with pytest.raises(InputError, match="leaves ink"):
        _write(text, "futural")


def test_bad_arguments():
    with pytest.raises(InputError, match="'helvetica'"):
        Writer("helvetica")
    with pytest.raises(InputError, match="'gothic'"):
        draw_writer(np.random.default_rng(0), faces=("futural", "gothic"))
    with pytest.raises(InputError, match="found 'none'"):
        draw_writer(np.random.default_rng(0), faces=())
    with pytest.raises(InputError, match="above 0"):
        Writer(size=0.0)
    with pytest.raises(InputError, match="at least 0"):
        Writer(tremor=-1.0)
    with pytest.raises(InputError, match="num_lines"):
        hershey_corpus(num_lines=0, seed=0)
    with pytest.raises(InputError, match="points per character"):
        render_text("a", Writer(), np.random.default_rng(0), points_per_character=1.0)
