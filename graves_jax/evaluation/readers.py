"""Off-the-shelf recognisers, and the pictures of lines that they read.

A recogniser expects what a scanner sees of a line of print. So ink is brought near that first: level, upright, of one
height and one pen width, a little narrower. Real ink and written ink are prepared alike.
"""

import importlib.util
import pathlib
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw

from graves_jax.data.alphabet import ASCII_CHARACTERS
from graves_jax.data.ink import Ink
from graves_jax.data.line_geometry import straighten
from graves_jax.errors import InputError
from graves_jax.files import sha256_of

# The picture of a line, in pixels.
HEIGHT = 48
PEN_WIDTH = 1.2
PEN_GREY, PAPER_GREY = 40, 255
# On every side.
MARGIN = 0.1 * HEIGHT
# Handwriting is wider than the print that recognisers learn from.
NARROWING = 0.88
# A line without height, or an absurdly long one, still gets a picture.
MAX_WIDTH = 4_096
# Drawn so much larger and then reduced, which gives the pen its width and smooth edges.
_OVERSAMPLING = 5
# Slants that are tried, as the tangent of the angle from upright: up to 45 degrees to either side.
_SLANTS = np.linspace(-1.0, 1.0, 81)
# So many columns of ink are told apart in the height of a line.
_COLUMNS = 48


class Reader(Protocol):
    """Reads a line.

    Attributes:
      name: of the recogniser, with its version.
      sha256: of its weights.
    """

    name: str
    sha256: str

    def __call__(self, picture: np.ndarray) -> str:
        """What a picture [48, width], uint8, says."""
        ...


def slant(strokes: Sequence[np.ndarray]) -> float:
    """The slant of the writing: by how much a stroke goes right for each unit up. 0 is upright.

    Upright letters put much ink into few columns. So of many slants the one is taken without which the histogram of
    the ink over x has the largest sum of squares; ink is counted by how far it runs up or down.
    """
    beginnings, ends = (np.concatenate([stroke[part] for stroke in strokes]) for part in (slice(-1), slice(1, None)))
    middles, rise = (beginnings + ends) / 2, np.abs(ends - beginnings)[:, 1]
    if not rise.any():
        return 0.0
    x = middles[:, 0] + _SLANTS[:, None] * middles[:, 1]
    # Of a line that is all but flat there would be columns without end.
    column = max(np.ptp(np.concatenate(strokes)[:, 1]) / _COLUMNS, np.ptp(x) / MAX_WIDTH)
    columns = ((x - x.min()) / column).astype(int)
    concentration = [np.square(np.bincount(row, rise)).sum() for row in columns]
    return float(_SLANTS[np.argmax(concentration)])


def make_upright(strokes: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The strokes without their slant; heights stay as they were."""
    shear = np.array([[1.0, 0.0], [slant(strokes), 1.0]])
    return [stroke @ shear for stroke in strokes]


def picture(ink: Ink) -> np.ndarray:
    """A line of ink as a recogniser sees it: dark on white. Shape [48, width], uint8."""
    strokes = make_upright(straighten(ink.strokes()))
    points = np.concatenate(strokes)
    width, height = np.ptp(points, axis=0) * (NARROWING, 1.0)
    inner_width, inner_height = MAX_WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
    # By height, unless the line is too flat for that; a single dot has no size to go by.
    scale = inner_height / max(height, width * inner_height / inner_width) if height or width else 1.0
    factors = scale * np.array([NARROWING, 1.0])
    shift = np.array([MARGIN, (HEIGHT - height * scale) / 2])
    pixels = [(stroke - points.min(axis=0)) * factors + shift for stroke in strokes]
    return _draw(pixels, width=int(np.ceil(width * scale + 2 * MARGIN)))


def _draw(strokes: Iterable[np.ndarray], *, width: int) -> np.ndarray:
    """Strokes, in pixels, with round ends and joints."""
    canvas = Image.new("L", (width * _OVERSAMPLING, HEIGHT * _OVERSAMPLING), PAPER_GREY)
    pen, pen_width = ImageDraw.Draw(canvas), round(PEN_WIDTH * _OVERSAMPLING)
    for stroke in strokes:
        points = (stroke * _OVERSAMPLING).tolist()
        pen.line([tuple(point) for point in points], fill=PEN_GREY, width=pen_width)
        for x, y in points:
            pen.circle((x, y), pen_width / 2, fill=PEN_GREY)
    return np.asarray(canvas.reduce(_OVERSAMPLING))


def greedy_text(scores: np.ndarray, characters: Sequence[str], *, read: Sequence[str] = ASCII_CHARACTERS) -> str:
    """The text of the likeliest code at each step: repeats count once, blanks not at all.

    Args:
      scores: of each code at each step; any that grow with its probability. Shape [S, C].
      characters: of each code, "" for the blank. Length C.
      read: the only characters that the text may have; printable ASCII where none are named.
    Returns:
      Connectionist temporal classification's best path (Graves et al. 2006), as a text.
    """
    allowed = np.flatnonzero(np.isin(characters, ["", *read]))
    best = allowed[scores[:, allowed].argmax(axis=1)]
    changed = np.concatenate([[True], best[1:] != best[:-1]])
    return "".join(characters[int(code)] for code in best[changed])


class PPOCR:
    """PP-OCRv6 small, its recognition model alone, which comes inside the package rapidocr: nothing is downloaded."""

    _MODEL = "PP-OCRv6_rec_small"
    # It was trained on pictures of this width and reads much narrower ones badly. As rapidocr itself does, they are
    # padded on the right with 0, which is grey to the model.
    _MIN_WIDTH = 320

    def __init__(self):
        """Raises InputError where the extra `legibility` is not installed, or rapidocr came with other models."""
        try:
            import onnxruntime
        except ModuleNotFoundError:
            onnxruntime = None
        # Found, not imported: the package would bring OpenCV along, which nothing here needs.
        package = importlib.util.find_spec("rapidocr")
        has_edits = importlib.util.find_spec("rapidfuzz") is not None
        if onnxruntime is None or package is None or package.origin is None or not has_edits:
            raise InputError(
                "Reading ink needs the optional extra 'legibility', found it missing: "
                "pip install 'graves_jax[legibility]'."
            )
        model = pathlib.Path(package.origin).parent / "models" / f"{self._MODEL}.onnx"
        if not model.is_file():
            raise InputError(f"Expected a rapidocr (3.10 has it) with {model.name} inside, found none.")
        self.name, self.sha256 = self._MODEL, sha256_of(model)
        self._session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        listed = self._session.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._characters = ["", *listed, " "]

    def __call__(self, picture: np.ndarray) -> str:
        """What a picture [48, width], uint8, says."""
        grey = np.pad(picture / 127.5 - 1, ((0, 0), (0, max(self._MIN_WIDTH - picture.shape[1], 0))))
        pixels = np.repeat(grey[None, None].astype(np.float32), 3, axis=1)
        probabilities = self._session.run(None, {self._session.get_inputs()[0].name: pixels})[0]
        return greedy_text(np.asarray(probabilities)[0], self._characters)
