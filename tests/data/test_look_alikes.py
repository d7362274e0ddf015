"""What new characters begin as."""

import string

from graves_jax.data.look_alikes import look_alikes

KNOWN = string.ascii_letters + string.digits + ".,'\"-?!"


def test_letters_with_marks_resemble_the_letter_and_ligatures_both():
    assert look_alikes("äÖéçœß€", KNOWN) == {
        "ä": "a", "Ö": "O", "é": "e", "ç": "c", "œ": "oe", "ß": "B", "€": "C",
    }  # fmt: skip


def test_other_scripts_resemble_what_looks_alike_and_else_nothing():
    assert look_alikes("ορψЖ", KNOWN) == {"ο": "o", "ρ": "p"}


def test_only_what_is_known_is_resembled():
    assert look_alikes("äœ€", "ebc") == {"œ": "e"}
