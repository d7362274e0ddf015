import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graves_jax.errors import InputError
from graves_jax.layout.characters import PLAIN_LETTERS, REPLACEMENTS, make_writable

IAM = " !\"&'(),-./0123456789:;?ABCDEFGHIJKLMNOPQRSTUVWXYZ[]abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    "text, written",
    [
        ("“It’s ‘so’,” he said…", "\"It's 'so',\" he said..."),
        ("pages 3–4 — the rest", "pages 3-4 - the rest"),
        ("a\u00a0b\u2009c", "a b c"),
        ("\ufeffDear", "Dear"),
        ("soft\u00adhyphen", "softhyphen"),
        ("ﬁnd the oﬃce", "find the office"),
        ("a\tb\n\tc", "a   b\n    c"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("«Oui»", '"Oui"'),
    ],
)
def test_what_word_processors_leave_is_written(text, written):
    assert make_writable(text, IAM).text == written


def test_every_replacement_is_reported_once_and_only_where_it_was_made():
    assert make_writable("‘a’ – ‘b’", IAM).mapped == {"‘": "'", "’": "'", "–": "-"}
    assert make_writable("plain", IAM).mapped == {}
    # A hand that knows the sign itself writes it.
    known = make_writable("‘a’", IAM + "‘’")
    assert (known.text, known.mapped) == ("‘a’", {})


def test_accents_go_only_where_asked_for():
    text = "Müßte José œuvre Łódź Åse İ fiancée ¿Qué?"
    with pytest.raises(InputError, match="plain_letters"):
        make_writable(text, IAM)
    assert make_writable(text, IAM, plain_letters=True).text == "Musste Jose oeuvre Lodz Ase I fiancee ?Que?"


def test_weights_with_a_code_for_all_others_keep_what_cannot_be_replaced():
    kept = make_writable("“é☃”", IAM, keep_others=True)
    assert (kept.text, kept.mapped) == ('"é☃"', {"“": '"', "”": '"'})
    assert make_writable("é☃", IAM, plain_letters=True, keep_others=True).text == "e☃"


def test_a_letter_and_its_combining_accent_are_one():
    decomposed = unicodedata.normalize("NFD", "é")
    assert make_writable(decomposed, IAM + "é").text == "é"
    assert make_writable(f"caf{decomposed}", IAM, plain_letters=True).text == "cafe"


def test_all_that_cannot_be_written_is_named_with_line_and_column():
    with pytest.raises(InputError) as error:
        make_writable("ab☃\n☃ дa\nok", IAM)
    sentence = str(error.value)
    assert "found '☃' (line 1, column 3; line 2, column 1), 'д' (line 2, column 3)" in sentence
    assert sentence.count("☃") == 1 and "\n" not in sentence and "plain_letters" not in sentence


def test_a_text_in_another_script_still_gives_a_sentence_that_can_be_read():
    with pytest.raises(InputError) as error:
        make_writable("".join(map(chr, range(0x4E00, 0x5000))) * 50, IAM)
    assert len(str(error.value)) < 4_000 and "and 492 other characters" in str(error.value)


def test_the_tables_end_in_characters_that_every_hand_knows():
    for replacement in (*REPLACEMENTS.values(), *PLAIN_LETTERS.values()):
        assert not set(replacement) - set(IAM)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.booleans())
def test_any_text_is_written_in_known_characters_or_refused(text, plain_letters):
    try:
        written = make_writable(text, IAM, plain_letters=plain_letters)
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert not set(written.text) - set(IAM) - set("\n\f")
    kept = [c for c in unicodedata.normalize("NFC", text) if c in IAM and c != " "]
    # Nothing that can be written is lost, and its order stays.
    rest = iter(written.text)
    assert all(character in rest for character in kept)
