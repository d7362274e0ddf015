import pytest

from graves_jax.layout.document import LONGEST_WORD, Break, breaks, pieces, read_paragraphs


def texts(paragraphs):
    return [paragraph.text for paragraph in paragraphs]


def test_each_line_is_a_paragraph_and_blank_ones_stay():
    paragraphs = read_paragraphs("Dear Anna,\n\n  two   words\nend\n\n")
    assert texts(paragraphs) == ["Dear Anna,", "", "two words", "end"]
    assert [paragraph.indent for paragraph in paragraphs] == [0, 0, 2, 0]


def test_lines_are_joined_where_asked_for():
    text = "wrapped by\nhand here\n\n  an item\n  goes on\nnot this"
    assert texts(read_paragraphs(text, join_lines=True)) == ["wrapped by hand here", "", "an item goes on", "not this"]


def test_a_form_feed_begins_a_page():
    paragraphs = read_paragraphs("one\ntwo\fthree\n\ffour", join_lines=True)
    assert [(p.text, p.begins_page) for p in paragraphs if p.words] == [
        ("one two", False), ("three", True), ("four", True),
    ]  # fmt: skip


def test_a_wide_gap_sets_a_column():
    [paragraph] = read_paragraphs("tea     3.50  each")
    assert [word.column for word in paragraph.words] == [None, 8, None]


def test_a_word_too_long_to_be_written_at_once_is_in_parts():
    address = "https://www.example.org/" + "a/long/path/" * 5
    [paragraph] = read_paragraphs(f"see {address} there")
    parts = [word.text for word in paragraph.words[1:-1]]
    assert "".join(parts) == address and max(map(len, parts)) <= LONGEST_WORD
    assert all(part.endswith("/") for part in parts)
    assert [word.glued for word in paragraph.words] == [False, False, *[True] * (len(parts) - 1), False]
    assert paragraph.text == f"see {address} there"


def test_signs_are_cut_out():
    assert pieces("anna@home.org", {"@"}) == ["anna", "@", "home.org"]
    assert pieces("@@", {"@"}) == ["@", "@"]
    assert pieces("anna", {"@"}) == ["anna"]


@pytest.mark.parametrize(
    "word, options, expected",
    [
        ("well-known", {}, [Break(5, False)]),
        ("a-ha", {}, []),
        ("www.site.org", {}, []),
        ("www.site.org", {"anywhere": True}, [Break(4, False), Break(9, False)]),
        ("wordy", {"anywhere": True}, [Break(2, True), Break(3, True)]),
        ("123456", {"anywhere": True}, [Break(2, False), Break(3, False), Break(4, False)]),
        ("ab", {"anywhere": True}, [Break(1, True)]),
        ("a", {"anywhere": True}, []),
        ("(paper)", {"hyphenate": lambda word: [2]}, [Break(3, True)]),
    ],
)
def test_where_a_word_may_be_broken(word, options, expected):
    assert breaks(word, **options) == expected
