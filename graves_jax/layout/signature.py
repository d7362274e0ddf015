"""A signature under a letter: own ink, which a plotter draws too, or a picture of it."""

import dataclasses
import io
import os
import pathlib
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from graves_jax.data.json_lines import read_json_lines
from graves_jax.errors import InputError
from graves_jax.files import is_file
from graves_jax.layout.pages import Picture, Setting, Sheet, SheetLine, rules_of
from graves_jax.layout.words import extent

# Of a picture; a signature that fills a sheet at 600 dots to the inch has fewer.
_MOST_PIXELS = 40_000_000
# From the last line's ink to the signature, in line spacings.
_SPACE = 0.5


@dataclasses.dataclass(frozen=True, eq=False)
class Signature:
    """One of both.

    Attributes:
      strokes: in any unit, y downwards. Each [N, 2]; none of a picture.
      picture: a PNG.
      text: what it says.
    """

    strokes: list[np.ndarray]
    picture: bytes | None
    text: str = "(signature)"

    @property
    def aspect(self) -> float:
        """Its height as a part of its width."""
        if self.picture is not None:
            width, height = Image.open(io.BytesIO(self.picture)).size
            return height / width
        left, top, right, bottom = extent(self.strokes)
        return (bottom - top) / (right - left)


def load_signature(path: str | os.PathLike) -> Signature:
    """A signature from a file: the first line of a .jsonl of own ink, or a picture (PNG, JPEG and the like).

    Raises:
      InputError: there is no such file, or it is neither.
    """
    path = pathlib.Path(path)
    if path.suffix.lower() == ".jsonl":
        ink = read_json_lines(path)[0].ink
        strokes = ink.strokes()
        left, _, right, _ = extent(strokes)
        if right <= left:
            raise InputError(
                f"Expected a signature that goes to the right, found one without width in {str(path)!r:.300}."
            )
        return Signature(strokes, None, ink.transcript)
    if not is_file(path):
        raise InputError(f"Expected a signature at {str(path)!r:.300}, a picture or .jsonl, found no such file.")
    try:
        with Image.open(path) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise InputError(f"Expected a picture of at most {_MOST_PIXELS:,} pixels, found more in {path}.")
            png = io.BytesIO()
            # A telephone notes how it was held; PNG has no such note.
            ImageOps.exif_transpose(image).convert("RGBA").save(png, format="PNG")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"Expected a signature that is a picture or .jsonl, found neither in {str(path)!r:.300}."
        ) from None
    return Signature([], png.getvalue())


def sign(sheets: Sequence[Sheet], signature: Signature, setting: Setting, *, width: float) -> list[Sheet]:
    """The sheets with a signature under the last line, on a sheet of its own where there is no room for it.

    Args:
      width: of the signature, mm.
    Raises:
      InputError: it is wider or higher than the room between the margins.
    """
    paper, half = setting.paper, setting.pen / 2
    height = width * signature.aspect
    room = np.array(paper.room) - setting.pen
    if not 0 < width <= room[0] or height > room[1]:
        raise InputError(
            f"Expected a signature that fits into {room[0]:.0f} x {room[1]:.0f} mm, found {width:g} x {height:.0f} mm."
        )
    *others, last = sheets
    left, top = paper.left + half, paper.top + half
    if last.lines:
        line_left, _, _, line_bottom = extent(last.lines[-1].strokes)
        below = line_bottom + _SPACE * setting.pitch
        left = min(line_left, paper.width - paper.right - half - width)
        if below + height <= paper.height - paper.bottom - half:
            top = below
        else:
            others, last = [*others, last], Sheet(paper, [], rules_of(setting))
    if signature.picture is not None:
        picture = Picture(signature.picture, left, top, width, height)
        return [*others, dataclasses.replace(last, picture=picture)]
    box = extent(signature.strokes)
    factor = width / (box[2] - box[0])
    strokes = [(stroke - np.array(box[:2])) * factor + np.array([left, top]) for stroke in signature.strokes]
    return [*others, dataclasses.replace(last, lines=[*last.lines, SheetLine(signature.text, strokes)])]
