"""Tokens become running text, and running text stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graves_jax.data.iam_ondb.transcripts import repair_transcript


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr . Foot ' s line , he said", "Mr. Foot's line, he said"),
        ("don ' t , I 'd , they 'll , we 've , I 'm , you 're", "don't, I'd, they'll, we've, I'm, you're"),
        ("the neutrals ' conference", "the neutrals' conference"),
        ('Mr. " Abolish Lords " . So', 'Mr. "Abolish Lords". So'),
        ('he said : " I see', 'he said: "I see'),
        ('" Yes', '"Yes'),
        ("record 2 , 415 , 000 , 000 . This", "record 2,415,000,000. This"),
        ("in 1957 , 1958 and", "in 1957, 1958 and"),
        ("of the letter ...", "of the letter..."),
        ("( see below )", "(see below)"),
        ("AT&amp;T &quot;it&apos;s&quot;", 'AT&T "it\'s"'),
        ("  two \t words\r", "two words"),
    ],
)
def test_repairs(text, expected):
    assert repair_transcript(text) == expected
    assert repair_transcript(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "A MOVE to stop Mr. Gaitskell",
        'shape." "Yours would be, too.',
        'upon them". This is said to mean: "They',
        "behind him. ,,Like",
        "Arthur Paget. 'Probably",
        "I've got to see 'em.",
        "after-care - part-time; 14 2 and 5%",
        "boys 'til dawn",
        "Father Felix .... And".replace(" .", "."),
        "",
    ],
)
def test_running_text_is_left_alone(text):
    assert repair_transcript(text) == text


@given(st.text(alphabet="aS1 .,'\"()#", max_size=40))
def test_only_spaces_are_taken_away(text):
    assert repair_transcript(text).replace(" ", "") == text.replace(" ", "")
