"""The data set that ships with the package: synthetic writers over the Hershey stroke fonts.

A writer is a seeded draw of a face and of the habits that tell one hand from another. Writing a text takes three
steps: the glyphs of the face are bent to the writer's habits and set in a row (`_layout`), the path is shaken and its
corners are rounded, and a pen moves along it and is sampled evenly in time (`graves_jax.data.hershey.pen`).

The raw unit of this ink is a twelfth of the height of the small letters of a writer of size 1.
"""

import dataclasses
import functools
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from graves_jax.bars import Bar
from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.hershey import pen
from graves_jax.data.hershey.glyphs import CHARACTERS, FACES, X_HEIGHT, Glyph, glyphs
from graves_jax.data.hershey.sentences import make_sentence
from graves_jax.data.ink import Ink
from graves_jax.errors import InputError

# Lines are dealt out to so many writers in turn, so a line is the same however many lines are asked for.
NUM_WRITERS = 500
# One writer in so many writes validation lines, and nothing else.
_VALIDATION_EVERY = 20
# The exit of a letter is cut where it is closer than this to its right edge and the next letter starts low.
_LOW_ENTRY = 2.7
# Where dots and crosses wait for the end of the word, they wait for at most so many letters.
_LONGEST_WAIT = 3
# Numbers that say how a letter departs from the font's.
_NUM_BENDS = 10
# Lines on which a face's pen time per character is measured.
_TIMED_LINES = 32

# The range of a writer's habits. Print is bent more than joined letters, whose curves look written as they are.
_HABITS = {"word_spacing": (0.7, 1.2), "drift": (0.2, 1.2), "tremor": (0.05, 0.2)}
_PRINT_HABITS = {
    "slant": (-0.1, 0.4),
    "letter_spacing": (-3.0, -0.5),
    "habit": (0.8, 1.5),
    "jitter": (0.3, 0.8),
    "rounding": (0.9, 1.8),
}
_JOINED_HABITS = {
    "slant": (-0.3, 0.15),
    "letter_spacing": (-0.5, 2.0),
    "habit": (0.5, 1.1),
    "jitter": (0.25, 0.6),
    "rounding": (0.7, 1.3),
}


@dataclasses.dataclass(frozen=True)
class Writer:
    """A hand. Lengths are in the raw unit (the module's docstring has it).

    Attributes:
      face: a name of `FACES`.
      habit_seed: seeds the writer's own shape of each character, which stays the same from line to line.
      size: height of everything, 1 is usual.
      aspect: width relative to height, 1 is the font's.
      slant: run per rise to the right, 0 is the font's own slant.
      letter_spacing: added after each character.
      word_spacing: width of a space relative to the font's.
      drift: how far the baseline wanders up and down.
      climb: rise of the baseline per run.
      habit: how far the writer's shapes of the letters depart from the font's, 1 is usual.
      jitter: how far each single letter departs from the writer's own shape of it, in the same measure.
      tremor: standard deviation of the shake of the hand.
      rounding: length along the path over which corners are rounded.
      tempo: speed, 1 is usual; a faster hand leaves fewer points.
    """

    face: str = "futural"
    habit_seed: int = 0
    size: float = 1.0
    aspect: float = 1.0
    slant: float = 0.0
    letter_spacing: float = 0.0
    word_spacing: float = 1.0
    drift: float = 0.0
    climb: float = 0.0
    habit: float = 0.0
    jitter: float = 0.0
    tremor: float = 0.0
    rounding: float = 1.0
    tempo: float = 1.0

    def __post_init__(self):
        _check_faces((self.face,))
        if min(self.size, self.aspect, self.tempo) <= 0:
            raise InputError(
                f"A writer needs a size, an aspect and a tempo above 0, found {self.size}, {self.aspect}, {self.tempo}."
            )
        if min(self.tremor, self.rounding) < 0:
            raise InputError(f"A writer's tremor and rounding are at least 0, found {self.tremor} and {self.rounding}.")


def draw_writer(rng: np.random.Generator, *, faces: tuple[str, ...] | None = None) -> Writer:
    """Draws a hand.

    Args:
      rng: where every choice comes from.
      faces: the faces to choose from, equally likely; all of `FACES` by default.
    Raises:
      InputError: a face is not one of `FACES`.
    """
    faces = _check_faces(faces)
    face = faces[int(rng.integers(len(faces)))]
    habits = _JOINED_HABITS if FACES[face].joins_next else _PRINT_HABITS
    return Writer(
        face=face,
        habit_seed=int(rng.integers(2**31)),
        size=float(np.exp(rng.normal(0, 0.1))),
        aspect=float(np.exp(rng.normal(0, 0.1))),
        climb=float(rng.normal(0, 0.012)),
        tempo=float(np.exp(rng.normal(0, 0.08))),
        **{name: float(rng.uniform(low, high)) for name, (low, high) in (_HABITS | habits).items()},
    )


def render_text(
    text: str,
    writer: Writer,
    rng: np.random.Generator,
    *,
    points_per_character: float = 20.0,
    more: Mapping[str, Glyph] | None = None,
) -> Ink:
    """Writes a line.

    Args:
      text: of `CHARACTERS`, at least one that is not a space.
      writer: the hand.
      rng: where what differs from line to line comes from.
      points_per_character: offsets per character of running text, spaces included, for a writer of tempo 1.
      more: characters that the face lacks (more_glyphs.py).
    Raises:
      InputError: the text leaves no ink, holds a character that the faces lack, or there are too few points to write.
    """
    more = {} if more is None else more
    _check_text(text, more)
    path = _path(text, writer, rng, more)
    sampled = pen.resample_by_time(path, writer.tempo * _interval(writer.face, points_per_character))
    return Ink.from_strokes([writer.size * stroke for stroke in sampled.strokes()], text)


def hershey_corpus(
    *,
    num_lines: int,
    seed: int = 0,
    min_characters: int = 10,
    max_characters: int = 40,
    points_per_character: float = 20.0,
    faces: tuple[str, ...] | None = None,
    progress: bool = True,
) -> Corpus:
    """Lines of made-up sentences by synthetic writers, 5 % of them by writers of the validation split alone.

    A line depends on the seed and its own number, and not on how many there are.

    Args:
      num_lines: at least 1; the first validation line is the 20th.
      seed: at least 0.
      min_characters, max_characters: bounds of the texts' lengths, both included.
      points_per_character: offsets per character, see `render_text`.
      faces: the faces to choose from; all of `FACES` by default.
      progress: whether to show a bar on standard error.
    Raises:
      InputError: one of the numbers is out of range, or a face is not one of `FACES`.
    """
    if num_lines < 1 or seed < 0:
        raise InputError(f"Expected num_lines of at least 1 and a seed of at least 0, found {num_lines} and {seed}.")
    faces = _check_faces(faces)
    writers = [
        draw_writer(np.random.default_rng([seed, 0, w]), faces=faces) for w in range(min(NUM_WRITERS, num_lines))
    ]

    def line(number: int) -> Line:
        rng = np.random.default_rng([seed, 1, number])
        text = make_sentence(rng, min_characters=min_characters, max_characters=max_characters)
        w = number % NUM_WRITERS
        split = "validation" if w % _VALIDATION_EVERY == _VALIDATION_EVERY - 1 else "training"
        ink = render_text(text, writers[w], rng, points_per_character=points_per_character)
        return Line(ink, f"hershey-{seed}-{number:06d}", f"writer-{w:03d}", writers[w].face, split)

    settings = {
        "source": "hershey",
        "num_lines": num_lines,
        "seed": seed,
        "min_characters": min_characters,
        "max_characters": max_characters,
        "points_per_character": points_per_character,
        "faces": list(faces),
    }
    numbers = Bar(range(num_lines), desc="writing", unit="line", disable=not progress)
    return Corpus.from_lines(map(line, numbers), provenance=settings)


def _check_faces(faces: tuple[str, ...] | None) -> tuple[str, ...]:
    faces = tuple(FACES if faces is None else faces)
    unknown = [face for face in faces if face not in FACES]
    if unknown or not faces:
        raise InputError(f"Expected faces out of {', '.join(FACES)}, found {unknown[0] if unknown else 'none'!r}.")
    return faces


def _check_text(text: str, more: Mapping[str, Glyph]) -> None:
    for position, c in enumerate(text):
        if c not in CHARACTERS and c not in more:
            raise InputError(f"The Hershey faces write printable ASCII, found {c!r} at position {position + 1}.")
    if not text.strip():
        raise InputError(f"Expected a text that leaves ink, found {text!r}.")


@functools.cache
def _pace(face: str) -> tuple[float, float]:
    """Pen time and strokes per character of running text, in a face written by drawn writers of tempo 1."""
    time = strokes = characters = 0.0
    for number in range(_TIMED_LINES):
        rng = np.random.default_rng(number)
        text = make_sentence(rng, min_characters=10, max_characters=40)
        path = _path(text, draw_writer(rng, faces=(face,)), rng)
        times = pen.durations(path)
        time += (times[path.stops - 1] - times[path.starts]).sum()
        strokes += len(path.sizes)
        characters += len(text)
    return time / characters, strokes / characters


def _interval(face: str, points_per_character: float) -> float:
    """The time between points that leaves so many of them: a stroke of duration d has d / interval + 1."""
    time, strokes = _pace(face)
    if points_per_character < 3 * strokes:
        raise InputError(
            f"Expected at least {3 * strokes:.1f} points per character for face {face!r}, found {points_per_character}."
        )
    return time / (points_per_character - strokes)


def _path(
    text: str, writer: Writer, rng: np.random.Generator, more: Mapping[str, Glyph] = MappingProxyType({})
) -> pen.Path:
    """The way of the pen over the paper, for a size of 1."""
    path = pen.resample_by_length(_layout(text, writer, rng, more))
    return pen.round_corners(pen.shake(path, writer.tremor, rng), writer.rounding)


def _layout(text: str, writer: Writer, rng: np.random.Generator, more: Mapping[str, Glyph]) -> pen.Path:
    """The glyphs of a text, in the writer's shapes, one after the other along the baseline."""
    face = {**glyphs(writer.face), **more}
    pieces = _writing_order([face[c] for c in text], marks_wait=FACES[writer.face].marks_wait)
    sizes = np.array([len(points) for points, _, _ in pieces])
    points = np.concatenate([points for points, _, _ in pieces])
    character = np.repeat([index for _, index, _ in pieces], sizes)

    characters = [*CHARACTERS, *more]
    codes = np.array([characters.index(c) for c in text])
    own = np.random.default_rng(writer.habit_seed).normal(size=(len(characters), _NUM_BENDS))[codes]
    draws = writer.habit * own + writer.jitter * rng.normal(size=own.shape)
    stretch = writer.aspect * np.exp(0.06 * draws[:, 0])
    widths = stretch * [face[c].width * (writer.word_spacing if c == " " else 1) for c in text]

    points[:, 0] *= stretch[character]
    points = _bend(points, widths[character] / 2, draws[character])
    advances = widths + writer.letter_spacing
    points[:, 0] += (np.cumsum(advances) - advances)[character] - writer.slant * points[:, 1]
    points[:, 1] += _baseline(points[:, 0], writer, rng)
    stroke_sizes = np.add.reduceat(sizes, np.flatnonzero([starts for _, _, starts in pieces]))
    return pen.Path(points, stroke_sizes)


def _writing_order(line: list[Glyph], *, marks_wait: bool) -> list[tuple[np.ndarray, int, bool]]:
    """What the pen does: pieces of ink as (points, index of the character, whether the pen is lifted before it)."""
    pieces, marks, is_down = [], [], False
    for index, glyph in enumerate(line):
        goes_on = is_down and glyph.joins_previous
        if goes_on and glyph.enters_low:
            pieces[-1] = (_without_exit(pieces[-1][0], line[index - 1].width), *pieces[-1][1:])
        if goes_on and len(glyph.lead_in):
            pieces.append((glyph.lead_in, index, False))
        for number, stroke in enumerate(glyph.strokes):
            pieces.append((stroke, index, number > 0 or not goes_on))
        marks += [(mark, index, True) for mark in glyph.marks]
        is_down = glyph.joins_next
        word_goes_on = is_down and index + 1 < len(line) and line[index + 1].joins_previous
        if marks and not (marks_wait and word_goes_on and index - marks[0][1] < _LONGEST_WAIT):
            pieces += marks
            marks, is_down = [], False
    return pieces


def _without_exit(points: np.ndarray, width: float) -> np.ndarray:
    """Cuts the upstroke at the end of a letter where it nears the letter's right edge."""
    inside = np.flatnonzero(points[:, 0] <= width - _LOW_ENTRY)
    return points[: inside[-1] + 1] if len(inside) else points


def _bend(points: np.ndarray, middle_x: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Letters as they differ from the font and from one another: height, turn, lean, place, and a smooth warp.

    Args:
      points: each relative to its letter's left end of the baseline. Shape [N, 2].
      middle_x: middle of the letter that a point belongs to. Shape [N].
      draws: the letter's own numbers, about standard normal; the first is not used here. Shape [N, _NUM_BENDS].
    """
    _, height, turn, lean, shift_x, shift_y, *warps = draws.T
    x, y = points[:, 0] - middle_x, points[:, 1] + X_HEIGHT / 2
    # A quarter of a wave to each side of the middle of a small letter: the warp bends it and does not ripple it.
    phase = np.pi / (2 * X_HEIGHT)
    warp_x = warps[0] * np.sin(phase * y) + warps[1] * np.cos(2 * phase * y)
    warp_y = warps[2] * np.sin(phase * x) + warps[3] * np.cos(2 * phase * x)
    bent_x = x - 0.03 * (turn + lean) * y + 0.5 * warp_x + 0.3 * shift_x
    bent_y = np.exp(0.05 * height) * y + 0.03 * turn * x + 0.5 * warp_y + 0.4 * shift_y
    return np.stack([bent_x + middle_x, bent_y - X_HEIGHT / 2], axis=1)


def _baseline(x: np.ndarray, writer: Writer, rng: np.random.Generator) -> np.ndarray:
    """Height of the baseline, y downwards, at each x: two slow waves and a slope. Shape [N]."""
    wavelengths = rng.uniform([80, 250], [150, 600])
    phases = rng.uniform(0, 2 * np.pi, 2)
    waves = np.sin(2 * np.pi * x[:, None] / wavelengths + phases) @ [0.4, 0.8]
    return writer.drift * waves - writer.climb * x
