"""A crop's text is what its ink writes: shown on made-up ink of which every stroke's word is known."""

import itertools
import math

import numpy as np
import pytest

from graves_jax.data.crops import align_words, crop
from graves_jax.data.ink import Ink

LETTERS = "abcdeghknopqsuvxyz"  # of medium width each


def make_letter(rng, x, points=None):
    """A stroke about 10 wide, unlike any other, and the x where it ends."""
    width = rng.uniform(8, 12)
    xs = np.sort(np.concatenate([[0.0, width], rng.uniform(0, width, (points or rng.integers(8, 16)) - 2)]))
    return np.column_stack([x + xs, rng.uniform(0, 12, len(xs))]), x + width


def make_line(rng, num_words, *, late=None, word_gap=(9, 16)):
    """Ink of unconnected letters, and the word of each stroke in the order of writing.

    Args:
      late: "word" or "line": half of the letters have a bar above, which reaches over the letter on both sides and is
        written when the word or the line is done; None for no bars.
    """
    strokes, owners, bars, words, x = [], [], [], [], 0.0
    for word in range(num_words):
        letters = rng.integers(1, 9)
        words.append("".join(rng.choice(list(LETTERS), letters)))
        for _ in range(letters):
            letter, end = make_letter(rng, x)
            strokes.append(letter)
            owners.append(word)
            if late and rng.random() < 0.5:
                bars.append((np.column_stack([rng.uniform(x - 2, end + 2, 3), rng.uniform(-9, -6, 3)]), word))
            x = end + rng.uniform(1, 3)
        if late == "word" or word == num_words - 1:
            strokes += [bar for bar, _ in bars]
            owners += [owner for _, owner in bars]
            bars = []
        x += rng.uniform(*word_gap)
    return Ink.from_strokes(strokes, " ".join(words)), words, owners


def outline(stroke):
    """A stroke wherever it stands on the page."""
    return tuple(np.round(stroke - stroke[0], 3).ravel())


@pytest.mark.parametrize("late", [None, "word", "line"])
@pytest.mark.parametrize("max_points", [128, 256])
def test_text_is_that_of_the_ink(late, max_points):
    rng = np.random.default_rng(0)
    for _ in range(60):
        ink, words, owners = make_line(rng, rng.integers(4, 10), late=late)
        owner_of = {outline(stroke): owner for stroke, owner in zip(ink.strokes(), owners, strict=True)}
        cropped = crop(ink, rng, max_points)
        assert len(cropped) <= max_points
        found = [owner_of.get(outline(stroke)) for stroke in cropped.strokes()]
        if None in found:  # a word too long for the crop: its last stroke is cut
            # With the pen down: who learns where lines end must not take it for one.
            assert max_points - 2 <= len(cropped) and cropped.offsets[-1, 2] == 0
            assert None not in found[:-1] and len(set(found[:-1])) == 1
            assert words[found[0]].startswith(cropped.text)
            continue
        inside = range(min(found), max(found) + 1)
        assert cropped.text == " ".join(words[word] for word in inside)
        # All of their strokes, in the order of writing.
        assert found == [owner for owner in owners if owner in inside]


def test_alignment_on_drawn_lines():
    rng = np.random.default_rng(1)
    for late in (None, "word", "line"):
        for _ in range(50):
            ink, words, owners = make_line(rng, rng.integers(2, 10), late=late)
            aligned = align_words(ink)
            assert [ink.text[word.start : word.end] for word in aligned] == words
            for index, word in enumerate(aligned):
                assert word.strokes.tolist() == np.flatnonzero(np.array(owners) == index).tolist()


def brute_force(pieces, widths):
    """The first piece of each word: every division tried, the cost reckoned piece by piece."""
    character = (pieces[-1][1] - pieces[0][0]) / (sum(widths) + len(widths) - 1)
    best = (math.inf, None)
    for later in itertools.combinations(range(1, len(pieces)), len(widths) - 1):
        firsts, ends = (0, *later), (*later, len(pieces))
        cost = -sum(math.log((pieces[p][0] - pieces[p - 1][1]) / character) for p in later)
        for first, end, width in zip(firsts, ends, widths, strict=True):
            measured = (pieces[end - 1][1] - pieces[first][0]) / character
            cost += 0.5 * (measured - width) ** 2 / (width + 1)
        best = min(best, (cost, firsts))
    return best[1]


def test_alignment_is_the_cheapest_of_all():
    rng = np.random.default_rng(2)
    for _ in range(60):
        num_pieces = rng.integers(4, 10)
        edges = np.cumsum(rng.exponential(size=2 * num_pieces) + 0.05).reshape(-1, 2)
        lengths = rng.integers(1, 6, rng.integers(2, num_pieces + 1))
        ink = Ink.from_strokes([np.column_stack([edge, [0, 1]]) for edge in edges], " ".join("a" * n for n in lengths))
        found = tuple(int(word.strokes[0]) for word in align_words(ink))
        assert found == brute_force(edges.tolist(), lengths.tolist())


def test_a_wide_gap_inside_a_word_is_seen_through():
    # "a" and "bcde", with the widest gap of the line in the middle of the second word.
    lefts = [0, 18, 30, 54, 66]
    ink = Ink.from_strokes([np.array([[x, 0], [x + 10, 5]]) for x in lefts], "a bcde")
    assert [word.strokes.tolist() for word in align_words(ink)] == [[0], [1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("on . the", ["on .", "the"]),
        ('"on , the', ['"on ,', "the"]),
        ("  on   the  ", ["on", "the"]),
        (". on the", [".", "on", "the"]),
        ("on # the", ["on", "#", "the"]),
    ],
)
def test_words_of_a_text(text, words):
    ink, *_ = make_line(np.random.default_rng(3), 5)
    assert [text[word.start : word.end] for word in align_words(Ink(ink.offsets, text))] == words


def test_each_word_is_reached_and_no_run_lies_inside_another():
    rng = np.random.default_rng(4)
    ink, words, _ = make_line(rng, 9)
    texts = {crop(ink, rng, 200).text for _ in range(300)}
    assert {word for text in texts for word in text.split()} == set(words)
    assert not any(one != other and one in other for one in texts for other in texts)


def test_a_run_ends_only_where_the_next_word_does_not_fit():
    rng = np.random.default_rng(5)
    ink, words, owners = make_line(rng, 9)
    points = np.bincount(owners, [len(stroke) for stroke in ink.strokes()])
    starts = {" ".join(words[a:b]): (a, b) for a, b in itertools.combinations(range(10), 2)}
    for _ in range(100):
        first, end = starts[crop(ink, rng, 200).text]
        assert points[first:end].sum() <= 200
        assert end == 9 or points[first : end + 1].sum() > 200


@pytest.mark.parametrize(("max_points", "text"), [(20, "ab"), (39, "ab"), (40, "ab cd"), (58, "ab cd")])
def test_a_run_that_just_fits(max_points, text):
    rng = np.random.default_rng(12)
    letters = [make_letter(rng, x, points=10)[0] for x in (0, 14, 40, 54, 80, 94)]
    texts = {crop(Ink.from_strokes(letters, "ab cd ef"), rng, max_points).text for _ in range(20)}
    assert text in texts and len(max(texts, key=len)) == len(text)


def test_a_line_that_fits_is_whole():
    ink, *_ = make_line(np.random.default_rng(6), 3)
    assert crop(ink, np.random.default_rng(0), len(ink)) is ink
    assert len(crop(ink, np.random.default_rng(0), len(ink) - 1)) < len(ink)


def test_the_first_row_is_not_the_way_from_the_word_before():
    rng = np.random.default_rng(7)
    ink, *_ = make_line(rng, 6)
    inside = {tuple(row) for stroke in ink.strokes() for row in np.round(np.diff(stroke, axis=0), 3)}
    for _ in range(50):
        assert tuple(np.round(crop(ink, rng, 100).offsets[0, :2].astype(float), 3)) in inside


def test_integers_stay_exact():
    rng = np.random.default_rng(8)
    strokes = [np.rint(stroke * 10) for stroke in make_line(rng, 8)[0].strokes()]
    ink = Ink.from_strokes(strokes, "ab cd ef gh")
    rows = {tuple(row) for row in ink.offsets}
    cropped = crop(ink, rng, 100)
    assert {tuple(row) for row in cropped.offsets[1:-1]} <= rows


@pytest.mark.parametrize("max_points", [1, 2, 37, 39, 98])
def test_a_word_that_is_too_long_is_cut_in_proportion(max_points):
    rng = np.random.default_rng(9)
    letters = [make_letter(rng, x, points=10)[0] for x in np.arange(10) * 14.0]
    ink = Ink.from_strokes(letters, "abcdeghknop"[:10])
    cropped = crop(ink, rng, max_points)
    # A letter has ten points: cut where one ends, the crop ends before its last.
    rows = max_points - int(ink.offsets[max_points - 1, 2])
    np.testing.assert_array_equal(cropped.offsets, ink.offsets[:rows])
    assert cropped.text == ink.text[: math.ceil(10 * rows / 99)]


def test_words_that_cannot_be_told_apart_count_as_one():
    joined = np.column_stack([np.arange(100.0), np.sin(np.arange(100.0))])
    ink = Ink.from_strokes([joined[:60], joined[50:]], "of the same")
    assert [(word.start, word.end) for word in align_words(ink)] == [(0, 11)]
    cropped = crop(ink, np.random.default_rng(0), 50)
    assert len(cropped) == 50
    assert cropped.text == "of the"


def test_any_ink_and_text_give_a_crop_with_text():
    rng = np.random.default_rng(10)
    for _ in range(300):
        length = rng.integers(1, 40)
        offsets = np.column_stack([rng.integers(-3, 6, (length, 2)), rng.random(length) < 0.3])
        text = "".join(rng.choice(list("ab .,'"), rng.integers(1, 15)))
        max_points = int(rng.integers(1, 20))
        cropped = crop(Ink(offsets, text), rng, max_points)
        assert 1 <= len(cropped) <= max_points
        assert cropped.text and cropped.text in text
