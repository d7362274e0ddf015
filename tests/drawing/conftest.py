"""Made-up ink that the drawing tests share."""

import numpy as np
import pytest
from HersheyFonts import HersheyFonts

from graves_jax.data.ink import Ink


def hershey_ink(text: str, face: str = "scripts") -> Ink:
    font = HersheyFonts()
    font.load_default_font(face)
    return Ink.from_strokes([np.array(list(stroke), float) for stroke in font.strokes_for_text(text)], text)


@pytest.fixture
def line() -> Ink:
    """Cursive, 11 strokes or more, one of them an i's dot cut down to a single point."""
    strokes = hershey_ink("Snow is white.").strokes()
    return Ink.from_strokes([*strokes[:-1], strokes[-1][:1]], "Snow is white.")


@pytest.fixture
def lines(line) -> list[Ink]:
    """Three lines of unlike faces and lengths."""
    return [line, hershey_ink("a quick fox", "futural"), hershey_ink("Qg")]


@pytest.fixture
def wave() -> Ink:
    """One stroke of 200 points along a sine, its speed uneven."""
    t = np.linspace(0, 1, 200) ** 1.5
    return Ink.from_strokes([np.column_stack([400 * t, 30 * np.sin(12 * t)])], "~")
