"""Transcripts brought to what a reader sees on the whiteboard.

A part of IAM-OnDB's transcripts is written as tokens ("Mr . Foot ' s line"), where the ink has none of the spaces
("Mr. Foot's line"), and copies of the database differ in whether they hold HTML entities.
"""

import html
import re

# In IAM-OnDB "#" stands for a word that was crossed out, "+" mostly for a pound sign, and "*" once for a blot.
STAND_INS = "#+*"

# Applied in this order. Only spaces are ever taken away.
_SPACING = [
    # 2 , 415 , 000  ->  2,415,000
    (re.compile(r"(?<=\d) ?, ?(?=\d{3}(?!\d))"), ","),
    # Mr . Foot , who  ->  Mr. Foot, who; but not before ,, which opens a quotation
    (re.compile(r" +(?!,,)(?=[,;:?!.)])"), ""),
    (re.compile(r"(?<=\() +"), ""),
    # Foot ' s, don ' t, I 'd  ->  Foot's, don't, I'd
    (re.compile(r"(?<=[A-Za-z]) ?' ?(?=(?:s|t|d|m|ll|ve|re)\b)"), "'"),
    # neutrals ' conference  ->  neutrals' conference
    (re.compile(r"(?<=s) '(?= [A-Za-z])"), "'"),
    # " Abolish Lords "  ->  "Abolish Lords"
    (re.compile(r'(?<!\S)" ([^"]+) "(?!\w)'), r'"\1"'),
    # he said: " I  ->  he said: "I
    (re.compile(r'(?:^|(?<=[,:;.?!] ))" (?=[A-Z])'), '"'),
]


def repair_transcript(text: str) -> str:
    """Decodes HTML entities, and takes away the spaces that tokens have and handwriting has not."""
    text = " ".join(html.unescape(text).split())
    for pattern, replacement in _SPACING:
        text = pattern.sub(replacement, text)
    return text
