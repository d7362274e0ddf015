"""Texts from a file, a word list and the generator."""

import numpy as np
import pytest

from graves_jax.errors import InputError
from graves_jax.synthesis.texts import Lines, Sentences, Words, check_characters

LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz ")


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def words(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("snow\n\n  ice \nwinter\n", encoding="utf-8")
    return str(path)


def test_lines_of_a_file_come_in_turn(words):
    texts = Lines(words)
    assert [texts.make(n, rng(), LETTERS) for n in range(5)] == ["snow", "ice", "winter", "snow", "ice"]
    assert texts.longest == 6 and texts.description()["texts"] == 3


def test_words_come_at_random_and_all_of_them(words):
    texts = Words(words, 1, 3)
    made = [texts.make(0, rng(seed), LETTERS) for seed in range(100)]
    assert {word for text in made for word in text.split(" ")} == {"snow", "ice", "winter"}
    assert {len(text.split(" ")) for text in made} == {1, 2, 3}
    assert max(map(len, made)) <= texts.longest == 20
    assert texts.make(5, rng(1), LETTERS) == made[1]


def test_sentences_have_known_characters_alone_and_their_length():
    texts = Sentences(3, 9)
    made = [texts.make(0, rng(seed), LETTERS) for seed in range(50)]
    assert all(LETTERS.issuperset(text) and 3 <= len(text) <= 9 for text in made) and len(set(made)) > 20
    with pytest.raises(InputError, match="--texts_file or --words_file"):
        texts.make(0, rng(), frozenset("Ω"))


def test_a_file_with_other_characters_is_told(words, tmp_path):
    check_characters(words, LETTERS)
    (tmp_path / "other.txt").write_text("süß\nkühl\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"found 2 others in .*'ü' 2 times"):
        check_characters(str(tmp_path / "other.txt"), LETTERS)


@pytest.mark.parametrize("content, words", [(None, "found a fault"), (b"\n \n", "found none"), (b"\xff", "not UTF-8")])
def test_files_that_are_none(tmp_path, content, words):
    if content is not None:
        (tmp_path / "texts.txt").write_bytes(content)
    with pytest.raises(InputError, match=words):
        Lines(str(tmp_path / "texts.txt")).longest  # noqa: B018


@pytest.mark.parametrize("make", [lambda: Words("words.txt", 0, 1), lambda: Sentences(5, 4)])
def test_bounds_that_are_none(make):
    with pytest.raises(InputError, match="LOW,HIGH"):
        make()
