"""Lines that do not fit their text, by made-up measures of a network."""

import numpy as np
import pytest

from graves_jax.data.corpus import Line
from graves_jax.data.ink import Ink
from graves_jax.evaluation.outliers import MAX_CHARACTERS_LEFT, MAX_INK_LEFT, MAX_NATS_ABOVE_PAGE, Fit, misfit, misfits

GOOD = Fit(nats_per_point=-1.0, characters_left=0, ink_left=0.2)
INK = Ink(np.array([[1.0, 1.0, 1.0]]), "text")


def names(found):
    return {reason: [line.line_id for line in lines] for reason, lines in found.items()}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"characters_left": MAX_CHARACTERS_LEFT}, None),
        ({"characters_left": MAX_CHARACTERS_LEFT + 1}, "words of the text are not in the ink"),
        ({"ink_left": MAX_INK_LEFT}, None),
        ({"ink_left": MAX_INK_LEFT + 0.1}, "words of the ink are not in the text"),
        ({"nats_per_point": -1.0 + MAX_NATS_ABOVE_PAGE}, None),
        ({"nats_per_point": -0.9 + MAX_NATS_ABOVE_PAGE}, "unlikely ink"),
    ],
)
def test_each_way_not_to_fit_is_named(change, reason):
    assert misfit(GOOD._replace(**change), page_nats=-1.0) == reason


def test_ink_is_unlikely_beside_its_own_page():
    """Lines at 0.5 nats: usual for one page, far out on another, and alone where it is another writer's."""
    rows = [("a-1", "", -1.0), ("a-2", "", -1.1), ("a-3", "", 0.5), ("a-4", "other", 0.5)]
    rows += [("b-1", "", 0.4), ("b-2", "", 0.5), ("b-3", "", 0.6)]
    lines = [Line(INK, line_id, writer) for line_id, writer, _ in rows]
    fits = [GOOD._replace(nats_per_point=nats) for _, _, nats in rows]
    assert names(misfits(lines, fits)) == {"unlikely ink": ["a-3"]}


def test_lines_are_listed_by_reason_in_their_order():
    lines = [Line(INK, f"a-{number}") for number in range(4)]
    fits = [GOOD._replace(characters_left=9), GOOD, GOOD._replace(ink_left=9.0), GOOD._replace(characters_left=5)]
    assert names(misfits(lines, fits)) == {
        "words of the text are not in the ink": ["a-0", "a-3"],
        "words of the ink are not in the text": ["a-2"],
    }
    assert misfits([], []) == {}
